"""The rules of the routes table, one by one.

    class of an address at a switch              what its rule does
    ------------------------------------------   ----------------------------------------------------
    its owner is reached by one next hop         output; with a detour, FAST_FAILOVER group
    its owner is reached by several              SELECT group
    its owner cannot be reached                  hand it to the controller, metered: its sender is told
    it is owned here and a host has it           host rule: write the host's MAC as destination, output
    it is owned here and nobody has it           glean: hand it to the controller, metered

Host rules are as long as the address and lie above all prefixes. Each writes the destination MAC, also where
it is that already: a packet for an address reaches its station whatever MAC the sender believed in, and host
rules can be told from all others when a switch is read back (compiler/adopt.py).

A rule with a detour has a variant above for packets that have had theirs: output, and nothing else; and one
for packets that come from where the detour leads (compiler/failover.py). Frames that are neither IP nor ARP
cannot be marked, and have no detours.

Each rule on a prefix of IPv4 has a twin for frames of ARP about the same addresses, which does the same. So
has each host rule; and so have the rules for who cannot be reached and for who is not there, though such a
frame names a station as well: every switch has to send it by one and the same address. If the last one went
by the station's name instead, the one before it would send it back, by the address that it is about. Nothing
is lost by it: an answer in the name of an address that is not known to be the station's has to go through the
controller anyway (apps/admission).

With a gateway configured, a host rule has a variant one rung above for packets sent to the gateway's MAC:
TTL lowered, both MACs rewritten, as a router does (RFC 1812, section 5.2.1). Link-local addresses have
none: no router forwards them (RFC 4291, section 2.5.6). Nor has ARP: the gateway's part of that is played by
the controller.

Equal rules are one object, on however many switches they stand: who compares, encodes or writes them down
may remember them by identity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from controller.compiler.cookies import cookie
from controller.compiler.families import MAC, Family, Prefix, alike, conditions, family_of, priority, rung
from controller.contract import Gateway
from controller.dataplane.pipeline import PUNT_METER, RELEASED_MAC, Table, Variant
from controller.model.flow import (
    TO_CONTROLLER,
    Action,
    DecrementTtl,
    Field,
    FlowRule,
    Match,
    Output,
    Owner,
    RuleKey,
    SetField,
    ToGroup,
    match,
)
from controller.model.identity import Mac, PortNo
from controller.model.routing import Endpoint


@dataclass(frozen=True, slots=True, eq=False)
class Treatment:
    """What is done with the packets of a class; compared by identity: equal ones are one.

    `unmarkable` is done with frames that have no IP address to go by, and with packets past their detour,
    where that is something else: they take no detour. `turning` is done with packets that come in by this
    port.
    """

    actions: tuple[Action, ...]
    meter: int | None = None
    unmarkable: Treatment | None = None
    turning: tuple[PortNo, Treatment] | None = None


GLEAN = Treatment((TO_CONTROLLER,), PUNT_METER)


@lru_cache(maxsize=65_536)
def output(port: PortNo) -> Treatment:
    """Send it out of a port."""
    return Treatment((Output(port),))


@lru_cache(maxsize=65_536)
def to_group(group_id: int) -> Treatment:
    """Let a group of the switch choose."""
    return Treatment((ToGroup(group_id),))


@lru_cache(maxsize=65_536)
def or_detour(group_id: int, port: PortNo, turning: tuple[PortNo, int] | None = None) -> Treatment:
    """Let a group send it out of a port, or on a detour when that is dead; and another group, what comes in
    by the port with which the detour begins.
    """
    back = (turning[0], to_group(turning[1])) if turning else None
    return Treatment((ToGroup(group_id),), unmarkable=output(port), turning=back)


@lru_cache(maxsize=262_144)
def prefix_rules(
    family: Family, prefix: Prefix, treatment: Treatment, life: int
) -> tuple[tuple[RuleKey, FlowRule], ...]:
    """The rule on a destination prefix, and its variants where it has a detour, with their keys; for each
    family that goes by the prefix.
    """
    rules = [rule for kind in alike(family) for rule in _prefix_rules(kind, prefix, treatment, life)]
    return tuple([(rule.key, rule) for rule in rules])


def _prefix_rules(family: Family, prefix: Prefix, treatment: Treatment, life: int) -> list[FlowRule]:
    rank, destination = rung(family, prefix)
    plain = treatment.unmarkable
    mine = plain if plain and family is MAC else treatment
    rules = [_route(rank, destination, mine.actions, life, mine.meter)]
    if plain and family is not MAC:
        wanted = match(**conditions(family, prefix), eth_dst=RELEASED_MAC)
        rules.append(_route(priority(family, prefix.length, Variant.RELEASED), wanted, plain.actions, life))
        if treatment.turning:
            in_port, back = treatment.turning
            wanted = match(in_port=in_port, **conditions(family, prefix))
            rank = priority(family, prefix.length, Variant.TURNING)
            rules.append(_route(rank, wanted, back.actions, life))
    return rules


def host_rules(endpoint: Endpoint, gateway: Gateway, life: int) -> tuple[FlowRule, ...]:
    """The rule of an endpoint for each family that goes by its address, and the variant for packets that
    come through the gateway.
    """
    return _host_rules(endpoint, gateway.mac if _is_routed(endpoint, gateway) else None, life)


@lru_cache(maxsize=131_072)
def _host_rules(endpoint: Endpoint, gateway: Mac | None, life: int) -> tuple[FlowRule, ...]:
    family = family_of(endpoint.address)
    prefix = Prefix(int(endpoint.address), family.bits)
    deliver = (SetField(Field.ETH_DST, endpoint.mac), Output(endpoint.at.port))
    plain = tuple([_route(*rung(kind, prefix), deliver, life) for kind in alike(family)])
    if gateway is None:
        return plain
    routed = match(**conditions(family, prefix), eth_dst=gateway)
    actions = (DecrementTtl(), SetField(Field.ETH_SRC, gateway), *deliver)
    return *plain, _route(priority(family, family.bits, Variant.GATEWAY), routed, actions, life)


def _is_routed(endpoint: Endpoint, gateway: Gateway) -> bool:
    """Whether a gateway forwards packets to this address: it has an interface in the family."""
    if isinstance(endpoint.address, int):
        return False
    return any(interface.version == endpoint.address.version for interface in gateway.interfaces)


def _route(
    rank: int, destination: Match, actions: tuple[Action, ...], life: int, meter: int | None = None
) -> FlowRule:
    signature = cookie(Owner.ROUTES, life, Table.ROUTES, rank, destination)
    return FlowRule(Table.ROUTES, rank, destination, actions, meter=meter, cookie=signature)

"""Routes become rules: the routes table of each switch, as few rules as can be, and the groups that they use.

    class of an address at a switch              what its rule does
    ------------------------------------------   ----------------------------------------------------
    its owner is reached by one next hop         output
    its owner is reached by several              SELECT group
    its owner cannot be reached                  drop
    it is owned here and a host has it           host rule: write the host's MAC as destination, output
    it is owned here and nobody has it           glean: hand it to the controller, metered

Rules on prefixes come from the ownership trie and ORTC; host rules are as long as the address and lie above
them. Every host rule writes the destination MAC, also where it is that already: a packet for an address
reaches its station whatever MAC the sender believed in, and host rules can be told from all others when a
switch is read back (compiler/adopt.py).

With a gateway configured, a host rule has a variant one rung above for packets sent to the gateway's MAC:
TTL lowered, both MACs rewritten, as a router does (RFC 1812, section 5.2.1). Link-local addresses have
none: no router forwards them (RFC 4291, section 2.5.6).

Speed. A switch's work depends only on its *pattern*: which owners share a class. All core switches of a fat
tree have the same, so that ORTC runs once a pattern; and a switch for which nothing at all changed keeps
the very same `SwitchRoutes` object, by which later rooms see that there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from controller.compiler.aggregate import Entry, aggregate
from controller.compiler.families import Family, Prefix, conditions, family_of, priority, rung
from controller.compiler.groups import choices_before, groups_for
from controller.compiler.trie import Ownership, ownership
from controller.contract import Gateway
from controller.dataplane.pipeline import PUNT_METER, Table
from controller.model.flow import (
    TO_CONTROLLER,
    Action,
    DecrementTtl,
    Field,
    FlowRule,
    Group,
    Output,
    SetField,
    ToGroup,
    match,
)
from controller.model.identity import Dpid
from controller.model.routing import UNREACHABLE, Endpoint, NextHops, RouteTable
from controller.model.topology import Topology

Pattern = tuple[int, ...]
Entries = tuple[tuple[Family, tuple[Entry, ...]], ...]
Treatment = tuple[tuple[Action, ...], int | None]
"""What is done with the packets of a class: actions, and the meter before them."""

_GLEAN = None
"""Stands where other owners have next hops: the owner is this very switch."""


@dataclass(frozen=True)
class SwitchRoutes:
    """The rules of one switch's routes table and the groups that they name."""

    rules: tuple[FlowRule, ...] = ()
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True)
class _Input:
    """All that the routes of one switch depend on, beside the ownership trie."""

    at: Dpid
    hops: tuple[NextHops | None, ...]
    endpoints: tuple[Endpoint, ...]
    repetition: int
    gateway: Gateway


@dataclass(frozen=True)
class _Output:
    given: _Input
    pattern: Pattern
    entries: Entries
    routes: SwitchRoutes


@dataclass(frozen=True)
class FabricRoutes:
    """The compiled routes of all switches, and what the next compilation may take over."""

    switches: Mapping[Dpid, SwitchRoutes] = field(default_factory=dict)
    owners: Ownership = Ownership((), {})
    outputs: Mapping[Dpid, _Output] = field(default_factory=dict)


def compile_routes(
    table: RouteTable, topology: Topology, gateway: Gateway, before: FabricRoutes | None = None
) -> FabricRoutes:
    """Rules and groups for every switch of the snapshot.

    `before` is an earlier result, from which whatever is unchanged is taken over; the answer does not
    depend on it.
    """
    before = before or FabricRoutes()
    owners = ownership(table.endpoints)
    same_owners = owners == before.owners
    if same_owners:
        owners = before.owners
    known = {output.pattern: output.entries for output in before.outputs.values()} if same_owners else {}
    outputs: dict[Dpid, _Output] = {}
    for dpid, given in _inputs(table, topology, owners, gateway):
        old = before.outputs.get(dpid)
        if old is not None and same_owners and old.given == given:
            outputs[dpid] = old
        else:
            outputs[dpid] = _compile(owners, given, known, old)
    return FabricRoutes({dpid: output.routes for dpid, output in outputs.items()}, owners, outputs)


def _inputs(
    table: RouteTable, topology: Topology, owners: Ownership, gateway: Gateway
) -> list[tuple[Dpid, _Input]]:
    local: dict[Dpid, list[Endpoint]] = {}
    for endpoint in table.endpoints:
        local.setdefault(endpoint.at.dpid, []).append(endpoint)
    repetition = choices_before(topology, table)
    inputs = []
    for switch in topology.switches:
        at = switch.dpid
        hops = tuple(
            _GLEAN if target == at else table.hops.get((target, at), UNREACHABLE) for target in owners.targets
        )
        inputs.append((at, _Input(at, hops, tuple(local.get(at, ())), repetition[at], gateway)))
    return inputs


def _compile(owners: Ownership, given: _Input, known: dict[Pattern, Entries], old: _Output | None) -> _Output:
    """The routes of one switch; `known` are the patterns met so far, to which this one is added."""
    class_number: dict[NextHops | None, int] = {}
    pattern = tuple([class_number.setdefault(hops, len(class_number)) for hops in given.hops])
    if pattern not in known:
        known[pattern] = _entries(owners, pattern)
    several = [hops for hops in class_number if hops and len(hops.weights) > 1]
    groups = groups_for(several, given.repetition, given.at)
    treatments = [_treatment(hops, groups) for hops in class_number]
    rules = _rules(known[pattern], treatments, given.endpoints, given.gateway)
    routes = SwitchRoutes(rules, tuple(groups.values()))
    if old is not None and old.routes == routes:
        routes = old.routes
    return _Output(given, pattern, known[pattern], routes)


def _entries(owners: Ownership, pattern: Pattern) -> Entries:
    return tuple((family, aggregate(family, roots, pattern)) for family, roots in owners.forests.items())


def _rules(
    entries: Entries, treatments: Sequence[Treatment], endpoints: Iterable[Endpoint], gateway: Gateway
) -> tuple[FlowRule, ...]:
    """A rule for each entry and each host; an entry that is no more than one host's address is left out."""
    hosts = [(family_of(endpoint.address), endpoint) for endpoint in endpoints]
    occupied = {(family, Prefix(int(endpoint.address), family.bits)) for family, endpoint in hosts}
    rules = [
        _prefix_rule(family, prefix, *treatments[number])
        for family, part in entries
        for prefix, number in part
        if (family, prefix) not in occupied
    ]
    for family, endpoint in hosts:
        rules += _host_rules(family, endpoint, gateway)
    return tuple(rules)


def _treatment(hops: NextHops | None, groups: Mapping[NextHops, Group]) -> Treatment:
    if hops is _GLEAN:
        return (TO_CONTROLLER,), PUNT_METER
    if hops in groups:
        return (ToGroup(groups[hops].group_id),), None
    return tuple(Output(port) for port in hops.ports), None


def _prefix_rule(family: Family, prefix: Prefix, actions: tuple[Action, ...], meter: int | None) -> FlowRule:
    rank, destination = rung(family, prefix)
    return FlowRule(Table.ROUTES, rank, destination, actions, meter=meter)


def _host_rules(family: Family, endpoint: Endpoint, gateway: Gateway) -> list[FlowRule]:
    """The rule of an endpoint, and its variant for packets that come through the gateway."""
    prefix = Prefix(int(endpoint.address), family.bits)
    deliver = (SetField(Field.ETH_DST, endpoint.mac), Output(endpoint.at.port))
    rank, destination = rung(family, prefix)
    rules = [FlowRule(Table.ROUTES, rank, destination, deliver)]
    if _is_routed(endpoint, gateway):
        routed = match(**conditions(family, prefix), eth_dst=gateway.mac)
        actions = (DecrementTtl(), SetField(Field.ETH_SRC, gateway.mac), *deliver)
        rules.append(FlowRule(Table.ROUTES, priority(family, family.bits, gateway=True), routed, actions))
    return rules


def _is_routed(endpoint: Endpoint, gateway: Gateway) -> bool:
    """Whether a gateway forwards packets to this address: it has an interface in the family."""
    if isinstance(endpoint.address, int):
        return False
    return any(interface.version == endpoint.address.version for interface in gateway.interfaces)

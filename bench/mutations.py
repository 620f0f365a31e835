"""Corruptions of an installed program, and whether verification sees them.

Each is one of: a rule or a bucket that leads to a wrong port, a rule that is missing, two priorities that are
swapped, a route that leads back to where its packets come from. A corruption that changes nothing for any
packet from any host (but those that a host forges as if they were on a
detour), neither in the whole fabric nor with any one cable cut, is no corruption and is drawn
again (`equivalent`). The others have to show as a violation (controller/verification/violations.py), in the
whole fabric or under the failure of one cable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import chain
from random import Random
from typing import Any

from controller.dataplane.pipeline import ANY_MARK
from controller.model.blueprint import fat_tree
from controller.model.flow import Field, FlowRule, Group, Output, ToGroup
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.program import FabricProgram, SwitchProgram
from controller.model.topology import Topology
from controller.verification.network import Ground, Network, ground_of
from controller.verification.packets import Headers
from controller.verification.terms import terms_of
from controller.verification.violations import Demands, demanded_terms
from policies import over_packets
from policies.canonical import write
from policies.language.load import parse_policy
from treadle.ground import inventory_of, planned
from treadle.offline import program_of

_POLICY = """\
kind: access
name: walls
clauses:
  - deny: {from: 10.0.0.0/16, to: h16}
  - deny: {from: h5, to: [h12, h13], protocol: tcp, ports: [22, 8000-8100]}
"""
_TWINS = 512
Corrupted = tuple[str, Dpid, SwitchProgram]


class Subject:
    """A fabric with its program under a policy, whole and with each single cable cut."""

    def __init__(self, k: int) -> None:
        fabric = planned(fat_tree(k))
        policy = parse_policy({"walls.yaml": _POLICY}, inventory_of(fabric))
        self.topology = fabric.topology
        self.program: FabricProgram = program_of(self.topology, write(policy))
        terms = chain(
            terms_of(self.program), demanded_terms(self.topology.hosts, ()), over_packets.terms(policy)
        )
        self.headers = Headers(terms, _TWINS)
        self.grounds = [ground_of(self.topology), *_failures(self.topology)]
        self._honest = self.headers.complement(self.headers.term(Field.ETH_DST, *ANY_MARK))
        denied = over_packets.denied(self.headers, policy)
        self.demands = Demands(self.headers, self.grounds[0].hosts, denied)
        self.networks = [Network(self.headers, self.program, ground) for ground in self.grounds]
        self.known = [self._violations(network) for network in self.networks]

    def judged(self, dpid: Dpid, program: SwitchProgram) -> tuple[bool, bool]:
        """Whether it makes a difference to any packet that the switch holds this, and whether that shows."""
        differs = False
        wanted = {**self.program, dpid: program}
        for network, ground, known in zip(self.networks, self.grounds, self.known, strict=True):
            after, _ = network.succeeded(wanted, ground)
            if self._violations(after) - known:
                return True, True
            differs = differs or any(
                after.fates(end, self._honest) != network.fates(end, self._honest) for end in ground.hosts
            )
        return differs, False

    def _violations(self, network: Network) -> set[tuple[str, PortRef, int]]:
        """Each with the set of packets it is about, which is equal where it is the same object."""
        found = self.demands.violations(network, strict=True)
        return {(each.wrong.value, each.at, id(each.packets)) for each in found}


def _failures(topology: Topology) -> Iterator[Ground]:
    """The ground with each cable cut in turn: its ports are dead."""
    whole = ground_of(topology)
    for link in topology.links:
        if link.src < link.dst:
            dead = frozenset((link.src, link.dst))
            peer = {a: b for a, b in whole.peer.items() if a not in dead}
            yield Ground(peer, whole.hosts, whole.dead | dead)


def corruption(random: Random, program: FabricProgram, peer: Mapping[PortRef, PortRef]) -> Corrupted:
    """What is wrong, where, and what that switch holds then."""
    dpid = random.choice(sorted(program))
    held = program[dpid]
    ports = sorted(end.port for end in peer if end.dpid == dpid)
    rules = sorted(held.rules.values(), key=lambda rule: (rule.table, rule.priority, rule.match.order))
    kind = random.choice(("wrong port", "missing rule", "swapped priority", "loop"))
    if kind == "missing rule":
        gone = random.choice(rules)
        return kind, dpid, _with(held, drop=(gone,))
    if kind == "swapped priority":
        one, other = random.sample(rules, 2)
        swapped = replace(one, priority=other.priority), replace(other, priority=one.priority)
        return kind, dpid, _with(held, (one, other), swapped)
    forwarding = [rule for rule in rules if any(isinstance(a, Output | ToGroup) for a in rule.actions)]
    rule = random.choice(forwarding)
    if kind == "wrong port" and rule.groups and random.random() < 0.5:
        group = held.groups[rule.groups[0]]
        groups = {**held.groups, group.group_id: _astray(group, random.choice(ports))}
        return kind, dpid, SwitchProgram(held.rules, groups, held.meters)
    port = random.choice(ports)
    return kind, dpid, _with(held, (rule,), (replace(rule, actions=(Output(port),), meter=None),))


def _astray(group: Group, port: PortNo) -> Group:
    first, *rest = group.buckets
    actions = tuple(Output(port) if isinstance(each, Output) else each for each in first.actions)
    return replace(group, buckets=(replace(first, actions=actions), *rest))


def _with(
    held: SwitchProgram, drop: tuple[FlowRule, ...] = (), more: tuple[FlowRule, ...] = ()
) -> SwitchProgram:
    rules = {key: rule for key, rule in held.rules.items() if rule not in drop}
    return SwitchProgram({**rules, **{rule.key: rule for rule in more}}, held.groups, held.meters)


def measured(count: int, k: int = 4, seed: int = 1) -> dict[str, Any]:
    """So many corruptions, how many of them showed, and what the others were."""
    subject, random = Subject(k), Random(seed)
    made = found = equivalent = 0
    missed: dict[str, int] = {}
    while made < count:
        kind, dpid, program = corruption(random, subject.program, subject.topology.peer)
        differs, shows = subject.judged(dpid, program)
        if not differs:
            equivalent += 1
            continue
        made += 1
        found += shows
        if not shows:
            missed[kind] = missed.get(kind, 0) + 1
    return {
        "mutations": made,
        "mutations_found": found,
        "mutations_equivalent": equivalent,
        "mutations_missed": missed,
    }

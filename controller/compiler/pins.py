"""Pins become rules: the flows that are to go one way where the routes leave a choice.

    paths by flow  --walk along the next hops-->  choices at each switch  -->  rules and failover groups

A path is walked from its first switch (compiler/walks.py). Where the routes offer several next hops towards
the flow's destination and the path takes one of them, the switch holds a rule for exactly this flow; where
they offer just that one, none is needed. The walk ends where the path takes what the routes do not offer, or
a port without a link, or leaves another switch than the one reached: such a path is out of date, and from
there on its packets go as the routes lead.

    watch 3   output 3      the path's
    watch 1   output 1      the other next hops, in turn from there: if port 3 dies, the
    watch 2   output 2      switch falls back by itself, at once

*Why this cannot loop.* Each bucket of each pin is one of the next hops that the same switch's routes have for
the same destination, so whatever pinned packets do, packets that are not pinned may do too. A mixture of old
and new pins is then one of old and new routes, which the planner orders (planner/pinned.py). For that reason
a switch whose routes were made with thrift has no pins: they would know next hops that its routes do not.

Beyond its port a pin changes nothing: the destination's own switch, where a packet is addressed to its host
and routed through the gateway, has no choice, and so no pin. Packets with a mark never come this far (table
`detours`), and next hops with a backup are no choice either: those are the only ones of their switch.

Groups are shared: pins of one switch that take the same port among the same next hops have one. A switch for
which nothing changed keeps the very same `SwitchPins`. A walk costs a look at each hop, and only those flows
are walked again whose path, destination, next hops or links are not as before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import inf

from controller.compiler.cookies import with_cookie
from controller.compiler.groups import content_group, numbered
from controller.compiler.walks import Choice, Ground, Walk, passes, restless, walk
from controller.dataplane.pinned import flow_match
from controller.dataplane.pipeline import PASS_PRIORITY, PIN_PRIORITY, Table
from controller.graph.hops import hop_array
from controller.model.demand import FlowKey, Path
from controller.model.flow import Bucket, FlowRule, Group, GroupKind, Output, Owner, RuleKey, ToGroup
from controller.model.identity import Dpid
from controller.model.limits import Limits, failovers
from controller.model.program import SwitchProgram
from controller.model.routing import Address, Endpoint
from controller.model.topology import Topology


@dataclass(frozen=True)
class SwitchPins:
    """The pins of one switch, in the order of their flows, and the groups that they name."""

    rules: Mapping[RuleKey, FlowRule] = field(default_factory=dict)
    groups: Mapping[int, Group] = field(default_factory=dict)


NO_PINS = SwitchPins()


@dataclass(frozen=True)
class FabricPins:
    """The pins of all switches, and what they were made of.

    `changed` are the switches whose pins are not the same object as before, or are gone.
    """

    switches: Mapping[Dpid, SwitchPins] = field(default_factory=dict)
    changed: frozenset[Dpid] = frozenset()
    paths: Mapping[FlowKey, Path] = field(default_factory=dict)
    walks: Mapping[FlowKey, Walk] = field(default_factory=dict)
    choices: Mapping[Dpid, Mapping[FlowKey, Choice]] = field(default_factory=dict)
    ground: Ground = field(default_factory=lambda: Ground(hop_array({}, ()), Topology()))
    endpoints: tuple[Endpoint, ...] = ()
    homes: Mapping[Address, Dpid] = field(default_factory=dict)
    """The switch of each address."""
    life: int = 0


def compile_pins(
    paths: Mapping[FlowKey, Path],
    ground: Ground,
    endpoints: tuple[Endpoint, ...],
    life: int = 0,
    before: FabricPins | None = None,
) -> FabricPins:
    """Rules and groups for every switch at which a pinned flow has a choice, in this life of the controller.

    `before` is an earlier result; it saves work and changes nothing.
    """
    if before is None or before.life != life:
        before = FabricPins(life=life)
    if not paths and not before.paths:
        return before if not before.changed else FabricPins(life=life)
    homes = before.homes
    if endpoints is not before.endpoints:
        homes = {endpoint.address: endpoint.at.dpid for endpoint in endpoints}
    moved = _moved(paths, homes, ground, before)
    if not moved:
        made_of = paths, before.walks, before.choices, ground, endpoints, homes, life
        return FabricPins(before.switches, frozenset(), *made_of)
    walked = {
        key: walk(paths[key], homes.get(key.dst), ground)
        for key in moved & paths.keys()
        if flow_match(key) is not None
    }
    walks = {key: before.walks.get(key, ()) if key not in moved else walked.get(key, ()) for key in paths}
    choices = _choices(before, walked, moved)
    switches, changed = dict(before.switches), set()
    for dpid in _touched(before, walked, moved):
        made = _switch_pins(choices.get(dpid, {}), life)
        if made == before.switches.get(dpid, NO_PINS):
            continue
        changed.add(dpid)
        if made.rules:
            switches[dpid] = made
        else:
            del switches[dpid]
    made_of = paths, walks, choices, ground, endpoints, homes, life
    return FabricPins(switches if changed else before.switches, frozenset(changed), *made_of)


def _moved(
    paths: Mapping[FlowKey, Path],
    homes: Mapping[Address, Dpid],
    ground: Ground,
    before: FabricPins,
) -> set[FlowKey]:
    """The flows that are not pinned as before, or may not be."""
    moved = set(before.paths.keys() - paths.keys())
    if paths is not before.paths:
        moved.update(key for key, path in paths.items() if before.paths.get(key) != path)
    if homes is not before.homes:
        moved.update(key for key in paths if homes.get(key.dst) != before.homes.get(key.dst))
    where = restless(ground, before.ground)
    if where is None:
        return moved | paths.keys()
    if where:
        moved.update(key for key, path in paths.items() if passes(path, homes.get(key.dst), where))
    return moved


def _touched(before: FabricPins, walked: Mapping[FlowKey, Walk], moved: Iterable[FlowKey]) -> set[Dpid]:
    """The switches at which flows that have moved have a choice now, or had one."""
    touched: set[Dpid] = set()
    for key in moved:
        old, new = before.walks.get(key, ()), walked.get(key, ())
        if old != new:
            touched.update(dpid for dpid, _ in {*old, *new} - ({*old} & {*new}))
    return touched


def _choices(
    before: FabricPins, walked: Mapping[FlowKey, Walk], moved: Iterable[FlowKey]
) -> dict[Dpid, Mapping[FlowKey, Choice]]:
    """The choices by switch, after flows have moved."""
    fresh: dict[Dpid, dict[FlowKey, Choice]] = {}

    def at(dpid: Dpid) -> dict[FlowKey, Choice]:
        if dpid not in fresh:
            fresh[dpid] = dict(before.choices.get(dpid, {}))
        return fresh[dpid]

    for key in moved:
        for dpid, _ in before.walks.get(key, ()):
            at(dpid).pop(key, None)
        for dpid, choice in walked.get(key, ()):
            at(dpid)[key] = choice
    choices = {**before.choices, **fresh}
    return {dpid: mine for dpid, mine in choices.items() if mine}


def _switch_pins(choices: Mapping[FlowKey, Choice], life: int) -> SwitchPins:
    groups = numbered({choice: _group(choice) for choice in sorted(set(choices.values()))})
    rules = (_rule(key, groups[choices[key]].group_id, life) for key in sorted(choices, key=FlowKey.order))
    return SwitchPins({rule.key: rule for rule in rules}, {each.group_id: each for each in groups.values()})


@lru_cache(maxsize=65_536)
def _rule(key: FlowKey, group_id: int, life: int) -> FlowRule:
    """The pin of a flow that has a match; equal ones are one object."""
    where = flow_match(key)
    assert where is not None
    return with_cookie(FlowRule(Table.PINS, PIN_PRIORITY, where, (ToGroup(group_id),)), Owner.PINS, life)


@lru_cache(maxsize=65_536)
def _group(choice: Choice) -> Group:
    """The path's port first, then the others in turn from there, so that not all fall upon one."""
    first = choice.among.index(choice.port)
    ports = choice.among[first:] + choice.among[:first]
    buckets = tuple(Bucket((Output(port),), 0, port) for port in ports)
    return content_group(f"pin {' '.join(map(str, ports))}", GroupKind.FAST_FAILOVER, buckets)


# --- room ---------------------------------------------------------------------------------------------------


def with_room(pins: SwitchPins, beside: Mapping[int, Group], limits: Limits) -> SwitchPins:
    """As many of a switch's pins as it has room for, in the order of their flows, beside the groups that its
    routes need. A pin that it has refused is left out, and one whose group has met another one on its number.

    Pins fill at most half of their table and leave half of the groups: the other half is for updates.
    """
    rooms = limits.rules.get(Table.PINS)
    room = inf if rooms is None else (rooms - 1) // 2
    groups_left = _half(limits.groups) - len(beside)
    failovers_left = _half(limits.failovers) - failovers(beside.values())
    rules: dict[RuleKey, FlowRule] = {}
    groups: dict[int, Group] = {}
    for key, rule in pins.rules.items():
        (number,) = rule.groups
        group = pins.groups[number]
        fresh = number not in groups
        if fresh and (len(groups) >= min(groups_left, failovers_left) or beside.get(number, group) != group):
            continue
        if limits.buckets is not None and len(group.buckets) > limits.buckets:
            continue
        if len(rules) < room and rule not in limits.refused:
            rules[key] = rule
            groups[number] = group
    return pins if len(rules) == len(pins.rules) else SwitchPins(rules, groups)


def _half(most: int | None) -> float:
    return inf if most is None else most // 2


def without_pins(program: SwitchProgram) -> SwitchProgram:
    """The program without its pins: what a switch is asked for while it has no room for all."""
    gone = {
        key
        for key, rule in program.rules.items()
        if rule.table == Table.PINS and rule.priority > PASS_PRIORITY
    }
    if not gone:
        return program
    rules = {key: rule for key, rule in program.rules.items() if key not in gone}
    named = {number for key in gone for number in program.rules[key].groups}
    named -= {number for rule in rules.values() for number in rule.groups}
    groups = {number: group for number, group in program.groups.items() if number not in named}
    return SwitchProgram(rules, groups, program.meters)

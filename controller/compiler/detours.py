"""Detours become rules: the detours table of each switch, a few rules for each slot.

    slot (switch, in_port, mark), steps by target --aggregate--> prefixes --> in_port, mark, prefix: next step

A slot's steps are written as fewest prefixes like routes (compiler/aggregate.py). Of most targets no packet
comes by at a slot; what would be done with it does not matter, so it is what is done most often there, and
most slots are one rule for each address family; each rule for IPv4 has a twin for ARP.

A step writes the mark for what comes after it, if that is another one, and outputs, or lets a SELECT group
choose among several ports. Below the slots two rules stand on every switch of a fabric with detours: packets
past their detour go on to the routes, and any other mark is dropped, as nobody can have sent it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby

import numpy as np

from controller.compiler.aggregate import aggregate
from controller.compiler.cookies import with_cookie
from controller.compiler.families import ARP, IPV4, IPV6, MAC, Family, Prefix, alike, conditions
from controller.compiler.groups import select_group
from controller.compiler.trie import Ownership
from controller.dataplane.pipeline import (
    ANY_MARK,
    PASS_PRIORITY,
    RELEASED_MAC,
    DetourBase,
    Table,
    mark_mac,
    slot_priority,
)
from controller.graph.hops import as_numbers
from controller.model.flow import (
    Action,
    Field,
    FlowRule,
    Group,
    Output,
    Owner,
    RuleKey,
    SetField,
    ToGroup,
    match,
)
from controller.model.identity import Dpid
from controller.model.routing import Detour, DetourTable, Slot, next_hops


@dataclass(frozen=True)
class SwitchDetours:
    """The detours table of one switch, and the groups that it names."""

    rules: Mapping[RuleKey, FlowRule] = field(default_factory=dict)
    groups: Mapping[int, Group] = field(default_factory=dict)


@dataclass(frozen=True)
class FabricDetours:
    """The detours of all switches, and what they were made of."""

    table: DetourTable = field(default_factory=dict)
    owners: Ownership | None = None
    switches: Mapping[Dpid, SwitchDetours] = field(default_factory=dict)
    elsewhere: SwitchDetours = field(default_factory=SwitchDetours)
    """The detours of a switch without slots."""


NO_DETOURS = FabricDetours()


def compile_detours(
    table: DetourTable, owners: Ownership, any_backups: bool, life: int, before: FabricDetours = NO_DETOURS
) -> FabricDetours:
    """The detours of every switch that has a slot; `any_backups`: somewhere packets are marked.

    What was before, in the same life, saves work and changes nothing.
    """
    if not (table or any_backups):
        return NO_DETOURS
    base = before.elsewhere if before.elsewhere.rules else SwitchDetours(_everywhere(life))
    if table is before.table and owners is before.owners:
        return FabricDetours(table, owners, before.switches, base)
    by_switch = {dpid: tuple(slots) for dpid, slots in groupby(sorted(table), key=lambda slot: slot.at)}
    known = {} if owners is not before.owners else _unchanged(by_switch, table, before)
    asked = [slot for dpid, slots in by_switch.items() if dpid not in known for slot in slots]
    made = _compiled(asked, table, owners, life)
    switches = dict(known)
    for dpid, slots in by_switch.items():
        if dpid in known:
            continue
        rules, groups = dict(base.rules), dict[int, Group]()
        for slot in slots:
            rules.update(made[slot].rules)
            groups.update(made[slot].groups)
        switches[dpid] = SwitchDetours(rules, groups)
    return FabricDetours(table, owners, switches, base)


def _unchanged(
    slots: Mapping[Dpid, tuple[Slot, ...]], table: DetourTable, before: FabricDetours
) -> dict[Dpid, SwitchDetours]:
    """The detours of switches whose slots are as they were."""
    count: dict[Dpid, int] = {}
    for slot in before.table:
        count[slot.at] = count.get(slot.at, 0) + 1
    return {
        dpid: before.switches[dpid]
        for dpid, mine in slots.items()
        if count.get(dpid) == len(mine)
        and all(slot in before.table and table[slot] == before.table[slot] for slot in mine)
    }


def _everywhere(life: int) -> dict[RuleKey, FlowRule]:
    rules = (
        FlowRule(Table.DETOURS, DetourBase.RELEASED, match(eth_dst=RELEASED_MAC), goto=Table.ROUTES),
        FlowRule(Table.DETOURS, DetourBase.ASTRAY, match(eth_dst=ANY_MARK)),
        FlowRule(Table.DETOURS, PASS_PRIORITY, goto=Table.PINS),
    )
    return {rule.key: with_cookie(rule, Owner.DETOURS, life) for rule in rules}


def _compiled(
    slots: Sequence[Slot], table: DetourTable, owners: Ownership, life: int
) -> dict[Slot, SwitchDetours]:
    """The rules and groups of each of these slots."""
    steps = [_Numbered(table[slot], owners.targets) for slot in slots]
    if not slots:
        return {}
    ways = np.stack([each.ways for each in steps])[:, :, None]
    entries, _ = aggregate(owners.forest, ways)
    rules = [dict[RuleKey, FlowRule]() for _ in slots]
    groups = [dict[int, Group]() for _ in slots]
    for number, place, way in zip(
        entries.switch.tolist(), entries.place.tolist(), as_numbers(entries.way), strict=True
    ):
        family, prefix = owners.forest.places[place]
        if family is not MAC:
            slot, step = slots[number], steps[number].options[way]
            actions, group = _actions(slot, step)
            for kind in alike(family):
                rule = _slot_rule(slot.in_port, slot.mark, kind, prefix, actions, life)
                rules[number][rule.key] = rule
            if group:
                groups[number][group.group_id] = group
    made = map(SwitchDetours, rules, groups)
    return dict(zip(slots, made, strict=True))


class _Numbered:
    """The steps of a slot as numbers, by owner; where no packet comes by, the commonest."""

    def __init__(self, steps: Mapping[Dpid, Detour], owners: Sequence[Dpid]) -> None:
        said = dict(steps)
        self.options = tuple(sorted(set(said.values())))
        place = {step: number for number, step in enumerate(self.options)}
        known = np.array([place[said[owner]] if owner in said else -1 for owner in owners])
        seen = known[known >= 0]
        common = int(np.bincount(seen).argmax()) if len(seen) else 0
        self.ways = np.where(known < 0, common, known).astype(np.uint64)


@lru_cache(maxsize=65_536)
def _actions(slot: Slot, step: Detour) -> tuple[tuple[Action, ...], Group | None]:
    """What a step does, and the group that it takes."""
    turned = () if step.mark == slot.mark else (SetField(Field.ETH_DST, mark_mac(step.mark)),)
    if len(step.ports) == 1:
        return (*turned, Output(step.ports[0])), None
    choices = next_hops(dict.fromkeys(step.ports, 1))
    group = select_group(choices, 1, slot.at % len(step.ports))
    return (*turned, ToGroup(group.group_id)), group


_BASE = {IPV4: DetourBase.SLOT_IPV4, IPV6: DetourBase.SLOT_IPV6, ARP: DetourBase.SLOT_ARP}


@lru_cache(maxsize=65_536)
def _slot_rule(
    in_port: int, mark: int, family: Family, prefix: Prefix, actions: tuple[Action, ...], life: int
) -> FlowRule:
    wanted = match(in_port=in_port, **{**conditions(family, prefix), "eth_dst": mark_mac(mark)})
    rule = FlowRule(Table.DETOURS, slot_priority(_BASE[family], prefix.length), wanted, actions)
    return with_cookie(rule, Owner.DETOURS, life)

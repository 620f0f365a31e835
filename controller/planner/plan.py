"""The plan: from what is installed to what is wanted, in stages that never loop a packet or drop one that
both ends deliver.

    diff of each switch -> classes of packets that change -> who waits for whom -> stages

What it promises (law 5): applying all stages gives the wanted program. After every stage, and for every way
in which the switches of a stage may overtake each other, each taking its own commands in order, no packet
goes in a circle, and none is dropped that the installed and the wanted program deliver. Planning again gives
nothing. The promise is made for programs that have no circles themselves.

What a stage holds on a switch:

    first stage that touches it   groups renamed (planner/regroup.py), meters, new groups, a barrier
    every stage                   rules of the routes table, in the order of planner/order.py
    stage 0                       new rules of the other tables: a new host is let in, its routes may follow
    last stage                    rules of other tables that go
    a stage of its own, after     groups and meters that no rule names any more: what a switch has cached of
                                  its rules may still hand packets to them for a moment

Most plans have one stage: where no mixture of old and new can hurt, nothing waits (planner/precedence.py).

Cost: switches whose program is the same object, or equal, are skipped; only addresses whose rules change
somewhere are looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.model.command import (
    AddGroup,
    AddMeter,
    Barrier,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyMeter,
    ProgramCommand,
    SetRule,
)
from controller.model.identity import Dpid, PortRef
from controller.model.plan import EMPTY_PLAN, Stage, UpdatePlan
from controller.model.program import EMPTY_PROGRAM, FabricProgram, SwitchProgram
from controller.planner.classes import Op, PacketClass, packet_classes
from controller.planner.diff import SwitchDelta, diff
from controller.planner.exceptions import Exemption, exempt
from controller.planner.intervals import cover
from controller.planner.order import SwitchOp, WaitGraph, in_switch_order
from controller.planner.precedence import Waits, precedence
from controller.planner.regroup import Regrouped, regroup
from controller.planner.transition import Transition, bits


def plan(installed: FabricProgram, wanted: FabricProgram, peer: Mapping[PortRef, PortRef]) -> UpdatePlan:
    """The plan that takes the switches of `wanted` from what is installed to what is wanted.

    `peer` maps each port with a live link to its far end: forwarding onto a port without one leaves the
    fabric. A switch that has nothing installed counts as empty; a switch that is installed and not wanted is
    left alone."""
    changes = {
        dpid: _SwitchChange.between(installed.get(dpid, EMPTY_PROGRAM), program)
        for dpid, program in sorted(wanted.items())
    }
    changes = {dpid: change for dpid, change in changes.items() if change}
    if not changes:
        return EMPTY_PLAN
    after = {**installed, **wanted}
    before = {dpid: changes[dpid].regrouped.program if dpid in changes else after[dpid] for dpid in after}
    transition = Transition(before, after, peer)
    schedule = _schedule(transition, {dpid: change.delta for dpid, change in changes.items()})
    return _assemble(transition, changes, schedule)


@dataclass(frozen=True)
class _SwitchChange:
    """What has to happen on one switch."""

    regrouped: Regrouped
    delta: SwitchDelta

    @staticmethod
    def between(installed: SwitchProgram, wanted: SwitchProgram) -> _SwitchChange:
        if installed is wanted:
            return _SwitchChange(Regrouped((), installed), SwitchDelta())
        regrouped = regroup(installed, wanted)
        return _SwitchChange(regrouped, diff(regrouped.program, wanted))

    def __bool__(self) -> bool:
        return bool(self.delta) or bool(self.regrouped.commands)


# --- when ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Schedule:
    """The stage of each change that has one (others go in `first`), the exceptions, and the stage that comes
    last.
    """

    stage: Mapping[SwitchOp, int] = field(default_factory=dict)
    exemptions: tuple[Exemption, ...] = ()

    @property
    def first(self) -> int:
        """The first stage of the changes themselves: exceptions, where there are any, come before."""
        return 1 if self.exemptions else 0

    @property
    def last(self) -> int:
        stages = [self.first, *(self.first + stage for stage in self.stage.values())]
        stages += [exemption.stage for exemption in self.exemptions]
        return max(stages) + (1 if self.exemptions else 0)

    def of(self, op: SwitchOp) -> int:
        return self.first + self.stage.get(op, 0)


def _schedule(transition: Transition, deltas: Mapping[Dpid, SwitchDelta]) -> _Schedule:
    classes = packet_classes(transition)
    known = {turns: precedence(turns) for turns in {packets.turns: None for packets in classes}}
    waiting = [(packets, known[packets.turns]) for packets in classes]
    if not any(waits for _, waits in waiting):
        return _Schedule()
    mixing = any(packets.falls_through for packets in classes)
    exempted: list[tuple[PacketClass, Waits]] = []
    while True:
        levels = _waits(transition, deltas, waiting, mixing).levels()
        if not levels.stuck:
            break
        leaves = [pair[0].falls_through or _is_stuck(*pair, levels.stuck) for pair in waiting]
        exempted += [pair for pair, left in zip(waiting, leaves, strict=True) if left]
        waiting = [pair for pair, left in zip(waiting, leaves, strict=True) if not left]
    return _Schedule(
        levels.of,
        tuple(exception for packets, waits in exempted for exception in exempt(transition, packets, waits)),
    )


def _waits(
    transition: Transition,
    deltas: Mapping[Dpid, SwitchDelta],
    waiting: list[tuple[PacketClass, Waits]],
    mixing: bool,
) -> WaitGraph:
    graph = WaitGraph()
    for switch, dpid in enumerate(transition.dpids):
        if dpid in deltas:
            graph.add_switch(switch, deltas[dpid], families_mix=mixing)
    for packets, waits in waiting:
        graph.add_class(packets, waits)
    return graph


def _is_stuck(packets: PacketClass, waits: Waits, stuck: frozenset[SwitchOp]) -> bool:
    """Whether one of the waits of this class is part of a circle."""
    on_circle = {switch for switch, op in enumerate(packets.ops) if op is not None and (switch, op) in stuck}
    return any(
        switch in on_circle and any(first in on_circle for first in bits(mask)) for switch, mask in waits
    )


# --- what, stage by stage -----------------------------------------------------------------------------------


def _assemble(
    transition: Transition, changes: Mapping[Dpid, _SwitchChange], schedule: _Schedule
) -> UpdatePlan:
    by_stage: list[dict[Dpid, tuple[ProgramCommand, ...]]] = [{} for _ in range(schedule.last + 2)]
    exceptions: dict[int, list[Exemption]] = {}
    for exception in schedule.exemptions:
        exceptions.setdefault(exception.switch, []).append(exception)
    for switch, dpid in enumerate(transition.dpids):
        if dpid in changes:
            stages = _rule_stages(switch, changes[dpid].delta, schedule, exceptions.get(switch, []))
            for number, commands in _switch_stages(changes[dpid], stages, schedule.last).items():
                by_stage[number][dpid] = commands
    return UpdatePlan(tuple(Stage(commands) for commands in by_stage if commands))


_ByStage = dict[int, list[ProgramCommand]]


def _rule_stages(
    switch: int, delta: SwitchDelta, schedule: _Schedule, exceptions: list[Exemption]
) -> _ByStage:
    """The changes of rules of one switch: in each stage the exceptions first, then the rest in the switch's
    order.
    """
    stages: _ByStage = {}
    for exception in exceptions:
        stages.setdefault(0, []).append(SetRule(exception.before))
        stages.setdefault(exception.stage, []).append(SetRule(exception.after))
    for sets, rule in in_switch_order(delta.set_rules, delta.gone_rules):
        if cover(rule) is None:
            stage = schedule.first if sets else schedule.last
        else:
            stage = schedule.of((switch, Op(sets, rule.key)))
        stages.setdefault(stage, []).append(SetRule(rule) if sets else DeleteRule(rule))
    for exception in exceptions:
        stages.setdefault(schedule.last, []).append(DeleteRule(exception.after))
    return stages


def _switch_stages(
    change: _SwitchChange, rules: _ByStage, last: int
) -> dict[int, tuple[ProgramCommand, ...]]:
    """All commands of one switch: what rules need before them, the rules, and what no rule needs any more."""
    delta = change.delta
    before: list[ProgramCommand] = [*change.regrouped.commands]
    before += [AddMeter(meter) for meter in delta.new_meters]
    before += [ModifyMeter(meter) for meter in delta.changed_meters]
    before += [AddGroup(group) for group in delta.new_groups]
    after: list[ProgramCommand] = [DeleteGroup(number) for number in delta.gone_groups]
    after += [DeleteMeter(number) for number in delta.gone_meters]
    stages = {number: tuple(commands) for number, commands in sorted(rules.items())}
    if before:
        first = min(stages, default=0)
        stages[first] = (*before, *_barrier_before(stages.get(first, ())))
    if after:
        stages[last + 1] = tuple(after)
    return stages


def _barrier_before(commands: tuple[ProgramCommand, ...]) -> tuple[ProgramCommand, ...]:
    return (Barrier(), *commands) if commands else ()

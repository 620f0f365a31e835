"""The plan: from what is installed to what is wanted, in steps that never loop a packet or drop one that
both ends deliver.

    diff of each switch -> moves: where packets go elsewhere -> regions that need a look -> classes of packets
    -> who waits for whom, and for which doors (planner/entrances.py) -> steps

What it promises (law 5): carrying out all steps gives the wanted program. After every command, and for every
way in which switches may overtake each other, each taking its own commands in order and each step after those
that it waits for, no packet goes in a circle, and none is dropped that the installed and the wanted program
deliver. Planning again gives nothing. The promise is made for programs that have no circles themselves. A
large change that cannot be ordered keeps the first half of it and says so (planner/pause.py).

A plan may be made while switches owe answers (`under_way`). Their last commands may have been carried out or
not, one after the other, at any time until they answer. The plan is made for what they will hold then; where
it matters for a class of packets what a switch does meanwhile, whoever changes for that class waits for the
answer (`Step.pending`), and nobody else does.

Cost: switches whose program is the same object are skipped, rules that are the same objects are not compared,
and only addresses whose rules change somewhere are looked at. What was found out about a program is kept for
as long as it lives, and handed on to the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from controller.dataplane.pipeline import Table
from controller.model.command import ProgramCommand
from controller.model.identity import Dpid, PortRef
from controller.model.plan import EMPTY_PLAN, Sent, UpdatePlan
from controller.model.program import EMPTY_PROGRAM, FabricProgram, SwitchProgram
from controller.planner.apply import after_each
from controller.planner.classes import PacketClass, packet_classes, separate_classes
from controller.planner.diff import Differ
from controller.planner.entrances import Entrances
from controller.planner.exceptions import Exemption, exempt
from controller.planner.forwarding import expect
from controller.planner.masks import bits
from controller.planner.order import Levels, Op, WaitGraph
from controller.planner.pause import paused
from controller.planner.pinned import companions
from controller.planner.regroup import regroup
from controller.planner.steps import Schedule, SwitchChange, steps_of
from controller.planner.transition import Change, Transition
from controller.planner.wiring import Links, links_of

_MOST_TANGLED = 1 << 19
"""Rules that change, times the switches of the fabric: at most so many where circles of waits are untied one
by one, as that has to look at every switch for every class that changes.
"""

_MOST_EXCEPTIONS = 1024
"""Exceptions at most in a plan: each is written twice and deleted once."""

_NOTHING_SENT: Mapping[Dpid, Sequence[Sent]] = {}


def plan(
    installed: FabricProgram,
    wanted: FabricProgram,
    peer: Mapping[PortRef, PortRef],
    under_way: Mapping[Dpid, Sequence[Sent]] = _NOTHING_SENT,
    out_links: Links | None = None,
) -> UpdatePlan:
    """The plan that takes the switches of `wanted` from what is installed to what is wanted.

    `peer` maps each port with a live link to its far end: forwarding onto a port without one leaves the
    fabric. A switch that has nothing installed counts as empty; a switch that is installed and not wanted is
    left alone. `under_way` is what switches were sent on top of what is installed and have not answered, one
    entry for each plan that sent something, in order. `out_links` says the same as `peer`, by switch: what is
    known of a switch is then trusted for as long as its links are the very same object."""
    held, doubts = _expected(installed, under_way)
    renaming, changes = _changes(held, wanted)
    if not changes:
        return EMPTY_PLAN
    links = links_of(peer) if out_links is None else out_links
    transition = Transition({**held, **wanted}, changes, links, doubts)
    number = transition.numbers.number
    told = [
        SwitchChange(number[dpid], dpid, renaming.get(dpid, ()), change.delta)
        for dpid, change in changes.items()
    ]
    schedule = _schedule(transition)
    if schedule is None:
        return UpdatePlan(paused(told, doubts.keys()), pauses=True)
    return UpdatePlan(steps_of(told, schedule, transition.numbers.dpids, doubts.keys()))


def _expected(
    installed: FabricProgram, under_way: Mapping[Dpid, Sequence[Sent]]
) -> tuple[FabricProgram, dict[Dpid, list[SwitchProgram]]]:
    """What the switches will hold when all have answered, and what those that owe an answer may hold until
    then.
    """
    if not under_way:
        return installed, {}
    held = dict(installed)
    doubts: dict[Dpid, list[SwitchProgram]] = {}
    for dpid, sent in under_way.items():
        for program in after_each(held.get(dpid, EMPTY_PROGRAM), sent):
            doubts.setdefault(dpid, []).append(held.get(dpid, EMPTY_PROGRAM))
            held[dpid] = program
    return held, doubts


def _changes(
    held: FabricProgram, wanted: FabricProgram
) -> tuple[dict[Dpid, tuple[ProgramCommand, ...]], dict[Dpid, Change]]:
    """The switches that change, sorted; and where groups have to be renamed first, the commands that do."""
    renaming: dict[Dpid, tuple[ProgramCommand, ...]] = {}
    changes: dict[Dpid, Change] = {}
    differ = Differ()
    for dpid in sorted([dpid for dpid, program in wanted.items() if held.get(dpid) is not program]):
        regrouped = regroup(held.get(dpid, EMPTY_PROGRAM), wanted[dpid])
        delta = differ.diff(regrouped.program, wanted[dpid])
        if delta or regrouped.commands:
            changes[dpid] = Change(regrouped.program, wanted[dpid], delta)
            if regrouped.commands:
                renaming[dpid] = regrouped.commands
    return renaming, changes


# --- when ---------------------------------------------------------------------------------------------------


def _schedule(transition: Transition) -> Schedule | None:
    """Who waits for whom, if anybody does; None if that is too tangled to be told.

    Nobody does where all that change forwarded nothing before: everything appears (planner/moves.py).
    """
    if not transition.doubts and not any(_forwards(change.before) for change in transition.changes.values()):
        for switch, change in transition.changes.items():
            expect(transition.dpid(switch), change.after)
        return Schedule()
    classes, entrances = packet_classes(transition), Entrances(transition)
    if not classes and not entrances:
        return Schedule()
    pending = _pending(classes)
    graph = _graph(transition, classes, entrances, pending)
    levels = graph.levels()
    if levels.stuck:
        return None if _is_large(transition) else _with_exceptions(transition, entrances)
    return _with_pins(transition, Schedule(levels.of, graph.elsewhere, pending))


def _forwards(program: SwitchProgram) -> bool:
    return any(rule.table == Table.ROUTES for rule in program.rules.values())


def _is_large(transition: Transition) -> bool:
    """Whether so much changes that nobody should look for circles in it."""
    deltas = (change.delta for change in transition.changes.values())
    rules = sum(len(delta.set_rules) + len(delta.gone_rules) for delta in deltas)
    return rules * len(transition.numbers.dpids) > _MOST_TANGLED


def _with_exceptions(transition: Transition, entrances: Entrances) -> Schedule | None:
    """The same where classes disagree: those that do, and all that fall through, get exceptions."""
    waiting = separate_classes(transition)
    exempted: list[PacketClass] = []
    while True:
        pending = _pending(waiting)
        graph = _graph(transition, waiting, entrances, pending)
        levels = graph.levels()
        if not levels.stuck:
            break
        leaving = [packets for packets in waiting if packets.falls or _is_stuck(packets, levels)]
        exempted += leaving
        gone = set(map(id, leaving))
        waiting = [packets for packets in waiting if id(packets) not in gone]
    exemptions: list[Exemption] = []
    for number, packets in enumerate(exempted):
        found = exempt(transition, packets, number, graph)
        exemptions += found
        if len(exemptions) > _MOST_EXCEPTIONS:
            return None
        pending.update((exemption.op, packets.pending) for exemption in found if packets.pending)
    entrances.ask(graph, pending, exemptions)
    return _with_pins(transition, Schedule(graph.levels().of, graph.elsewhere, pending, exemptions))


def _with_pins(transition: Transition, schedule: Schedule) -> Schedule:
    """The same, with the moments of pins."""
    return replace(schedule, companions=companions(transition, schedule.level, schedule.exemptions))


def _graph(
    transition: Transition, classes: Sequence[PacketClass], entrances: Entrances, pending: dict[Op, int]
) -> WaitGraph:
    """What the classes and the entrances ask for, and the order on each switch of which a change waits or is
    waited for.
    """
    graph = WaitGraph()
    for packets in classes:
        graph.add_class(packets)
    mask = entrances.ask(graph, pending)
    for packets in classes:
        for switch, first in packets.waits:
            mask |= first | 1 << switch
    for switch in bits(mask):
        old, new = transition.old(switch), transition.new(switch)
        mixing = not transition.falls_alike(switch) and (old.falls != new.falls or new.falls[1])
        graph.add_switch(switch, transition.changes[switch].delta, families_mix=mixing)
    return graph


def _is_stuck(packets: PacketClass, levels: Levels) -> bool:
    """Whether one of the waits of this class is part of a circle."""
    on_circle = {switch for switch, ops in packets.ops.items() for op in ops if (switch, op) in levels.stuck}
    return any(
        switch in on_circle and any(first in on_circle for first in bits(mask))
        for switch, mask in packets.waits
    )


def _pending(classes: Sequence[PacketClass]) -> dict[Op, int]:
    """The switches whose answers each change waits for, as a mask."""
    pending: dict[Op, int] = {}
    for packets in classes:
        if packets.pending:
            for switch, ops in packets.ops.items():
                for op in ops:
                    pending[switch, op] = pending.get((switch, op), 0) | packets.pending
    return pending

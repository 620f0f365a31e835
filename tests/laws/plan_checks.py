"""What law 5 says, as a check: carry plans out one command at a time, and look at packets after each.

A `Course` is a fabric of switches that are as slow as chance will have it. At each turn one of these happens:

    a step is sent        the next of its switch, when the steps and switches that it waits for have answered
    a command is done     by a switch that has been sent some, in their order
    an answer arrives     for the oldest step of a switch, when all its commands are done

so that every order which a plan allows can come about. A new plan may be made at any moment; what the one
before has not sent is then dropped, and what switches have not answered is under way."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from random import Random

from controller.dataplane.trace import Disposition, Trace, trace
from controller.model.command import ProgramCommand
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.packet import Packet
from controller.model.plan import EMPTY_PLAN, Sent, UpdatePlan
from controller.model.program import EMPTY_PROGRAM, FabricProgram, SwitchProgram
from controller.planner.apply import apply_commands, apply_plan
from controller.planner.plan import plan

ENTRY_PORT = PortNo(99)
"""A port of each switch by which packets enter, and to which nothing else is plugged in."""

MOST_STATES = 200
"""How many states of switches that owe answers are looked at; beyond, a fabric is left alone for a moment."""

Probe = tuple[PortRef, Packet]


def probes_of(dpids: Sequence[Dpid], packets: Sequence[Packet]) -> list[Probe]:
    """Each packet, entering at each switch."""
    return [(PortRef(dpid, ENTRY_PORT), packet) for dpid in dpids for packet in packets]


@dataclass
class _Batch:
    """A step on its way: how many of its commands are done."""

    plan: int
    number: int
    commands: tuple[ProgramCommand, ...]
    done: int = 0


@dataclass
class Course:
    """Switches that carry out plans; `holds` is what they hold, `installed` what they have confirmed."""

    installed: dict[Dpid, SwitchProgram]
    random: Random
    holds: dict[Dpid, SwitchProgram] = field(init=False)
    plan: UpdatePlan = EMPTY_PLAN
    _plans: int = 0
    _queues: dict[Dpid, deque[int]] = field(default_factory=dict)
    _answered: set[int] = field(default_factory=set)
    _owed: dict[Dpid, deque[_Batch]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.holds = dict(self.installed)

    def begin(self, update: UpdatePlan) -> None:
        """Take up a plan; what was left of the one before is dropped."""
        self._plans += 1
        self.plan = update
        self._answered = set()
        self._queues = {}
        for number, step in enumerate(update.steps):
            self._queues.setdefault(step.dpid, deque()).append(number)

    @property
    def under_way(self) -> dict[Dpid, tuple[Sent, ...]]:
        """What has been sent and not been answered, one entry for each plan."""
        sent: dict[Dpid, tuple[Sent, ...]] = {}
        for dpid, batches in self._owed.items():
            by_plan: dict[int, tuple[ProgramCommand, ...]] = {}
            for batch in batches:
                by_plan[batch.plan] = (*by_plan.get(batch.plan, ()), *batch.commands)
            if by_plan:
                sent[dpid] = tuple(map(Sent, by_plan.values()))
        return sent

    def run(self, most: int | None = None) -> Iterator[Dpid]:
        """Let things happen until all is done, or so many of them; yields the switch that did a command."""
        happened = 0
        while most is None or happened < most:
            possible = [*self._sendable(), *self._doable(), *self._answerable()]
            if not possible:
                return
            what, dpid = self.random.choice(possible)
            happened += 1
            if what == "send":
                self._send(dpid)
            elif what == "do":
                self._do(dpid)
                yield dpid
            else:
                self._answer(dpid)

    def _sendable(self) -> list[tuple[str, Dpid]]:
        return [("send", dpid) for dpid, queue in self._queues.items() if queue and self._may(queue[0])]

    def _may(self, number: int) -> bool:
        step = self.plan.steps[number]
        return self._answered.issuperset(step.after) and not any(
            batch.plan < self._plans for dpid in step.pending for batch in self._owed.get(dpid, ())
        )

    def _doable(self) -> list[tuple[str, Dpid]]:
        return [
            ("do", dpid)
            for dpid, batches in self._owed.items()
            if any(batch.done < len(batch.commands) for batch in batches)
        ]

    def _answerable(self) -> list[tuple[str, Dpid]]:
        return [
            ("answer", dpid)
            for dpid, batches in self._owed.items()
            if batches and batches[0].done == len(batches[0].commands)
        ]

    def _send(self, dpid: Dpid) -> None:
        number = self._queues[dpid].popleft()
        batch = _Batch(self._plans, number, self.plan.steps[number].commands)
        self._owed.setdefault(dpid, deque()).append(batch)

    def _do(self, dpid: Dpid) -> None:
        batch = next(batch for batch in self._owed[dpid] if batch.done < len(batch.commands))
        command = batch.commands[batch.done]
        batch.done += 1
        self.holds[dpid] = apply_commands(self.holds.get(dpid, EMPTY_PROGRAM), [command])

    def _answer(self, dpid: Dpid) -> None:
        batch = self._owed[dpid].popleft()
        self.installed[dpid] = apply_commands(self.installed.get(dpid, EMPTY_PROGRAM), batch.commands)
        if batch.plan == self._plans:
            self._answered.add(batch.number)


@dataclass(frozen=True)
class Wiring:
    """What is plugged in, which ports are dead, and the packets to look at."""

    peer: Mapping[PortRef, PortRef]
    probes: Sequence[Probe]
    dead: frozenset[PortRef] = frozenset()

    def fate(self, program: FabricProgram, probe: Probe) -> Trace:
        """What becomes of a packet."""
        return trace(program, self.peer, probe[1], probe[0], dead=self.dead)


def assert_plan_is_safe(
    installed: FabricProgram,
    wanted: FabricProgram,
    peer: Mapping[PortRef, PortRef],
    probes: Sequence[Probe],
    random: Random,
    dead: frozenset[PortRef] = frozenset(),
) -> UpdatePlan:
    """Law 5 for these programs and packets, for one random order of those that the plan allows."""
    wiring = Wiring(peer, probes, dead)
    update = plan(installed, wanted, peer)
    after = apply_plan(installed, update)
    assert {dpid: after[dpid] for dpid in wanted} == dict(wanted)
    assert not plan(after, wanted, peer), "planning twice gives nothing the second time"
    looped = [probe for probe in probes if _loops(wiring.fate(wanted, probe))]
    assert not looped, "the wanted program has no circles"
    course = Course(dict(installed), random)
    course.begin(update)
    watch(course, wiring, wanted, [installed])
    assert {dpid: course.holds[dpid] for dpid in wanted} == dict(wanted)
    return update


def assert_change_of_mind_is_safe(
    course: Course, wiring: Wiring, wanted: FabricProgram, most: int | None = None
) -> None:
    """Law 5 for a plan that is made while switches owe answers, carried out for a while, or to the end."""
    update = plan(course.installed, wanted, wiring.peer, course.under_way)
    starts = list(possible_states(course))
    course.begin(update)
    watch(course, wiring, wanted, starts, most)
    if most is None:
        assert {dpid: course.installed[dpid] for dpid in wanted} == dict(wanted)
        assert not plan(course.installed, wanted, wiring.peer)


def watch(
    course: Course,
    wiring: Wiring,
    wanted: FabricProgram,
    starts: Sequence[FabricProgram],
    most: int | None = None,
) -> None:
    """Carry a plan out, and look at every packet whenever a switch that it meets has done something.

    A packet is to be kept that is delivered by the wanted program, and in every state in which the fabric may
    have been when the plan was made; none, if the plan says that it pauses them.
    """
    kept = {
        probe
        for probe in wiring.probes
        if not course.plan.pauses
        and all(wiring.fate(program, probe).always_delivered for program in (*starts, wanted))
    }
    seen_by = {probe: _switches(wiring.fate(course.holds, probe)) for probe in wiring.probes}
    for changed in course.run(most):
        for probe in wiring.probes:
            if changed not in seen_by[probe]:
                continue  # what it does not meet cannot change its trace
            now = wiring.fate(course.holds, probe)
            seen_by[probe] = _switches(now)
            assert not _loops(now), f"{probe} goes in a circle"
            assert probe not in kept or now.always_delivered, f"{probe} is lost: {now.ends}"


def possible_states(course: Course) -> Iterator[FabricProgram]:
    """Every state in which the switches may be that owe answers."""
    states: dict[Dpid, list[SwitchProgram]] = {}
    for dpid, all_sent in course.under_way.items():
        mine = [course.installed.get(dpid, EMPTY_PROGRAM)]
        for command in (command for sent in all_sent for command in sent.commands):
            mine.append(apply_commands(mine[-1], [command]))
        states[dpid] = mine
    for programs in product(*states.values()):
        yield {**course.installed, **dict(zip(states, programs, strict=True))}


def count_states(course: Course) -> int:
    """How many states that makes."""
    count = 1
    for all_sent in course.under_way.values():
        count *= 1 + sum(len(sent.commands) for sent in all_sent)
    return count


def _switches(found: Trace) -> frozenset[Dpid]:
    return frozenset(hop.at.dpid for hop in found.hops)


def _loops(found: Trace) -> bool:
    return Disposition.LOOP in found.dispositions

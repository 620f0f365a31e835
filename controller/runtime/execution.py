"""A plan being carried out: each step is sent as soon as nothing it waits for is missing.

    step --sent--> owed --barrier answered--> confirmed --> the steps after it may go
                    |
                    +-- its switch goes: what it carried out is unknown until it is read back
                    +-- its answer is late: the switch is silent, and its session is ended

There is no global barrier. A step waits for the steps that it names, for switches that still owe answers to
an earlier plan where it says so, and for the steps of its own switch to be sent; a slow switch holds up those
that depend on it and nobody else (Jin et al., Dionysus, SIGCOMM 2014, section 4). A new plan may begin at any
time: what the one before has not sent is dropped, and what has been sent is `under_way`.

A barrier says that the tables have changed, not that every packet feels it: Open vSwitch answers first and
revalidates its cache of forwarding decisions a moment later. A step that leaves earlier overtakes it, and the
order that the planner proved is lost. So between an answer and what waits for it there is a rest, except in
an urgent plan, one that mends a failure: there packets are being lost already, and each millisecond counts.
Groups are removed at leisure, whatever the plan is for: where a cached decision still names one, its removal
is the loss of a packet. And they are used at leisure: what was cached of a group that existed before, and
was removed since, still drops packets when the rules that name it anew are felt already.

`Execution` sends nothing itself: it says what to send."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field

from controller.model.command import Addressed, Barrier, ProgramCommand
from controller.model.identity import Dpid
from controller.model.plan import Sent, Step, UpdatePlan
from controller.model.program import FabricProgram, SwitchProgram
from controller.planner.apply import after_each

_LONGER = 2
"""How many times longer packets may take to feel a new group: what is cached of it is looked at last."""

Confirm = Callable[[Dpid, tuple[ProgramCommand, ...], SwitchProgram | None], None]
"""Told what a switch has carried out, and what it holds then, if that is known already."""


@dataclass(slots=True)
class _Owed:
    """A step that has been sent: of which plan, under which number."""

    plan: int
    number: int
    token: int
    commands: tuple[ProgramCommand, ...]
    prepares: bool
    sent_s: float
    refused: set[ProgramCommand] = field(default_factory=set)

    @property
    def accepted(self) -> tuple[ProgramCommand, ...]:
        """The commands, but for those that the switch has refused."""
        if not self.refused:
            return self.commands
        return tuple(command for command in self.commands if command not in self.refused)


@dataclass(slots=True)
class _Waiting:
    """A step that has not been sent: for how many answers it waits, and until when it rests."""

    step: Step
    answers: int
    rests_until_s: float


class Execution:
    """The steps of one plan that are left, and what switches owe of all that has been sent."""

    def __init__(self, confirm: Confirm, pause_s: float = 0.0) -> None:
        """`pause_s` is how long packets may take to feel what a switch has confirmed."""
        self._confirm = confirm
        self._pause_s = pause_s
        self._plan = 0
        self._urgent = False
        self._goals: dict[Dpid, SwitchProgram] = {}
        self._waiting: dict[int, _Waiting] = {}
        self._queues: dict[Dpid, deque[int]] = {}
        self._after: dict[int, list[int]] = {}
        self._pending: dict[Dpid, list[int]] = {}
        self._owed: dict[Dpid, deque[_Owed]] = {}
        self._felt_s = 0.0
        self._token = 0

    # --- what is the matter -----------------------------------------------------------------------------

    @property
    def owing(self) -> Set[Dpid]:
        """The switches that still owe an answer."""
        return self._owed.keys()

    @property
    def unfinished(self) -> bool:
        """Whether steps are left that have not been sent."""
        return bool(self._waiting)

    def at_work(self, now_s: float) -> bool:
        """Whether the switches do not yet hold, for every packet, what the plan says."""
        return bool(self._owed) or self.unfinished or now_s < self._felt_s

    def under_way(self, installed: FabricProgram) -> dict[Dpid, tuple[Sent, ...]]:
        """What has been sent and not been answered, one entry for each plan, on top of what is installed."""
        return {dpid: self._sent(dpid, installed[dpid]) for dpid in self._owed if dpid in installed}

    def _sent(self, dpid: Dpid, program: SwitchProgram) -> tuple[Sent, ...]:
        by_plan: dict[int, tuple[ProgramCommand, ...]] = {}
        for owed in self._owed[dpid]:
            by_plan[owed.plan] = (*by_plan.get(owed.plan, ()), *owed.accepted)
        sent: list[Sent] = []
        for number, commands in by_plan.items():
            ends = number == self._plan and dpid not in self._queues
            sent.append(Sent(commands, self._goals.get(dpid) if ends else None))
        programs = after_each(program, sent)
        return tuple(Sent(each.commands, leads_to) for each, leads_to in zip(sent, programs, strict=True))

    def sent_before(self, dpid: Dpid, command: ProgramCommand) -> tuple[ProgramCommand, ...]:
        """What the switch has carried out of what it has not confirmed yet, when it comes to this command."""
        before: list[ProgramCommand] = []
        for owed in self._owed.get(dpid, ()):
            if command in owed.commands:
                earlier = owed.commands[: owed.commands.index(command)]
                return (*before, *(each for each in earlier if each not in owed.refused))
            before += owed.accepted
        return ()

    # --- what to send -----------------------------------------------------------------------------------

    def begin(self, plan: UpdatePlan, goals: FabricProgram, *, urgent: bool) -> None:
        """Take up a plan; what was left of the one before is dropped. `goals` are what its switches hold when
        all is carried out, of those of which that is known.
        """
        self.drop()
        self._plan += 1
        self._urgent = urgent
        self._goals = {dpid: goals[dpid] for dpid in plan.switches if dpid in goals}
        prepared: dict[Dpid, int] = {}
        for number, step in enumerate(plan.steps):
            asked = [dpid for dpid in step.pending if dpid in self._owed]
            after = step.after
            if not urgent and step.dpid in prepared:
                after = (*after, prepared.pop(step.dpid))
            if step.prepares:
                prepared[step.dpid] = number
            rests_until_s = self._felt_s if step.only_forgets or not urgent else 0.0
            self._waiting[number] = _Waiting(step, len(after) + len(asked), rests_until_s)
            self._queues.setdefault(step.dpid, deque()).append(number)
            for earlier in after:
                self._after.setdefault(earlier, []).append(number)
            for dpid in asked:
                self._pending.setdefault(dpid, []).append(number)

    def drop(self) -> None:
        """Forget the steps that have not been sent."""
        for dpid in self._queues:
            self._goals.pop(dpid, None)
        for steps in (self._waiting, self._queues, self._after, self._pending):
            steps.clear()

    def ready(self, now_s: float) -> tuple[Addressed, ...]:
        """The commands of all steps that wait for nothing more, each ended by a barrier."""
        out: list[Addressed] = []
        for dpid in [dpid for dpid, queue in self._queues.items() if self._is_ready(queue[0], now_s)]:
            out += self._send(dpid, now_s)
        return tuple(out)

    def _is_ready(self, number: int, now_s: float) -> bool:
        waiting = self._waiting[number]
        return not waiting.answers and waiting.rests_until_s <= now_s

    def _send(self, dpid: Dpid, now_s: float) -> list[Addressed]:
        """The next steps of a switch, as far as they are ready."""
        queue, out = self._queues[dpid], list[Addressed]()
        while queue and self._is_ready(queue[0], now_s):
            number = queue.popleft()
            step = self._waiting.pop(number).step
            self._token += 1
            self._owed.setdefault(dpid, deque()).append(
                _Owed(self._plan, number, self._token, step.commands, step.prepares, now_s)
            )
            out += [Addressed(dpid, command) for command in step.commands]
            out.append(Addressed(dpid, Barrier(self._token)))
        if not queue:
            del self._queues[dpid]
        return out

    # --- what switches say ------------------------------------------------------------------------------

    def answered(self, dpid: Dpid, token: int, now_s: float) -> None:
        """A barrier came back: what was sent before it is installed, but for what was refused."""
        mine = self._owed.get(dpid)
        if not mine or all(owed.token != token for owed in mine):
            return
        while self._owed.get(dpid) and mine[0].token <= token:
            self._settle(dpid, mine.popleft(), now_s)

    def _settle(self, dpid: Dpid, owed: _Owed, now_s: float) -> None:
        mine = self._owed[dpid]
        if not mine:
            del self._owed[dpid]
        done = owed.plan == self._plan and not mine and dpid not in self._queues
        self._confirm(dpid, owed.accepted, self._goals.pop(dpid, None) if done else None)
        self._felt_s = now_s + self._pause_s
        if owed.plan == self._plan:
            longer = _LONGER if owed.prepares else 1
            self._release(self._after.pop(owed.number, ()), now_s + longer * self._pause_s)
        if not mine or mine[0].plan == self._plan:
            self._release(self._pending.pop(dpid, ()), now_s + self._pause_s)

    def _release(self, numbers: list[int] | tuple[()], felt_s: float) -> None:
        """An answer has come that these steps wait for; packets feel it from then on."""
        for number in numbers:
            waiting = self._waiting[number]
            waiting.answers -= 1
            if not self._urgent or waiting.step.only_forgets:
                waiting.rests_until_s = max(felt_s, waiting.rests_until_s)

    def refused(self, dpid: Dpid, command: ProgramCommand | None) -> None:
        """The switch refused a command of a step that it has not answered yet."""
        for owed in self._owed.get(dpid, ()):
            if command in owed.commands and command not in owed.refused:
                owed.refused.add(command)
                self.touched(dpid)
                return

    def touched(self, dpid: Dpid) -> None:
        """Something else happened to what the switch holds: where the plan leads is not known any more."""
        self._goals.pop(dpid, None)

    def gone(self, dpid: Dpid) -> None:
        """The session of a switch has ended: what it carried out is unknown until it is read back, and what
        waited for it has to be planned anew.
        """
        self._owed.pop(dpid, None)
        self.drop()

    # --- time -------------------------------------------------------------------------------------------

    def late(self, now_s: float, timeout_s: float) -> tuple[Dpid, ...]:
        """The switches whose answer is overdue."""
        return tuple(sorted(dpid for dpid, mine in self._owed.items() if now_s - mine[0].sent_s > timeout_s))

    def due_s(self, now_s: float, timeout_s: float) -> float | None:
        """When time alone will matter: an answer is overdue, or a rest is over."""
        moments = [mine[0].sent_s + timeout_s for mine in self._owed.values()]
        moments += [
            waiting.rests_until_s
            for queue in self._queues.values()
            if not (waiting := self._waiting[queue[0]]).answers
        ]
        if now_s < self._felt_s:
            moments.append(self._felt_s)
        return min(moments, default=None)


def expected(installed: FabricProgram, under_way: Mapping[Dpid, tuple[Sent, ...]]) -> FabricProgram:
    """What the switches will hold when all have answered."""
    held = dict(installed)
    for dpid, sent in under_way.items():
        for program in after_each(held[dpid], sent):
            held[dpid] = program
    return held

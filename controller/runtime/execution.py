"""A plan being carried out, stage by stage.

    idle --begin--> stage 1 --all barriers answered--> stage 2 ... --> idle
                       |
                       +-- a switch goes: nobody waits for it any longer
                       +-- a barrier is late: the switch is silent, and its session is ended

A barrier says that the tables have changed, not that every packet feels it: Open vSwitch answers first and
revalidates its cache of forwarding decisions a moment later. A stage that leaves earlier overtakes it, and
the order that the planner proved is lost. So between stages there is a pause, except in an urgent plan, one
that mends a failure: there packets are being lost already, and each millisecond counts.

`Execution` knows which switches still owe an answer, and what each of them holds once it has given it. It
sends nothing itself: it says what to send. Between two stages the engine may drop the rest of a plan when
the fabric has changed meanwhile; what has been confirmed until then is known exactly."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass

from controller.model.command import Addressed, Barrier, ProgramCommand
from controller.model.identity import Dpid
from controller.model.plan import EMPTY_PLAN, Stage, UpdatePlan


@dataclass(frozen=True, slots=True)
class _Owed:
    dpid: Dpid
    token: int
    commands: tuple[ProgramCommand, ...]


class Execution:
    """At most one plan under way; `confirm` is told what a switch has carried out."""

    def __init__(
        self, confirm: Callable[[Dpid, tuple[ProgramCommand, ...]], None], pause_s: float = 0.0
    ) -> None:
        self._confirm = confirm
        self._plan: UpdatePlan = EMPTY_PLAN
        self._next = 0
        self._owed: dict[Dpid, _Owed] = {}
        self._sent_s = 0.0
        self._pause_s = pause_s
        self._urgent = False
        self._ready_s = 0.0
        self._token = 0
        self._refused: dict[Dpid, set[ProgramCommand]] = {}

    @property
    def waiting(self) -> bool:
        """Whether some switch of the current stage still owes its answer."""
        return bool(self._owed)

    @property
    def owing(self) -> Set[Dpid]:
        """The switches that still owe an answer."""
        return self._owed.keys()

    @property
    def unfinished(self) -> bool:
        """Whether stages are left that have not been sent."""
        return self._next < len(self._plan.stages)

    def begin(self, plan: UpdatePlan, *, urgent: bool) -> None:
        """Take up a plan; what was left of the one before is dropped."""
        self._plan, self._next, self._urgent = plan, 0, urgent

    def at_work(self, now_s: float) -> bool:
        """Whether the switches do not yet hold, for every packet, what the plan says."""
        return self.waiting or self.unfinished or self.resting(now_s)

    def resting(self, now_s: float) -> bool:
        """Whether the last stage may not be felt by every packet yet."""
        return now_s < self._ready_s

    def hurry(self) -> None:
        """Something has failed: do not rest."""
        self._ready_s = 0.0

    def drop(self) -> None:
        """Forget the stages that have not been sent."""
        self._plan, self._next = EMPTY_PLAN, 0

    def next_stage(self, now_s: float) -> tuple[Addressed, ...]:
        """The commands of the next stage, each switch's ended by a barrier."""
        stage: Stage = self._plan.stages[self._next]
        self._next += 1
        self._sent_s = now_s
        return tuple(out for dpid in sorted(stage.commands) for out in self._address(dpid, stage.commands))

    def _address(self, dpid: Dpid, stage: Mapping[Dpid, tuple[ProgramCommand, ...]]) -> list[Addressed]:
        self._token += 1
        self._owed[dpid] = _Owed(dpid, self._token, stage[dpid])
        return [*(Addressed(dpid, command) for command in stage[dpid]), Addressed(dpid, Barrier(self._token))]

    def answered(self, dpid: Dpid, token: int, now_s: float) -> None:
        """A barrier came back: what was sent before it is installed, but for what was refused."""
        owed = self._owed.get(dpid)
        if owed is None or owed.token != token:
            return
        del self._owed[dpid]
        self._ready_s = now_s + self._rest_s()
        refused = self._refused.pop(dpid, set())
        self._confirm(dpid, tuple(command for command in owed.commands if command not in refused))

    def refused(self, dpid: Dpid, command: ProgramCommand | None) -> None:
        """The switch refused a command of the stage that it has not answered yet."""
        if command is not None and dpid in self._owed:
            self._refused.setdefault(dpid, set()).add(command)

    def sent_before(self, dpid: Dpid, command: ProgramCommand) -> tuple[ProgramCommand, ...]:
        """What the switch has carried out of what it has not confirmed yet, when it comes to this command."""
        owed = self._owed.get(dpid)
        if owed is None or command not in owed.commands:
            return ()
        refused = self._refused.get(dpid, set())
        before = owed.commands[: owed.commands.index(command)]
        return tuple(each for each in before if each not in refused)

    def _rest_s(self) -> float:
        """How long to rest before the next stage.

        Groups are removed at leisure, whatever the plan is for: where a cached decision still names one, its
        removal is the loss of a packet.
        """
        forgets = self.unfinished and self._plan.stages[self._next].only_forgets
        return 0.0 if self._urgent and not forgets else self._pause_s

    def gone(self, dpid: Dpid) -> None:
        """The session of a switch has ended: what it carried out is unknown until it is read back."""
        self._owed.pop(dpid, None)
        self._refused.pop(dpid, None)

    def late(self, now_s: float, timeout_s: float) -> tuple[Dpid, ...]:
        """The switches whose answer is overdue."""
        return tuple(sorted(self._owed)) if self._owed and now_s - self._sent_s > timeout_s else ()

    def due_s(self, now_s: float, timeout_s: float) -> float | None:
        """When time alone will matter: an answer is overdue, or the rest is over."""
        if self._owed:
            return self._sent_s + timeout_s
        return self._ready_s if self.resting(now_s) else None

"""Update plans: how to get from what is installed to what is wanted, step by step.

A step is what one switch is told at once. It may have to wait for others: `after` names the steps of the same
plan whose barriers must have been answered, `pending` the switches that still owed an answer when the plan
was made, and whose answers it needs. Steps of one switch are taken in the order of the plan; that costs
nothing, as a switch takes its commands in order. Everything else may overtake everything else.

    1: leaf 1      2: leaf 2                5: leaf 3
          \\          /                          |
       3: spine 1 (after 1, 2)              6: leaf 3 forgets groups (after 5)

What holds after every command, for every order that this allows (no packet looped or dropped that both ends
deliver), is the planner's promise, law 5."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from controller.model.command import DeleteGroup, DeleteMeter, ProgramCommand
from controller.model.identity import Dpid
from controller.model.program import SwitchProgram


@dataclass(frozen=True, slots=True)
class Step:
    """Commands for one switch, in order. `after` are numbers of earlier steps of the plan, sorted; `pending`
    are switches, sorted. A step that `prepares` changes nothing for any packet: what comes after it on its
    switch needs it.
    """

    dpid: Dpid
    commands: tuple[ProgramCommand, ...]
    after: tuple[int, ...] = ()
    pending: tuple[Dpid, ...] = ()
    prepares: bool = False

    @property
    def only_forgets(self) -> bool:
        """Whether the step does nothing but remove groups and meters, on which no packet depends."""
        return all(type(command) in (DeleteGroup, DeleteMeter) for command in self.commands)


@dataclass(frozen=True, slots=True)
class Sent:
    """What one plan has told a switch that has not answered yet, and, where it is known, the program that
    this leads to.
    """

    commands: tuple[ProgramCommand, ...]
    leads_to: SwitchProgram | None = None


@dataclass(frozen=True)
class Stage:
    """Commands by switch; each switch's own are in order, between switches there is none."""

    commands: Mapping[Dpid, tuple[ProgramCommand, ...]]

    def __len__(self) -> int:
        return sum(len(commands) for commands in self.commands.values())


@dataclass(frozen=True)
class UpdatePlan:
    """Steps, each after those that it waits for; empty when nothing differs.

    `pauses`: the switches that change drop what they route until all have changed, as the change could not be
    ordered at a bearable price (planner/pause.py)."""

    steps: tuple[Step, ...] = ()
    pauses: bool = False

    def __bool__(self) -> bool:
        return any(step.commands for step in self.steps)

    def __len__(self) -> int:
        """How many commands there are."""
        return sum(len(step.commands) for step in self.steps)

    @property
    def switches(self) -> tuple[Dpid, ...]:
        """The switches that the plan touches, sorted."""
        return tuple(sorted({step.dpid for step in self.steps if step.commands}))

    def only(self, chosen: Callable[[Dpid, ProgramCommand], bool]) -> UpdatePlan:
        """The plan with only the commands that are chosen; the order is the same, and steps may be empty."""
        return UpdatePlan(
            tuple(
                replace(
                    step, commands=tuple(command for command in step.commands if chosen(step.dpid, command))
                )
                for step in self.steps
            ),
            self.pauses,
        )

    @property
    def depth(self) -> int:
        """How many stages there are, without making them."""
        told = zip(self.steps, self._levels, strict=True)
        return len({level for step, level in told if step.commands})

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The plan as whoever looks at it likes to see it: in each stage what could be sent if all that was
        sent before had been answered. Nothing is carried out by stages.
        """
        stages: dict[int, dict[Dpid, tuple[ProgramCommand, ...]]] = {}
        for step, level in zip(self.steps, self._levels, strict=True):
            if step.commands:
                stage = stages.setdefault(level, {})
                stage[step.dpid] = (*stage.get(step.dpid, ()), *step.commands)
        return tuple(Stage(stages[level]) for level in sorted(stages))

    @cached_property
    def _levels(self) -> tuple[int, ...]:
        """The stage of each step, counting those too in which nobody is told anything."""
        levels: list[int] = []
        latest: dict[Dpid, int] = {}
        for step in self.steps:
            mine = max([latest.get(step.dpid, 0), *(1 + levels[number] for number in step.after)])
            levels.append(mine)
            latest[step.dpid] = mine
        return tuple(levels)


EMPTY_PLAN = UpdatePlan()

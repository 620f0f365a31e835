"""Update plans: how to get from what is installed to what is wanted, step by step.

A plan is a tuple of stages. A stage holds, for each switch that it touches, commands in the order in
which that switch must take them. The next stage starts when every switch of this one has answered its
barrier. What holds after every stage (no packet looped or dropped that both ends deliver) is the
planner's promise, law 5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controller.model.command import DeleteGroup, DeleteMeter, ProgramCommand
from controller.model.identity import Dpid


@dataclass(frozen=True)
class Stage:
    """Commands by switch; each switch's own are in order, between switches there is none."""

    commands: Mapping[Dpid, tuple[ProgramCommand, ...]]

    @property
    def only_forgets(self) -> bool:
        """Whether the stage does nothing but remove groups and meters, on which no packet depends."""
        kinds = {type(command) for commands in self.commands.values() for command in commands}
        return kinds <= {DeleteGroup, DeleteMeter}

    def __len__(self) -> int:
        return sum(len(commands) for commands in self.commands.values())


@dataclass(frozen=True)
class UpdatePlan:
    """Stages, a barrier between each; empty when nothing differs."""

    stages: tuple[Stage, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.stages)

    @property
    def switches(self) -> tuple[Dpid, ...]:
        """The switches that the plan touches, sorted."""
        return tuple(sorted({dpid for stage in self.stages for dpid in stage.commands}))


EMPTY_PLAN = UpdatePlan()

"""Where a program sends packets to: the ports that its rules and groups name."""

from __future__ import annotations

from collections.abc import Iterable

from controller.model.flow import Action, Output
from controller.model.program import SwitchProgram


def outputs(program: SwitchProgram) -> frozenset[int]:
    """The ports that a program sends packets to, directly or through groups."""
    rules = (action for rule in program.rules.values() for action in rule.actions)
    buckets = (
        action for group in program.groups.values() for bucket in group.buckets for action in bucket.actions
    )
    return _ports(rules) | _ports(buckets)


def _ports(actions: Iterable[Action]) -> frozenset[int]:
    return frozenset(
        action.port for action in actions if isinstance(action, Output) and action.port <= 0xFFFFFF00
    )

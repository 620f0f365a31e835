"""What a program, and whoever lives in a fabric, tell packets apart by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from controller.model.flow import Action, SetField
from controller.model.program import FabricProgram
from controller.model.topology import Host
from controller.verification.network import destinations
from controller.verification.packets import Term


def terms_of(program: FabricProgram, hosts: Iterable[Host] = ()) -> Iterator[Term]:
    """The terms of all matches, of all that is written into packets, and of the hosts."""
    for switch in program.values():
        for rule in switch.rules.values():
            yield from rule.match.terms
            yield from _written(rule.actions)
        for group in switch.groups.values():
            for bucket in group.buckets:
                yield from _written(bucket.actions)
    for host in hosts:
        for wanted in destinations(host):
            yield from wanted.terms


def _written(actions: Iterable[Action]) -> Iterator[Term]:
    for action in actions:
        if isinstance(action, SetField):
            yield action.field, action.value, action.field.full_mask

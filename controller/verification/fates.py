"""What comes of a packet that meets a rule: which copies leave.

    rule --> doing (actions, next table) --> fate on a switch with these groups and dead ports

A fate is a small tree: leaves say that a copy leaves by a port, that the packet goes on to a table, that it
is denied or lost; `Copies` all happen, and of a `Choice` one does, by a hash that nobody here knows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from controller.dataplane.lookup import MAX_GROUP_DEPTH
from controller.model.flow import Action, Group, GroupKind, Output, SetField, ToGroup


class Doing:
    """What a rule does: actions, and the table that follows. The same doing is the same object."""

    __slots__ = ("actions", "goto")

    def __init__(self, actions: tuple[Action, ...], goto: int | None) -> None:
        self.actions = actions
        self.goto = goto


NO_RULE: Final = Doing((), None)
"""What happens where no rule matches."""


@dataclass(frozen=True, slots=True)
class Leave:
    """A copy leaves by a port, or goes to the controller (`ReservedPort.CONTROLLER`)."""

    port: int
    rewrites: tuple[SetField, ...] = ()


@dataclass(frozen=True, slots=True)
class Table:
    """The packet goes on to a table."""

    number: int
    rewrites: tuple[SetField, ...] = ()


class Denied:
    """A rule, or a bucket, lets nothing out."""


class Lost:
    """It was to go somewhere and did not: no rule, no group, no live bucket, by the port it came in by."""


@dataclass(frozen=True, slots=True)
class Copies:
    """All of these happen."""

    parts: tuple[Fate, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these happens, and nobody here knows which."""

    parts: tuple[Fate, ...]


Fate = Leave | Table | Denied | Lost | Copies | Choice
DENIED: Final = Denied()
LOST: Final = Lost()


def fate(doing: Doing, groups: Mapping[int, Group], dead: Collection[int]) -> Fate:
    """What a doing comes to, on a switch with these groups and dead ports."""
    if doing is NO_RULE:
        return LOST
    found, rewrites = _acted(doing.actions, (), groups, dead, 0)
    if doing.goto is not None:
        found.append(Table(doing.goto, rewrites))
    return _one_or_all(found)


def _one_or_all(found: list[Fate]) -> Fate:
    if len(found) == 1:
        return found[0]
    return Copies(tuple(found)) if found else DENIED


def _acted(
    actions: tuple[Action, ...],
    rewrites: tuple[SetField, ...],
    groups: Mapping[int, Group],
    dead: Collection[int],
    depth: int,
) -> tuple[list[Fate], tuple[SetField, ...]]:
    found: list[Fate] = []
    for action in actions:
        if isinstance(action, Output):
            found.append(Leave(action.port, rewrites))
        elif isinstance(action, ToGroup):
            found.append(_grouped(groups.get(action.group_id), rewrites, groups, dead, depth + 1))
        elif isinstance(action, SetField):
            rewrites = (*rewrites, action)
    return found, rewrites


def _grouped(
    group: Group | None,
    rewrites: tuple[SetField, ...],
    groups: Mapping[int, Group],
    dead: Collection[int],
    depth: int,
) -> Fate:
    if group is None or depth > MAX_GROUP_DEPTH:
        return LOST
    buckets = list(group.buckets)
    if group.kind in (GroupKind.SELECT, GroupKind.FAST_FAILOVER):
        buckets = [each for each in buckets if each.watch_port is None or each.watch_port not in dead]
    if group.kind is GroupKind.FAST_FAILOVER:
        buckets = buckets[:1]
    found = [_one_or_all(_acted(each.actions, rewrites, groups, dead, depth)[0]) for each in buckets]
    if not found:
        return LOST
    if len(found) == 1:
        return found[0]
    return Choice(tuple(found)) if group.kind is GroupKind.SELECT else Copies(tuple(found))


def leaves_of(found: Fate) -> Iterator[Leave]:
    """The copies that may leave."""
    if isinstance(found, Leave):
        yield found
    elif isinstance(found, Copies | Choice):
        for part in found.parts:
            yield from leaves_of(part)


def ports_of(found: Fate) -> set[int]:
    """The ports by which copies may leave."""
    return {leave.port for leave in leaves_of(found)}

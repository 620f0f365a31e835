"""Detours of a whole fabric: what to do at once when a link or a switch dies, for every one of them.

    EqualCost --search (detour_search.py)--> Backups, Steps --> Detours: by switch and by slot

A switch with several next hops needs nothing: the others are its detour. For each switch with one next hop
to a target there are *backups*, ports by which packets leave with a mark when that hop is dead; and for
switches on the way round, *slots*: by which ports packets go on that come in by a port with a mark.

    a1       a2        e1 hangs on a1 and a2; a1 loses e1 and sends what is for e1, marked, to e2,
    | \\    / |        where it comes in by the port of a1. That slot says: to a2. From a2, which does not
    |   \\ /   |       need a1, the packet follows the routes again; the mark says that nobody takes it
    e1   /\\   e2      round again.

What is left out: a switch whose only next hops are parallel cables to one switch survives the loss of one of
them, not of that switch. Coverage says so (coverage.py).

The search takes a hundred milliseconds for a fat tree of k=16, so it is done in parts (`Draft`), a few
targets at a time, between which a controller can do other things. Detours that were made for an older
snapshot stay harmless: slots lead down labels that were fixed together, and end in the routes of today.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from controller.graph.detour_search import Backups, Found, Steps, search
from controller.graph.equal_cost import EqualCost
from controller.graph.protected import MOST_OPTIONS, BackupPorts, Numbered
from controller.graph.wiring import Numbers, Wiring, arcs_back
from controller.model.identity import Dpid
from controller.model.routing import Bare, Detour, DetourTable, Pair, Reason, Slot
from controller.model.topology import Topology

_PART_WORDS = 1 << 18
"""How many words the arrays of one part of a draft may have: some ten milliseconds of work."""

T = TypeVar("T")


class SlotSteps(Mapping[Dpid, Detour]):
    """The next step at a slot for each target of which packets may come by. `number` says which of
    `options`, from 1; 0 where no packet comes.
    """

    __slots__ = ("number", "options", "targets")

    def __init__(
        self, targets: tuple[Dpid, ...], options: tuple[Detour, ...], number: NDArray[np.uint16]
    ) -> None:
        self.targets, self.options, self.number = targets, options, number

    def __getitem__(self, target: Dpid) -> Detour:
        number = int(self.number[self.targets.index(target)]) if target in self.targets else 0
        if not number:
            raise KeyError(target)
        return self.options[number - 1]

    def __iter__(self) -> Iterator[Dpid]:
        return (self.targets[place] for place in np.flatnonzero(self.number).tolist())

    def __len__(self) -> int:
        return int(np.count_nonzero(self.number))

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, SlotSteps) or self.targets != other.targets:
            return NotImplemented if not isinstance(other, Mapping) else super().__eq__(other)
        return self.options == other.options and bool(np.array_equal(self.number, other.number))


@dataclass(frozen=True)
class Detours:
    """The detours to these targets. `bare` are the pairs (target, at) of which `at` does not survive every
    death of its next hops, with the reason.
    """

    targets: tuple[Dpid, ...] = ()
    backups: Mapping[Dpid, Numbered] = field(default_factory=dict)
    slots: Mapping[Slot, SlotSteps] = field(default_factory=dict)
    bare: Bare = field(default_factory=dict)


NO_DETOURS = Detours()


def detours(topology: Topology, paths: EqualCost) -> Detours:
    """All detours of a snapshot, whose equal-cost paths these are."""
    draft = Draft(topology, paths)
    while not draft.done:
        draft = draft.advanced()
    return draft.finished()


@dataclass(frozen=True, eq=False)
class Draft:
    """Detours in the making: what was `found` for the first `done_targets` targets."""

    topology: Topology
    paths: EqualCost
    found: tuple[Found, ...] = ()
    done_targets: int = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left to be searched."""
        return self.done_targets >= len(self.paths.targets)

    @property
    def is_small(self) -> bool:
        """Whether one part is all."""
        return len(self.paths.targets) <= self._size

    @property
    def _size(self) -> int:
        """How many targets make a part."""
        return max(1, _PART_WORDS // max(1, self.paths.wiring.to.size))

    def advanced(self) -> Draft:
        """The draft after the next few targets."""
        paths, first = self.paths, self.done_targets
        graph = paths.wiring
        last = min(first + self._size, len(paths.targets)) if len(graph.to) else len(paths.targets)
        if not len(graph.to):
            return replace(self, done_targets=last)
        passable = np.ones(len(graph.dpids), bool)
        passable[graph.numbers(sorted(paths.stubs))] = False
        goals = graph.numbers(paths.targets[first:last])
        ways = paths.hops.ways[:, first:last]
        found = search(graph, arcs_back(self.topology), goals, ways, passable).moved(first)
        return replace(self, found=(*self.found, found), done_targets=last)

    def finished(self) -> Detours:
        """What was found, once all is."""
        targets, graph = self.paths.targets, self.paths.wiring
        bare = dict(self._bare())
        backups = [each for found in self.found for each in found.backups]
        steps = [each for found in self.found for each in found.steps]
        return Detours(targets, _backups(backups, graph, targets, bare), _slots(steps, graph, targets), bare)

    def _bare(self) -> Iterator[tuple[Pair, Reason]]:
        targets, dpids = self.paths.targets, self.paths.wiring.dpids
        for each in (each for found in self.found for each in found.bare):
            for s, t in zip(each.switch.tolist(), each.target.tolist(), strict=True):
                yield (targets[t], dpids[s]), each.reason


def _backups(
    found: Sequence[Backups], graph: Wiring, targets: tuple[Dpid, ...], bare: dict[Pair, Reason]
) -> dict[Dpid, Numbered]:
    """The backups of each switch, each kind once."""
    rows = [
        np.column_stack([each.switch, each.target, each.mark, each.arc]) for each in found if len(each.switch)
    ]
    if not rows:
        return {}
    table = np.concatenate(rows)

    def ports_of(s: int, kind: list[int]) -> BackupPorts:
        mark, *arcs = kind
        return tuple([(graph.fans[s].arcs[arc][0], mark) for arc in arcs if arc >= 0])

    backups: dict[Dpid, Numbered] = {}
    for s, target, options, number in _kinds(table, ports_of):
        crowded = number > MOST_OPTIONS
        for t in target[crowded].tolist():
            bare[targets[t], graph.dpids[s]] = Reason.TOO_MANY
        numbers = np.zeros(len(targets), np.uint16)
        numbers[target] = np.where(crowded, 0, number)
        backups[graph.dpids[s]] = options[:MOST_OPTIONS], numbers
    return backups


def _slots(found: Sequence[Steps], graph: Wiring, targets: tuple[Dpid, ...]) -> dict[Slot, SlotSteps]:
    """The steps at each slot, each kind once."""
    slots: dict[Slot, SlotSteps] = {}
    rows = []
    width = 1 + len(graph.to)
    for each in found:
        if len(each.switch):
            key = (each.switch * width + each.in_arc) * 256 + each.mark
            rows.append(
                np.column_stack([key, each.target, each.leaves, each.arcs.astype(np.uint64).view(np.int64)])
            )
    if not rows:
        return slots

    def slot_of(key: int) -> Slot:
        rest, mark = divmod(key, 256)
        s, in_arc = divmod(rest, width)
        return Slot(graph.dpids[s], graph.fans[s].arcs[in_arc][0], mark)

    def step_of(key: int, kind: list[int]) -> Detour:
        leaves, *words = kind
        arcs = sum((word & (1 << 64) - 1) << 64 * place for place, word in enumerate(words))
        fan = graph.fans[key // 256 // width].arcs
        ports = [fan[arc][0] for arc in range(arcs.bit_length()) if arcs >> arc & 1]
        return Detour(tuple(ports), leaves)

    for at, target, options, number in _kinds(np.concatenate(rows), step_of):
        numbers = np.zeros(len(targets), np.uint16)
        numbers[target] = number
        slots[slot_of(at)] = SlotSteps(targets, options, numbers)
    return dict(sorted(slots.items()))


def _kinds(
    table: NDArray[np.int64], meaning: Callable[[int, list[int]], T]
) -> Iterator[tuple[int, Numbers, tuple[T, ...], NDArray[np.uint16]]]:
    """A table with rows (key, target, kind ...), by key: the targets, the different kinds in order, and for
    each target the place of its kind, from 1.
    """
    table = table[np.lexsort(table.T[::-1])]
    kinds = table[:, [0, *range(2, table.shape[1])]]
    starts = np.flatnonzero(np.r_[True, table[1:, 0] != table[:-1, 0]])
    ends = np.r_[starts[1:], len(table)]
    for first, last in zip(starts.tolist(), ends.tolist(), strict=True):
        key = int(table[first, 0])
        different, place = np.unique(kinds[first:last, 1:], axis=0, return_inverse=True)
        options = tuple(meaning(key, kind) for kind in different.tolist())
        yield key, table[first:last, 1], options, (place.reshape(-1) + 1).astype(np.uint16)


# --- one table of detours after another ---------------------------------------------------------------------


class Succession(NamedTuple):
    """How detours relate to those before them: for targets in `shrunk` steps have only gone, for those in
    `torn` they have come and gone, and for all others none has gone.
    """

    shrunk: frozenset[Dpid]
    torn: frozenset[Dpid]


def succession(before: DetourTable, after: DetourTable) -> Succession:
    """How the detours of each target have changed.

    Where steps have only come, or only gone, any mixture of both tables is part of the larger one, and leads
    down its labels. Where they are torn a mixture may not.
    """
    come, gone = set[Dpid](), set[Dpid]()
    nothing: Mapping[Dpid, Detour] = {}
    for slot in before.keys() | after.keys():
        old, new = before.get(slot, nothing), after.get(slot, nothing)
        if old is new or old == new:
            continue
        for target in old.keys() | new.keys():
            one, other = old.get(target), new.get(target)
            if one != other and not (other and _is_part(one, other)):
                gone.add(target)
            if one != other and not (one and _is_part(other, one)):
                come.add(target)
    return Succession(frozenset(gone - come), frozenset(come & gone))


def _is_part(one: Detour | None, other: Detour) -> bool:
    return one is None or (one.mark == other.mark and set(one.ports) <= set(other.ports))

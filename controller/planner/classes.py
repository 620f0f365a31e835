"""Packets that change together: the classes that a transition touches, and who waits for whom in each.

    regions (planner/moves.py)  ->  atoms: intervals that every switch treats alike  ->  classes

A sweep over the addresses of a region looks at the switches that change there and at those that their packets
can reach, before or after: nobody else matters. From one atom to the next only switches with a start of an
interval there are looked at anew. Atoms with the same turns and changes make one class.

Where the Ethernet destination decides, one address is many classes. If it decides on one side only (rules for
a family appear where packets fell through, or go), an order that suits every destination serves them all
(`downstream_first`, `upstream_first`). Otherwise the atom is swept again, over Ethernet destinations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import NamedTuple

from controller.planner.bundles import Bundles, bundled
from controller.planner.intervals import ALL_MACS, Family, Interval
from controller.planner.look import look, look_at
from controller.planner.masks import bits, mask_of
from controller.planner.moves import Region, regions
from controller.planner.precedence import Waits, downstream_first, precedence, tolerates, upstream_first
from controller.planner.transition import Transition
from controller.planner.turns import Look, Ops, Turn


class Box(NamedTuple):
    """Addresses of a family and Ethernet destinations: the packets of an atom."""

    family: Family
    span: Interval
    macs: Interval


@dataclass(slots=True)
class PacketClass:
    """Packets that every switch treats alike, before and after.

    `ops` are the changes of rules at which they flip, by switch, for the switches that change; `waits` is who
    waits for whom; `pending` is a mask of switches whose answers all others wait for. `falls`: on some
    switch, before or after, no rule takes all packets to these addresses."""

    ops: dict[int, Ops]
    waits: Waits
    pending: int
    falls: bool
    boxes: list[Box] = field(default_factory=list)


def packet_classes(transition: Transition) -> list[PacketClass]:
    """The classes in which somebody waits for somebody."""
    found: list[PacketClass] = []
    precedences = _Precedences()
    mixed = False
    for family in Family:
        classes = _Classes(transition, precedences, family)
        for region in regions(transition, family, mixed=mixed):
            classes.add(region)
        found += [packets for packets in classes.found.values() if packets.waits or packets.pending]
        if family is Family.MAC:
            mixed = transition.mixes(classes.known)
    return found


def separate_classes(transition: Transition) -> list[PacketClass]:
    """The same classes, each Ethernet destination for itself where it decides; and those that fall through,
    whether anybody waits in them or not.
    """
    found: list[PacketClass] = []
    precedences = _Precedences()
    for family in Family:
        classes = _Classes(transition, precedences, family, apart=True)
        mixed = family is not Family.MAC and transition.mixes(transition.everybody)
        for region in regions(transition, family, mixed=mixed, every=mixed):
            classes.add(region)
        found += [
            packets for packets in classes.found.values() if packets.waits or packets.pending or packets.falls
        ]
    return found


class _Precedences:
    """Who waits for whom, worked out once for fabrics that are alike where it matters."""

    def __init__(self) -> None:
        self._known: dict[frozenset[tuple[Turn, int]], Waits] = {}

    def of(self, sweep: _Sweep) -> tuple[Waits, int]:
        """The waits, and the switches whose answers have to be waited for."""
        if not sweep.sure:
            return self._waits(Bundles(sweep.members)), 0
        then = {**sweep.turns, **sweep.sure}
        if tolerates(bundled(sweep.turns), bundled(then)):
            return self._waits(Bundles(sweep.members)), 0
        return self._waits(bundled(then)), mask_of(sweep.sure)

    def _waits(self, fabric: Bundles) -> Waits:
        core = fabric.core()
        key = frozenset((bundle.turn, bundle.members) for bundle in core.nodes)
        waits = self._known.get(key)
        if waits is None:
            waits = self._known[key] = precedence(core)
        return waits


class _Classes:
    """The classes of a family, collected atom by atom."""

    def __init__(
        self, transition: Transition, precedences: _Precedences, family: Family, *, apart: bool = False
    ) -> None:
        self._transition = transition
        self._precedences = precedences
        self._family = family
        self._apart = apart
        self._sweep = _Sweep(lambda switch, address: look(transition, switch, family, address))
        self._last: PacketClass | None = None
        self.found: dict[object, PacketClass] = {}

    @property
    def known(self) -> int:
        """All switches that were looked at, as a mask."""
        return self._sweep.known

    def add(self, region: Region) -> None:
        """Divide a region into atoms, and put each into its class."""
        sweep = self._sweep
        for lo, hi, anew in sweep.atoms(*region):
            if sweep.vague:
                self._add_vague((lo, hi))
                continue
            if anew or self._last is None:
                self._last = self._class(*self._precedences.of(sweep), falls=False)
            macs = (lo, hi) if self._family is Family.MAC else ALL_MACS
            self._last.boxes.append(Box(self._family, (lo, hi), macs))

    def _class(self, waits: Waits, pending: int, *, falls: bool) -> PacketClass:
        return _kept(self.found, self._sweep.ops, waits, pending, falls)

    def _add_vague(self, span: Interval) -> None:
        """An atom in which the Ethernet destination has a say."""
        self._last = None
        sweep, looks = self._sweep, self._sweep.vague.values()
        falls = any(seen.falls for seen in looks)
        old_varies, new_varies = (any(seen.varies[side] for seen in looks) for side in (0, 1))
        if self._apart or (old_varies and new_varies):
            self._by_destination(span, falls)
            return
        turns, pending = {**sweep.turns, **sweep.sure}, mask_of(sweep.sure)
        if old_varies:
            waits = downstream_first(bundled(turns))
        elif new_varies:
            waits = upstream_first(bundled(turns))
        else:
            waits, pending = self._precedences.of(sweep)
        self._class(waits, pending, falls=falls).boxes.append(Box(self._family, span, ALL_MACS))

    def _by_destination(self, span: Interval, falls: bool) -> None:
        transition, family, outer = self._transition, self._family, self._sweep
        sweep = _Sweep(lambda switch, mac: look_at(transition, switch, family, span[0], mac))
        changing = mask_of(outer.ops)
        for lo, hi, _ in sweep.atoms(*ALL_MACS, changing):
            waits, _ = self._precedences.of(sweep)
            packets = _kept(self.found, sweep.ops, waits, mask_of(outer.sure), falls)
            packets.boxes.append(Box(family, span, (lo, hi)))


def _kept(
    found: dict[object, PacketClass], ops: dict[int, Ops], waits: Waits, pending: int, falls: bool
) -> PacketClass:
    """The class of these changes, which may have been seen before."""
    key = falls, pending, waits, tuple(sorted(ops.items()))
    packets = found.get(key)
    if packets is None:
        packets = found[key] = PacketClass(dict(ops), waits, pending, falls)
    return packets


# --- the sweep ----------------------------------------------------------------------------------------------


class _Sweep:
    """All switches that matter, at an address that rises.

    `looks` has each of them, `members` those with equal turns as masks; `ops`, `sure` and `vague` are for the
    few that change, whose turn is in doubt, or where the Ethernet destination has a say.
    """

    def __init__(self, look_at: Callable[[int, int], tuple[Look, int]]) -> None:
        self._look = look_at
        self._ends: list[tuple[int, int]] = []
        self.known = 0
        self.looks: dict[int, Look] = {}
        self.members: dict[Turn, int] = {}
        self.ops: dict[int, Ops] = {}
        self.sure: dict[int, Turn] = {}
        self.vague: dict[int, Look] = {}

    @property
    def turns(self) -> dict[int, Turn]:
        """The turn of each switch."""
        return {switch: seen.turn for switch, seen in self.looks.items()}

    def atoms(self, lo: int, hi: int, switches: int) -> Iterator[tuple[int, int, bool]]:
        """The atoms of an interval in which these switches change: from, to, and whether anything differs
        from the atom before.
        """
        here = lo
        while here < hi:
            anew = self._advance(here, switches)
            end = min(hi, self._ends[0][0]) if self._ends else hi
            yield here, end, anew
            here = end

    def _advance(self, here: int, switches: int) -> bool:
        """Forget what holds no longer, and look at all that can be reached and is not known."""
        ends = self._ends
        left: dict[int, Look] = {}
        while ends and ends[0][0] <= here:
            switch = heappop(ends)[1]
            left[switch] = self._drop(switch)
        come: dict[int, Look] = {}
        frontier = self._reached(switches) & ~self.known
        while frontier:
            self.known |= frontier
            for switch in bits(frontier):
                seen, end = self._look(switch, here)
                heappush(ends, (end, switch))
                come[switch] = seen
                self._take(switch, seen)
            frontier = self._reached(switches) & ~self.known
        return left != come

    def _reached(self, switches: int) -> int:
        """All that these switches can reach, as far as is known."""
        reached, before = switches, 0
        while reached != before:
            before = reached
            for turn, members in self.members.items():
                if members & reached:
                    reached |= turn[0] | turn[1]
        return reached

    def _take(self, switch: int, seen: Look) -> None:
        turn = seen.turn
        self.looks[switch] = seen
        self.members[turn] = self.members.get(turn, 0) | 1 << switch
        if turn.changes:
            self.ops[switch] = seen.ops
        if seen.sure is not None:
            self.sure[switch] = seen.sure
        if seen.falls or seen.varies != (False, False):
            self.vague[switch] = seen

    def _drop(self, switch: int) -> Look:
        seen = self.looks.pop(switch)
        self.known &= ~(1 << switch)
        left = self.members.pop(seen.turn) & ~(1 << switch)
        if left:
            self.members[seen.turn] = left
        for some in (self.ops, self.sure, self.vague):
            some.pop(switch, None)
        return seen

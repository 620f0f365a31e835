"""Searching for detours: for each failure that would leave a switch without a next hop, a way round it.

A switch with one next hop to a target is at its mercy. `X` is what may have failed: the switch behind that
hop, or the cable to it. The packets must go round X, by switches that know nothing of the failure:

    safe          by its equal-cost next hops a switch never meets X on its way to the target; the target is
    label 0       safe
    label i       not safe, and i steps from a safe one, by cables and switches other than X

A packet that meets the failure goes down the labels, told by its mark and the port by which it comes in, and
then, from the first safe switch on, along the routes as ever. Labels only fall, and afterwards distances
only fall, so it never comes back: no loop, by construction. That a step is loop-free when the neighbour is
safe is RFC 5286 (section 3, inequality 3); the labels are the paths that RFC 7490 finds by tunnels and RFC
9855 by segments, written hop by hop instead; F10 (Liu et al., NSDI 2013, section 5) has them by hand for fat
trees.

Everything is done for 64 failures at once, a bit for each (a *lane* of a target), for all switches and many
targets together: `[arc, switch, target]` arrays of words. Complexity: O(links x targets x rounds) operations
on words, the rounds being the diameter. A lane is a failure as one target sees it.

*Marks.* Two failures may want packets of one target that come in by one port to go different ways. Then
they get different marks. In a fat tree one mark does; what the greedy colouring cannot fit in `MOST_MARKS`
is not covered.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from controller.graph.wiring import Numbers, Wiring
from controller.model.routing import RELEASED, Reason

Bits = NDArray[np.uint64]
"""Sets of lanes, 64 at most, usually `[switch, target]`."""
Flags = NDArray[np.bool_]

MOST_MARKS = 15
"""So many marks there are; the mark of packets that are past their detour is not one of them."""
MOST_BACKUPS = 3
"""So many first steps of a detour a switch is given, in the order in which it should try them."""

_LANES = 64
_ONE = np.uint64(1)
_NONE = np.uint64(0)
_NO_ARC = -1


class Backups(NamedTuple):
    """What switches do whose only next hop is dead: row i speaks of `switch[i]` and `target[i]`.

    `arc` is `[row, MOST_BACKUPS]`, -1 where there are fewer; `mark` is written into the packet.
    """

    switch: Numbers
    target: Numbers
    arc: Numbers
    mark: Numbers


class Steps(NamedTuple):
    """What switches on a detour do: row i speaks of packets for `target[i]` that come in at `switch[i]` by
    `in_arc[i]` with `mark[i]`. They leave by one of the arcs in `arcs`, `[row, word]`, with mark `leaves[i]`.
    """

    switch: Numbers
    in_arc: Numbers
    target: Numbers
    mark: Numbers
    leaves: Numbers
    arcs: Bits


class Bare(NamedTuple):
    """Switches that do not survive every death of their next hop to a target, and why."""

    switch: Numbers
    target: Numbers
    reason: Reason


def _bare(where: Flags, reason: Reason) -> Bare:
    s, t = np.nonzero(where)
    return Bare(s, t, reason)


@dataclass
class Found:
    """What a search has found, part by part."""

    backups: list[Backups] = field(default_factory=list)
    steps: list[Steps] = field(default_factory=list)
    bare: list[Bare] = field(default_factory=list)

    def moved(self, first: int) -> Found:
        """The same for targets whose numbers begin at `first`."""
        return Found(
            [each._replace(target=each.target + first) for each in self.backups],
            [each._replace(target=each.target + first) for each in self.steps],
            [each._replace(target=each.target + first) for each in self.bare],
        )


def search(graph: Wiring, back: Numbers, goals: Numbers, ways: Bits, passable: Flags) -> Found:
    """Detours of all switches to these targets.

    `back[a, s]` is the arc by which the far end of arc a of switch s sees it; `goals` are the targets by
    number, `ways` their equal-cost ways, `[switch, target, word]`; `passable` says of each switch whether
    paths may lead through it.
    """
    scene = _scene(graph, back, goals, ways, passable)
    found = Found()
    parallel = (scene.count > 1) & (scene.near == scene.far) & (scene.near != goals)
    if parallel.any():
        found.bare.append(_bare(parallel, Reason.PARALLEL))
    alone = scene.count == 1
    marks = np.zeros(len(goals), np.intp)
    beyond = np.where(scene.near == goals, _Lanes.CABLE, _Lanes.SWITCH)
    missed = _lane_by_lane(scene, _Lanes(alone, beyond), marks, found)
    again = np.zeros_like(alone)
    again[missed] = beyond[missed] == _Lanes.SWITCH
    last = np.zeros_like(alone)
    last[missed] = ~again[missed]
    if again.any():
        last[_lane_by_lane(scene, _Lanes(again, np.full_like(beyond, _Lanes.CABLE)), marks, found)] = True
        found.bare.append(_bare(again & ~last, Reason.ROUND_THE_CABLE))
    if last.any():
        found.bare.append(_bare(last, Reason.NO_WAY_ROUND))
    return found


@dataclass(frozen=True)
class _Scene:
    """The fabric as a search sees it. `used[a]` says where arc a leads nearer; `near` and `far` are the
    lowest and the highest number among the next hops.
    """

    graph: Wiring
    back: Numbers
    goals: Numbers
    used: Flags
    count: NDArray[np.integer]
    near: Numbers
    far: Numbers
    passable: Flags
    """`[switch, target]`"""


def _scene(graph: Wiring, back: Numbers, goals: Numbers, ways: Bits, passable: Flags) -> _Scene:
    arcs, switches = graph.to.shape
    used = np.empty((arcs, switches, len(goals)), bool)
    near, far = np.full(used.shape[1:], switches), np.full(used.shape[1:], -1)
    for arc in range(arcs):
        word, bit = divmod(arc + 1, _LANES)
        used[arc] = (ways[:, :, word] >> np.uint64(bit) & _ONE).astype(bool)
        to = np.broadcast_to(graph.to[arc][:, None], near.shape)
        np.minimum(near, to, out=near, where=used[arc])
        np.maximum(far, to, out=far, where=used[arc])
    open_to = np.repeat(passable[:, None], len(goals), axis=1)
    open_to[goals, np.arange(len(goals))] = True
    return _Scene(graph, back, goals, used, used.sum(axis=0, dtype=np.int16), near, far, open_to)


class _Lanes:
    """Numbers the failures of each target. `of[s, t]` is the lane of the failure that switch s is to survive
    on the way to t, -1 for none.
    """

    SWITCH, CABLE = 0, 1

    def __init__(self, where: Flags, kind: NDArray[np.integer]) -> None:
        self.where = where
        self.kind = kind

    def of(self, scene: _Scene) -> Numbers:
        """The lanes, in the order of the switches and then the cables that fail."""
        switches, targets = self.where.shape
        s, t = np.nonzero(self.where)
        failed = np.where(self.kind[s, t] == self.SWITCH, scene.near[s, t], switches + s)
        keys, place = np.unique(t * (2 * switches) + failed, return_inverse=True)
        first = np.searchsorted(keys, np.arange(targets) * (2 * switches))
        lanes = np.full(self.where.shape, -1)
        lanes[s, t] = place - first[t]
        return lanes


Missed = tuple[Numbers, Numbers]


def _lane_by_lane(scene: _Scene, lanes: _Lanes, marks: Numbers, found: Found) -> Missed:
    """Search 64 lanes after the other; where there is no detour. `marks` counts the marks that each target
    has used up.
    """
    lane = lanes.of(scene)
    missed = []
    for first in range(0, int(lane.max(initial=-1)) + 1, _LANES):
        within = (lane >= first) & (lane < first + _LANES)
        s, t = np.nonzero(within)
        bits = _ONE << (lane[s, t] - first).astype(np.uint64)
        detours = _Detours(scene, s, t, bits, lanes.kind[s, t] == _Lanes.SWITCH)
        missed.append(detours.into(found, marks))
    if not missed:
        nothing = np.zeros(0, np.intp)
        return nothing, nothing
    return np.concatenate([m[0] for m in missed]), np.concatenate([m[1] for m in missed])


class _Detours:
    """The detours of up to 64 lanes of each target. Row i: switch `s[i]` needs one to `t[i]`, in the lane
    whose bit is `bits[i]`; `whole[i]` if the switch behind its next hop is given up with the cable.
    """

    def __init__(self, scene: _Scene, s: Numbers, t: Numbers, bits: Bits, whole: Flags) -> None:
        self.scene, self.s, self.t, self.bits = scene, s, t, bits
        self.arcs = len(scene.used)
        shape = scene.count.shape
        self.failed = np.zeros(shape, np.uint64)
        self.failed[scene.near[s[whole], t[whole]], t[whole]] |= bits[whole]
        self.dead_arc = scene.used[:, s, t].argmax(axis=0)
        every = np.zeros(shape[1], np.uint64)
        np.bitwise_or.at(every, t, bits)
        struck = self.failed.copy()
        struck[s, t] |= bits
        self.safe = np.where(self._arrives(), every & ~self._meets(struck), _NONE)
        self.use, self.last = self._labels()

    def _arrives(self) -> Flags:
        """Where packets have a way to their target, or are there."""
        arrives: Flags = self.scene.count > 0
        arrives[self.scene.goals, np.arange(len(self.scene.goals))] = True
        return arrives

    def _meets(self, struck: Bits) -> Bits:
        """The lanes whose failure packets may meet by the routes, from each switch."""
        scene, meets = self.scene, struck
        while True:
            after = meets.copy()
            for arc in range(self.arcs):
                after |= np.where(scene.used[arc], meets[scene.graph.to[arc]], _NONE)
            if np.array_equal(after, meets):
                return after
            meets = after

    def _labels(self) -> tuple[Bits, Bits]:
        """The arcs that lead to a label less, `[arc, switch, target]`, and the lanes in which the label is
        one.
        """
        scene = self.scene
        use = np.zeros(scene.used.shape, np.uint64)
        last = np.zeros(self.safe.shape, np.uint64)
        known, layer = self.safe | self.failed, np.where(scene.passable, self.safe, _NONE)
        first = True
        while True:
            steps = [self._steps_to(layer, arc) & ~known for arc in range(self.arcs)]
            fresh = np.bitwise_or.reduce(steps) if steps else _NONE * known
            if not fresh.any():
                return use, last
            for arc, step in enumerate(steps):
                use[arc] |= step
            if first:
                last, first = fresh, False
            known = known | fresh
            layer = np.where(scene.passable, fresh, _NONE)

    def _steps_to(self, layer: Bits, arc: int) -> Bits:
        """From where this arc leads into a layer, but for cables that have failed."""
        steps: Bits = layer[self.scene.graph.to[arc]]
        dead = self.dead_arc == arc
        steps[self.s[dead], self.t[dead]] &= ~self.bits[dead]
        return steps

    def into(self, found: Found, marks: Numbers) -> Missed:
        """Add what was found; where nothing was."""
        chosen = self._chosen()
        has = chosen[:, 0] != _NO_ARC
        arrivals = self._arrivals(chosen)
        colours = _coloured(self, arrivals, marks)
        nearly = (self.last[self.s, self.t] & self.bits) != 0
        mark = np.where(nearly, RELEASED, colours.mark_of(self.t, self.bits))
        unmarked = has & (mark < 0)
        if unmarked.any():
            found.bare.append(Bare(self.s[unmarked], self.t[unmarked], Reason.NO_MARK))
        good = has & ~unmarked
        found.backups.append(Backups(self.s[good], self.t[good], chosen[good], mark[good]))
        found.steps += self._steps(arrivals, colours)
        return self.s[~has], self.t[~has]

    def _chosen(self) -> Numbers:
        """The first steps of each row, in the order in which they are tried: switches begin with different
        ports, so that those who lose the same switch do not all turn to the same other one.
        """
        rows = len(self.s)
        may = np.stack([(self.use[arc, self.s, self.t] & self.bits) != 0 for arc in range(self.arcs)], axis=1)
        place, choices = may.cumsum(axis=1) - 1, may.sum(axis=1, keepdims=True)
        rank = np.where(may, (place - self.s[:, None]) % np.maximum(choices, 1), self.arcs)
        order = np.argsort(rank, axis=1, kind="stable")[:, :MOST_BACKUPS]
        chosen = np.where(np.take_along_axis(may, order, axis=1), order, _NO_ARC)
        missing = MOST_BACKUPS - chosen.shape[1]
        return np.pad(chosen, ((0, 0), (0, missing)), constant_values=_NO_ARC) if rows else chosen

    def _arrivals(self, chosen: Numbers) -> Bits:
        """The lanes in which packets on a detour come in by each arc of a switch that is not safe."""
        graph, back = self.scene.graph, self.scene.back
        arrivals = np.zeros(self.use.shape, np.uint64)
        for arc in chosen.T:
            there = arc != _NO_ARC
            s, t, bits, out = self.s[there], self.t[there], self.bits[there], arc[there]
            at = graph.to[out, s]
            np.bitwise_or.at(arrivals, (back[out, s], at, t), bits & ~self.safe[at, t])
        seen = fresh = np.bitwise_or.reduce(arrivals, axis=0)
        while fresh.any():
            further = np.zeros_like(fresh)
            for arc in range(self.arcs):
                source, by = graph.to[arc], back[arc]
                come = fresh[source] & self.use[by, source] & ~self.safe
                arrivals[arc] |= come
                further |= come
            fresh = further & ~seen
            seen = seen | further
        return arrivals

    def _steps(self, arrivals: Bits, colours: _Colours) -> Iterator[Steps]:
        """What switches on detours do, mark by mark."""
        words = 1 + self.arcs // _LANES
        for number, lanes in enumerate(colours.lanes):
            in_arc, s, t = np.nonzero(arrivals & lanes)
            if not len(s):
                continue
            come = arrivals[in_arc, s, t] & lanes[t]
            lane = come & (~come + _ONE)
            arcs = np.zeros((len(s), words), np.uint64)
            for arc in range(self.arcs):
                word, bit = divmod(arc, _LANES)
                leads = (self.use[arc, s, t] & lane) != 0
                arcs[:, word] |= leads.astype(np.uint64) << np.uint64(bit)
            mark = colours.first[t] + number
            nearly = (self.last[s, t] & lane) != 0
            yield Steps(s, in_arc, t, mark, np.where(nearly, RELEASED, mark), arcs)


@dataclass(frozen=True)
class _Colours:
    """The marks of lanes: the lanes in `lanes[i][t]` have the mark `first[t] + i`."""

    first: Numbers
    lanes: list[Bits]

    def mark_of(self, t: Numbers, bits: Bits) -> Numbers:
        """The mark of each row's lane, -1 where it has none."""
        mark = np.full(len(t), -1)
        for number, lanes in enumerate(self.lanes):
            mark = np.where((lanes[t] & bits) != 0, self.first[t] + number, mark)
        return mark


def _coloured(detours: _Detours, arrivals: Bits, marks: Numbers) -> _Colours:
    """Marks for the lanes, as few as a greedy colouring finds; `marks` is moved on."""
    conflicts = _conflicts(detours, arrivals)
    every = np.bitwise_or.reduce(arrivals.reshape(-1, arrivals.shape[2]), axis=0)
    used = np.zeros(len(marks), np.intp)
    lanes: list[Bits] = []
    clean = ~conflicts.any(axis=(0, 1))
    if clean.any() and bool((marks[clean] < MOST_MARKS).any()):
        lanes.append(np.where(clean & (marks < MOST_MARKS), every, _NONE))
        used[clean & (every != 0)] = 1
    for t in np.flatnonzero(~clean).tolist():
        classes = _classes(detours, arrivals[:, :, t], conflicts[:, :, t], t, int(every[t]))
        for number, members in enumerate(classes[: MOST_MARKS - int(marks[t])]):
            while len(lanes) <= number:
                lanes.append(np.zeros(len(marks), np.uint64))
            lanes[number][t] = members
            used[t] = number + 1
    colours = _Colours(marks + 1, lanes)
    marks += used
    return colours


def _conflicts(detours: _Detours, arrivals: Bits) -> Flags:
    """Where lanes come in together and want to go on differently, `[in_arc, switch, target]`."""
    conflicts = np.zeros(arrivals.shape, bool)
    for arc in range(detours.arcs):
        wants = arrivals & detours.use[arc]
        conflicts |= (wants != 0) & (wants != arrivals)
    wants = arrivals & detours.last
    conflicts |= (wants != 0) & (wants != arrivals)
    return conflicts


def _classes(detours: _Detours, arrivals: Bits, conflicts: Flags, t: int, every: int) -> list[int]:
    """Sets of lanes of one target that can share a mark, each lane in the first that takes it."""
    against: dict[int, int] = {}
    for in_arc, s in np.argwhere(conflicts).tolist():
        come = int(arrivals[in_arc, s])
        by_wish: dict[tuple[int, ...], int] = {}
        for lane in _lanes_of(come):
            uses = (int(use) >> lane & 1 for use in detours.use[:, s, t])
            wish = (*uses, int(detours.last[s, t]) >> lane & 1)
            by_wish[wish] = by_wish.get(wish, 0) | 1 << lane
        for same in by_wish.values():
            for lane in _lanes_of(same):
                against[lane] = against.get(lane, 0) | (come & ~same)
    classes: list[int] = []
    for lane in _lanes_of(every):
        for number, members in enumerate(classes):
            if not members & against.get(lane, 0):
                classes[number] |= 1 << lane
                break
        else:
            classes.append(1 << lane)
    return classes


def _lanes_of(bits: int) -> Iterator[int]:
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low

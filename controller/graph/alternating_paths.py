"""Colouring the edges of a bipartite multigraph one by one, along alternating paths (Koenig 1916).

An edge takes a colour that is free at both its ends. Where there is none, `a` is free at one end and `b` at
the other: the path of edges coloured a, b, a, ... from the latter is recoloured b, a, b, ..., and then `a` is
free at both. As many colours suffice as the busiest end has edges, and an edge that is new recolours few.

Edges may have colours already, which they keep where they agree; and ends may be barred from some colours:
then a path may end where its other colour is barred, and an edge may find no colour at all.

Free colours are bits of a number: O(length of the paths) for an edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def colouring(pairs: Sequence[tuple[int, int]], colours: int) -> list[int | None]:
    """A colour for each (sender, receiver), such that none occurs twice at a sender or at a receiver; None
    where `colours` do not suffice, which happens only to those beyond the `colours`-th of an end.
    """
    return Graph(pairs, colours).coloured()


class Graph:
    """A bipartite multigraph while it is being coloured. Senders have even numbers, receivers odd ones.

    `_at[end][colour]` is the edge of that colour there, -1 for none; `_free[end]` has the bits of those that
    are neither used nor barred there.
    """

    def __init__(self, pairs: Sequence[tuple[int, int]], colours: int) -> None:
        senders, receivers = dict[int, int](), dict[int, int]()
        self._ends = [
            (2 * senders.setdefault(src, len(senders)), 2 * receivers.setdefault(dst, len(receivers)) + 1)
            for src, dst in pairs
        ]
        self._numbers = senders, receivers
        self._colours = colours
        size = 2 * max(len(senders), len(receivers))
        self._free = [(1 << colours) - 1] * size
        self._at = [[-1] * colours for _ in range(size)]
        self._found = [-1] * len(pairs)

    def bar(self, end: int, colours: Iterable[int]) -> None:
        """These colours cannot be had where this end sends or receives. To be said before anything is
        coloured.
        """
        mask = sum(1 << colour for colour in colours)
        for receives, numbers in enumerate(self._numbers):
            if end in numbers:
                self._free[2 * numbers[end] + receives] &= ~mask

    def keep(self, edge: int, first: int, step: int) -> None:
        """Colour an edge with one of `first`, `first + step`, ... if one of them is free at both ends."""
        sender, receiver = self._ends[edge]
        both = self._free[sender] & self._free[receiver]
        colour = next((each for each in range(first, self._colours, step) if both >> each & 1), None)
        if colour is not None:
            self._give(edge, colour)

    def coloured(self) -> list[int | None]:
        """Colour what is not coloured yet; the colour of each edge, None for those that got none."""
        for edge, colour in enumerate(self._found):
            if colour < 0:
                self._colour(edge)
        return [None if colour < 0 else colour for colour in self._found]

    def _colour(self, edge: int) -> None:
        sender, receiver = self._ends[edge]
        here, there = self._free[sender], self._free[receiver]
        if both := here & there:
            self._give(edge, _lowest(both))
            return
        for one in _bits(here):
            if any(self._exchange(receiver, one, other) for other in _bits(there)):
                self._give(edge, one)
                return

    def _give(self, edge: int, colour: int) -> None:
        self._found[edge] = colour
        for end in self._ends[edge]:
            self._at[end][colour] = edge
            self._free[end] &= ~(1 << colour)

    def _exchange(self, end: int, one: int, other: int) -> bool:
        """Exchange two colours along the path that begins at this receiver with the first: then the first is
        free there. False when one of the two is barred at the path's end.

        The path cannot come to a sender at which the first is free, as it would enter it by that colour.
        """
        path, colour = list[int](), one
        while (edge := self._at[end][colour]) >= 0:
            path.append(edge)
            sender, receiver = self._ends[edge]
            end = receiver if end == sender else sender
            colour = other if colour == one else one
        if not path or not self._free[end] >> colour & 1:
            return False
        for edge in path:
            was = self._found[edge]
            for side in self._ends[edge]:
                self._at[side][was] = -1
                self._free[side] |= 1 << was
        for edge in path:
            self._give(edge, other if self._found[edge] == one else one)
        return True


def _bits(mask: int) -> Iterator[int]:
    """The places of the bits that are set, the lowest first."""
    while mask:
        yield _lowest(mask)
        mask &= mask - 1


def _lowest(mask: int) -> int:
    """The place of the lowest bit that is set."""
    return (mask & -mask).bit_length() - 1

"""The ownership trie: who an address belongs to, known or not.

To write "all of 10.1.0.0/16 upwards" a switch must speak of addresses that no host has. So every address
gets an owner, the switch to which packets for it travel; what happens there is the owner's business (it
asks the controller to look for the host).

    walk down the binary trie of the known addresses, bit by bit;
    where the next bit leads to no known address, the lowest address of the other side owns all of it

    known      10.0.0.2 at e1, 10.0.1.2 at e2, 10.2.0.2 at e3
    10.0.1.9   leaves the known at /29, beside 10.0.1.0/29 with 10.0.1.2: it is e2's
    10.3.7.7   leaves it at /16, beside 10.2.0.0/16 with 10.2.0.2: e3's
    10.0.9.9   leaves it at /21, beside 10.0.0.0/21, whose lowest address is 10.0.0.2: e1's
    11.0.0.1   is above the floor: nobody's

*Why this cannot loop.* The owner of an address is a function of the known addresses alone, not of the
switch that asks. All switches are programmed from one table; each sends a packet for address x to a next
hop towards owner(x), which is strictly nearer to it. Along a packet's way the distance to one fixed switch
falls at each hop, so the way ends after at most that many hops: at the owner, or where the owner cannot be
reached, in a drop. This holds for unknown addresses as for known ones, and for any way of writing the
function as prefixes, as long as it is written exactly (compiler/aggregate.py). A rule of thumb such as
"send what you do not know upwards" has no such proof, and does loop when a link is down.

Above the floor of a family (IPv4 /8, IPv6 /10) nothing is owned, so that Treadle does not attract the rest
of the Internet. MAC addresses have no floor.

The trie is compressed twice. Levels with one known side are skipped (a node says where its addresses begin,
its top, and where they divide, its split), and a subtree that belongs to one switch is one leaf: a switch on
the way does not care which host it is. So its size is the number of switches where addresses change hands,
not the number of hosts, and it is shared by all switches.

It is held as arrays (`Forest`), for all families together, because whoever reads it reads it for a thousand
switches at a time (compiler/aggregate.py).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from controller.compiler.families import Family, Prefix, family_of
from controller.model.identity import Dpid
from controller.model.routing import Endpoint

Numbers = NDArray[np.intp]
Place = tuple[Family, Prefix]

NOWHERE = -1
"""Stands where a node has no such place."""


@dataclass(frozen=True, eq=False)
class Forest:
    """Tries of all families. Nodes are numbered: first the inner ones, those nearer to a root before those
    that are deeper, then the leaves, in the order of their addresses.

    `places` are the prefixes that may ever be written, which the other arrays name by number. `top` of a node
    is all of its addresses. A leaf belongs to `owner`. The known addresses of an inner node all begin with
    `split` and divide after it into two `halves`; `skipped` is how much longer `split` is than `top`, and
    where that is 1, `empty` is the sibling of `split`. What is in `top` and not in `split` belongs to the
    owner of its first leaf.
    """

    places: tuple[Place, ...]
    roots: Numbers
    levels: tuple[int, ...]
    """Where each depth begins among the inner nodes, and at the end their number."""
    parent: Numbers
    halves: Numbers
    skipped: Numbers
    top: Numbers
    split: Numbers
    empty: Numbers
    first_leaf: Numbers
    owner: Numbers

    @property
    def inner(self) -> int:
        """How many inner nodes there are."""
        return len(self.parent)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Forest)
            and all(
                np.array_equal(getattr(self, each.name), getattr(other, each.name))
                for each in fields(self)
                if each.name != "places"
            )
            and self.places == other.places
        )

    __hash__ = None  # type: ignore[assignment]


@dataclass(frozen=True)
class Ownership:
    """Who owns which addresses; owners are numbers of targets (sorted)."""

    targets: tuple[Dpid, ...]
    forest: Forest

    def owner(self, family: Family, address: int) -> Dpid | None:
        """The switch to which packets for this address travel; None above the floor of known addresses."""
        forest = self.forest
        for root in forest.roots.tolist():
            if _holds(forest.places[forest.top[root]], family, address):
                leaf = forest.first_leaf[_lowest(forest, root, family, address)]
                return self.targets[int(forest.owner[leaf])]
        return None


def _holds(place: Place, family: Family, address: int) -> bool:
    kind, prefix = place
    return kind is family and address & family.mask(prefix.length) == prefix.value


def _lowest(forest: Forest, node: int, family: Family, address: int) -> int:
    """The deepest node to whose owner, or whose first leaf's, the address belongs."""
    while node < forest.inner and _holds(forest.places[forest.split[node]], family, address):
        left, right = forest.halves[node].tolist()
        node = right if _holds(forest.places[forest.top[right]], family, address) else left
    return node


def ownership(endpoints: Iterable[Endpoint]) -> Ownership:
    """The ownership that follows from these endpoints, which are sorted (`endpoint_order`)."""
    known = list(endpoints)
    targets = tuple(sorted({endpoint.at.dpid for endpoint in known}))
    number_of = {dpid: number for number, dpid in enumerate(targets)}
    plots = [
        (family, [(int(endpoint.address), number_of[endpoint.at.dpid]) for endpoint in members])
        for family, members in groupby(known, key=lambda endpoint: family_of(endpoint.address))
    ]
    return Ownership(targets, planted(plots))


def planted(plots: Iterable[tuple[Family, Sequence[tuple[int, int]]]]) -> Forest:
    """The tries over known addresses with the numbers of their owners, sorted by address: one for each
    prefix at the floor of its family that holds any. O(addresses).
    """
    nursery = _Nursery()
    for family, known in plots:
        below_floor = family.bits - family.floor
        for _, members in groupby(known, key=lambda entry: entry[0] >> below_floor):
            nursery.plant(family, list(members))
    return nursery.forest()


@dataclass(slots=True)
class _Inner:
    """An inner node in the making. Its halves: numbers of inner nodes, or ~n for leaf n."""

    depth: int
    parent: int
    top: int
    split: int
    empty: int
    skipped: int
    first_leaf: int
    halves: tuple[int, int] = (0, 0)


class _Nursery:
    """Grows tries, one after the other; inner nodes are numbered anew by depth when all stand."""

    def __init__(self) -> None:
        self._places: list[Place] = []
        self._roots: list[int] = []
        self._inner: list[_Inner] = []
        self._leaf_tops: list[int] = []
        self._leaf_owners: list[int] = []

    def plant(self, family: Family, known: list[tuple[int, int]]) -> None:
        """Grow a trie over these addresses, which share the family's floor."""
        self._family = family
        self._addresses = [address for address, _ in known]
        self._owners = [owner for _, owner in known]
        self._same_until = _ends_of_runs(self._owners)
        self._roots.append(self._grow(0, len(known) - 1, family.floor, 0, NOWHERE))

    def _grow(self, first: int, last: int, top_len: int, depth: int, parent: int) -> int:
        """The node over the known addresses first ... last (included), whose addresses begin at `top_len`."""
        family, low, high = self._family, self._addresses[first], self._addresses[last]
        top = self._place(family.prefix(low, top_len))
        leaf = len(self._leaf_tops)
        if self._same_until[first] >= last:
            self._leaf_tops.append(top)
            self._leaf_owners.append(self._owners[first])
            return ~leaf
        split_len = family.bits - (low ^ high).bit_length()
        skipped = split_len - top_len
        split = family.prefix(low, split_len)
        sibling = Prefix(split.value ^ 1 << family.bits - split_len, split_len)
        number, node = (
            len(self._inner),
            _Inner(
                depth,
                parent,
                top,
                self._place(split) if skipped else top,
                self._place(sibling) if skipped == 1 else NOWHERE,
                skipped,
                leaf,
            ),
        )
        self._inner.append(node)
        upper = family.prefix(high, split_len + 1).value
        middle = bisect_left(self._addresses, upper, first, last + 1)
        left = self._grow(first, middle - 1, split_len + 1, depth + 1, number)
        node.halves = left, self._grow(middle, last, split_len + 1, depth + 1, number)
        return number

    def _place(self, prefix: Prefix) -> int:
        self._places.append((self._family, prefix))
        return len(self._places) - 1

    def forest(self) -> Forest:
        order = sorted(range(len(self._inner)), key=lambda number: self._inner[number].depth)
        inner = [self._inner[number] for number in order]
        rank = {number: place for place, number in enumerate(order)} | {NOWHERE: NOWHERE}
        count = len(inner)

        def renumbered(nodes: Iterable[int]) -> list[int]:
            return [rank[node] if node >= 0 else count + ~node for node in nodes]

        depths = [node.depth for node in inner]
        levels = [bisect_left(depths, depth) for depth in range(max(depths, default=-1) + 2)]
        return Forest(
            tuple(self._places),
            np.array(renumbered(self._roots), np.intp),
            tuple(levels),
            np.array([rank[node.parent] for node in inner], np.intp),
            np.array([renumbered(node.halves) for node in inner], np.intp).reshape(count, 2),
            np.array([node.skipped for node in inner], np.intp),
            np.array([*(node.top for node in inner), *self._leaf_tops], np.intp),
            np.array([node.split for node in inner], np.intp),
            np.array([node.empty for node in inner], np.intp),
            np.array([*(node.first_leaf for node in inner), *range(len(self._leaf_tops))], np.intp),
            np.array(self._leaf_owners, np.intp),
        )


def _ends_of_runs(owners: list[int]) -> list[int]:
    """For each place, the last place up to which the owner stays the same."""
    ends = list(range(len(owners)))
    for place in range(len(owners) - 2, -1, -1):
        if owners[place] == owners[place + 1]:
            ends[place] = ends[place + 1]
    return ends

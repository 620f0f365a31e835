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
`top`, and where they divide, `split`), and a subtree that belongs to one switch is one leaf: a switch on
the way does not care which host it is. So its size is the number of switches where addresses change hands,
not the number of hosts, and it is shared by all switches.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from controller.compiler.families import FAMILIES, Family, Prefix, family_of
from controller.model.identity import Dpid
from controller.model.routing import Endpoint


class Node(NamedTuple):
    """A part of the address space.

    `top` is all of it. A leaf has no halves and belongs to `owner` (the number of a target). Elsewhere the
    known addresses all begin with `split` and divide after it into two halves; what is in `top` and not in
    `split` belongs to `owner`.
    """

    top: Prefix
    split: Prefix
    owner: int
    halves: tuple[Node, Node] | None


@dataclass(frozen=True)
class Ownership:
    """Who owns which addresses: a forest for each family; owners are numbers of targets (sorted)."""

    targets: tuple[Dpid, ...]
    forests: Mapping[Family, tuple[Node, ...]]

    def owner(self, family: Family, address: int) -> Dpid | None:
        """The switch to which packets for this address travel; None above the floor of known addresses."""
        for root in self.forests.get(family, ()):
            if _holds(family, root.top, address):
                return self.targets[_owner(family, root, address)]
        return None


def ownership(endpoints: Iterable[Endpoint]) -> Ownership:
    """The ownership that follows from these endpoints. O(addresses · log addresses)."""
    known = sorted(
        (int(endpoint.address), endpoint.at.dpid, family_of(endpoint.address)) for endpoint in endpoints
    )
    targets = tuple(sorted({dpid for _, dpid, _ in known}))
    number_of = {dpid: number for number, dpid in enumerate(targets)}
    forests = {}
    for family in FAMILIES:
        mine = [(address, number_of[dpid]) for address, dpid, kind in known if kind is family]
        if mine:
            forests[family] = tuple(roots(family, mine))
    return Ownership(targets, forests)


def roots(family: Family, known: list[tuple[int, int]]) -> Iterable[Node]:
    """A tree for each prefix at the floor that holds a known address."""
    below_floor = family.bits - family.floor
    for _, members in groupby(known, key=lambda entry: entry[0] >> below_floor):
        yield _Builder(family, list(members)).node(family.floor)


class _Builder:
    """Builds one tree over sorted addresses and their owners."""

    def __init__(self, family: Family, known: list[tuple[int, int]]) -> None:
        self._family = family
        self._addresses = [address for address, _ in known]
        self._owners = [owner for _, owner in known]
        self._same_until = _ends_of_runs(self._owners)

    def node(self, top_len: int) -> Node:
        return self._node(0, len(self._addresses) - 1, top_len)

    def _node(self, first: int, last: int, top_len: int) -> Node:
        """The node over the known addresses first ... last (included), whose addresses begin at `top_len`."""
        family, low, high = self._family, self._addresses[first], self._addresses[last]
        top, owner = family.prefix(low, top_len), self._owners[first]
        if self._same_until[first] >= last:
            return Node(top, top, owner, None)
        split_len = family.bits - (low ^ high).bit_length()
        middle = bisect_left(self._addresses, family.prefix(high, split_len + 1).value, first, last + 1)
        halves = self._node(first, middle - 1, split_len + 1), self._node(middle, last, split_len + 1)
        return Node(top, family.prefix(low, split_len), owner, halves)


def _ends_of_runs(owners: list[int]) -> list[int]:
    """For each place, the last place up to which the owner stays the same."""
    ends = list(range(len(owners)))
    for place in range(len(owners) - 2, -1, -1):
        if owners[place] == owners[place + 1]:
            ends[place] = ends[place + 1]
    return ends


def _holds(family: Family, prefix: Prefix, address: int) -> bool:
    return address & family.mask(prefix.length) == prefix.value


def _owner(family: Family, node: Node, address: int) -> int:
    while node.halves is not None and _holds(family, node.split, address):
        left, right = node.halves
        node = right if address >= right.top.value else left
    return node.owner

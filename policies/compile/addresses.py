"""Addresses of one IP version, cut into atoms: between two cuts no prefix of the policy tells them apart.

    prefixes   10.0.0.0/24 ----------------      10.0.0.8/29 ----
    atoms      0 ... | 10.0.0.0 ... 7 | 10.0.0.8 ... 15 | 10.0.0.16 ... 255 | 10.0.1.0 ...

Sets of atoms are numbers whose bit i stands for atom i, so that a term on a prefix is worked out once and
then combined with others by one operation, however many addresses there are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from policies.predicate import Prefix

BITS = {4: 32, 6: 128}
Interval = tuple[int, int]
"""The first address as a number, and the one after the last."""


@dataclass(frozen=True)
class Atoms:
    """The atoms of a version: atom i begins at `starts[i]`, the first at 0."""

    version: int
    starts: tuple[int, ...]
    _known: dict[tuple[Prefix, ...], int] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, version: int, prefixes: Iterable[Prefix]) -> Atoms:
        """Cut where these prefixes begin and end; those of the other version are passed over."""
        end = 1 << BITS[version]
        cuts = {cut for each in prefixes if each.version == version for cut in interval(each)}
        return cls(version, tuple(sorted((cuts | {0}) - {end})))

    @property
    def everything(self) -> int:
        """All atoms."""
        return (1 << len(self.starts)) - 1

    def within(self, prefixes: tuple[Prefix, ...]) -> int:
        """The atoms within some prefixes, each of which was named when the atoms were made."""
        known = self._known.get(prefixes)
        if known is None:
            known = 0
            for each in prefixes:
                if each.version == self.version:
                    first, end = (self._place(cut) for cut in interval(each))
                    known |= (1 << end) - (1 << first)
            self._known[prefixes] = known
        return known

    def kinds(self, said: Iterable[tuple[Prefix, ...]]) -> list[int]:
        """For each atom the first one that none of these terms tells from it."""
        seen = [0] * len(self.starts)
        for bit, inside in enumerate(sorted({self.within(prefixes) for prefixes in said})):
            for atom in atoms_in(inside):
                seen[atom] |= 1 << bit
        first: dict[int, int] = {}
        return [first.setdefault(signature, number) for number, signature in enumerate(seen)]

    def number(self, address: int) -> int:
        """The atom that holds an address."""
        return bisect_right(self.starts, address) - 1

    def _place(self, cut: int) -> int:
        return bisect_right(self.starts, cut - 1)


def atoms_in(some: int) -> Iterator[int]:
    """The atoms of a set, the first one first."""
    while some:
        low = some & -some
        yield low.bit_length() - 1
        some ^= low


def interval(prefix: Prefix) -> Interval:
    """The addresses of a prefix as numbers."""
    first = int(prefix.network_address)
    return first, first + prefix.num_addresses


def network(version: int, first: int, length: int) -> Prefix:
    """The prefix that begins at an address."""
    return IPv4Network((first, length)) if version == 4 else IPv6Network((first, length))


def fewest_prefixes(atoms: Atoms, label: Mapping[int, int]) -> list[tuple[Prefix, int]]:
    """Prefixes with labels such that the longest one that holds an address says the label of its atom; as few
    as can be (ORTC: Draves, King, Venkatachary, Zill, INFOCOM 1999). The longest come first.

    `label` is by atom. Of labels that would do equally well the smallest is taken.
    """
    trie = _Trie(atoms, label)
    found: list[tuple[int, int, int]] = []
    trie.walk(0, 0, None, found)
    found.sort(key=lambda each: (-each[0], each[1]))
    return [(network(atoms.version, first, length), name) for length, first, name in found]


class _Trie:
    """Prefixes as a binary tree that is only as deep as atoms differ."""

    def __init__(self, atoms: Atoms, label: Mapping[int, int]) -> None:
        self._atoms, self._label, self._bits = atoms, label, BITS[atoms.version]
        self._wanted: dict[tuple[int, int], frozenset[int]] = {}

    def walk(self, length: int, first: int, held: int | None, found: list[tuple[int, int, int]]) -> None:
        """Name what is not said by a shorter prefix already (ORTC's third pass)."""
        wanted = self._candidates(length, first)
        if held not in wanted:
            held = min(wanted)
            found.append((length, first, held))
        if self._single(length, first) is None:
            half = 1 << (self._bits - length - 1)
            self.walk(length + 1, first, held, found)
            self.walk(length + 1, first + half, held, found)

    def _candidates(self, length: int, first: int) -> frozenset[int]:
        """The labels with which the fewest prefixes are needed below (ORTC's second pass)."""
        known = self._wanted.get((length, first))
        if known is None:
            single = self._single(length, first)
            if single is not None:
                known = frozenset((single,))
            else:
                half = 1 << (self._bits - length - 1)
                one, other = self._candidates(length + 1, first), self._candidates(length + 1, first + half)
                known = one & other or one | other
            self._wanted[length, first] = known
        return known

    def _single(self, length: int, first: int) -> int | None:
        """The one label of all addresses of a prefix; None where there are several atoms."""
        begin = self._atoms.number(first)
        end = self._atoms.number(first + (1 << (self._bits - length)) - 1)
        return self._label[begin] if begin == end else None

"""A whole policy table for a set of sources, as lines with addresses, and how they rank.

    ranked clauses --split by source atom--> parts of the destinations, each with what is left to ask
                   --decision_list---------> lines of protocol and ports, alike for many destinations
                   --fewest_prefixes-------> destination prefixes, the longest first, each with its lines

Only sources that live at the switch are asked about. Sources whose atoms no term tells apart have the same
lines, and are written together as a prefix that holds no atom but theirs. The lines of a destination prefix
end with one that matches everything, so a longer prefix hides a shorter one completely.

Cost: of the clauses of a policy only those cost something for a source that say something of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic

from policies.compile.addresses import BITS, Atoms, atoms_in, fewest_prefixes, network
from policies.compile.lists import Line, Outcome, decision_list
from policies.compile.partial import ALWAYS, NEVER, Parts, speakers, split
from policies.predicate import Destination, Predicate, Prefix, Source, terms

Ranked = tuple[Predicate, Outcome]
"""A clause; those that come first decide first."""


@dataclass(frozen=True, slots=True)
class Entry(Generic[Outcome]):
    """The lines for packets between two prefixes. Of several destinations the longest one decides."""

    source: Prefix
    destination: Prefix
    lines: tuple[Line[Outcome], ...]


@dataclass
class Compiler(Generic[Outcome]):
    """The clauses of a policy for one IP version, ready to be asked for the entries of a switch."""

    version: int
    clauses: Sequence[Ranked[Outcome]]
    default: Outcome
    sources: Atoms = field(init=False)
    destinations: Atoms = field(init=False)
    _by_kind: dict[int, list[tuple[Prefix, tuple[Line[Outcome], ...]]]] = field(default_factory=dict)
    _parts: dict[int, list[tuple[int, tuple[Ranked[Outcome], ...]]]] = field(default_factory=dict)
    _lines: dict[tuple[Ranked[Outcome], ...], tuple[Line[Outcome], ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        flat = [term for predicate, _ in self.clauses for term in terms(predicate)]
        self.sources = Atoms.of(self.version, (p for t in flat if isinstance(t, Source) for p in t.prefixes))
        self.destinations = Atoms.of(
            self.version, (p for t in flat if isinstance(t, Destination) for p in t.prefixes)
        )
        self._speakers = [speakers(predicate, self.sources) for predicate, _ in self.clauses]
        self._kinds = self.sources.kinds(t.prefixes for t in flat if isinstance(t, Source))

    def entries(self, addresses: Iterable[int]) -> Iterator[Entry[Outcome]]:
        """The entries for packets from these addresses, sorted by source, the longest destination first."""
        for prefix, kind in self._sources(sorted(set(addresses))):
            for destination, lines in self._of_kind(kind):
                yield Entry(prefix, destination, lines)

    def between(self, source: int, destination: int) -> tuple[Line[Outcome], ...]:
        """The lines for packets from one address to another."""
        atom = self.destinations.number(destination)
        for atoms, clauses in self._parts_of(self._kinds[self.sources.number(source)]):
            if atoms >> atom & 1:
                return self._lines_of(clauses)
        raise AssertionError("the parts of the destinations are all of them")

    def _sources(self, addresses: Sequence[int]) -> Iterator[tuple[Prefix, int]]:
        """The addresses under as few prefixes as hold only atoms of one kind."""
        if not addresses:
            return
        differing = addresses[0] ^ addresses[-1]
        free = differing.bit_length()
        first = addresses[0] >> free << free
        begin, end = self.sources.number(first), self.sources.number(first + (1 << free) - 1)
        kinds = set(self._kinds[begin : end + 1])
        if len(kinds) == 1:
            yield network(self.version, first, BITS[self.version] - free), kinds.pop()
            return
        middle = first + (1 << (free - 1))
        yield from self._sources([each for each in addresses if each < middle])
        yield from self._sources([each for each in addresses if each >= middle])

    def _of_kind(self, kind: int) -> list[tuple[Prefix, tuple[Line[Outcome], ...]]]:
        known = self._by_kind.get(kind)
        if known is None:
            parts = self._parts_of(kind)
            names: dict[tuple[Line[Outcome], ...], int] = {}
            label = [0] * len(self.destinations.starts)
            for atoms, clauses in parts:
                lines = self._lines_of(clauses)
                name = names.setdefault(lines, len(names))
                for atom in atoms_in(atoms):
                    label[atom] = name
            by_name = list(names)
            found = fewest_prefixes(self.destinations, dict(enumerate(label)))
            known = self._by_kind[kind] = [(prefix, by_name[name]) for prefix, name in found]
        return known

    def _parts_of(self, source: int) -> list[tuple[int, tuple[Ranked[Outcome], ...]]]:
        """The destinations in parts, each with the clauses that say something of it, first match."""
        known = self._parts.get(source)
        if known is None:
            known = self._parts[source] = self._cut(source)
        return known

    def _cut(self, source: int) -> list[tuple[int, tuple[Ranked[Outcome], ...]]]:
        parts: list[tuple[int, tuple[Ranked[Outcome], ...]]] = [(self.destinations.everything, ())]
        for (predicate, outcome), spoken in zip(self.clauses, self._speakers, strict=True):
            if not spoken >> source & 1:
                continue
            left = split(predicate, self.sources, source, self.destinations)
            if left.keys() == {NEVER}:
                continue
            parts = _merged(piece for each in parts for piece in _refined(*each, left, outcome))
        return parts

    def _lines_of(self, clauses: tuple[Ranked[Outcome], ...]) -> tuple[Line[Outcome], ...]:
        known = self._lines.get(clauses)
        if known is None:
            known = self._lines[clauses] = decision_list(clauses, self.default, self.version)
        return known


def _refined(
    atoms: int, clauses: tuple[Ranked[Outcome], ...], left: Parts, outcome: Outcome
) -> Iterator[tuple[int, tuple[Ranked[Outcome], ...]]]:
    """A part of the destinations after one more clause. Below one that always holds, none is asked."""
    if clauses and clauses[-1][0] == ALWAYS:
        yield atoms, clauses
        return
    for predicate, where in left.items():
        if meeting := atoms & where:
            yield meeting, clauses if predicate == NEVER else (*clauses, (predicate, outcome))


def _merged(
    parts: Iterable[tuple[int, tuple[Ranked[Outcome], ...]]],
) -> list[tuple[int, tuple[Ranked[Outcome], ...]]]:
    """Parts of which the same is said, as one."""
    found: dict[tuple[Ranked[Outcome], ...], int] = {}
    for atoms, clauses in parts:
        found[clauses] = found.get(clauses, 0) | atoms
    return [(atoms, clauses) for clauses, atoms in found.items()]

"""Documents that contradict each other: of one precedence, and of different minds about some packet.

For each pair of documents of one precedence whose clauses could meet, the packets are looked for that one
allows and the other denies: for a source and a destination that both speak of (one address of each atom,
policies/compile/addresses.py), as regions of ports by protocol. The first packet that is found becomes an
error that shows both places.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from itertools import combinations
from typing import NamedTuple

from controller.model.errors import OperatorError
from controller.model.identity import IpAddress
from policies.compile.addresses import Atoms, atoms_in
from policies.compile.partial import ALWAYS, NEVER, Parts, given, protocols, speakers, split
from policies.compile.ranges import EVERYWHERE, LARGEST_TYPE, Region, both, outside
from policies.policy import Access, Clause, Document, Effect, Policy
from policies.predicate import ICMP_OF, PORTED, Destination, Headers, Predicate, Source, terms
from policies.witness import headers_text

_MEND = "give one of them another precedence"
_VERB = {Effect.ALLOW: "allows", Effect.DENY: "denies"}
_EXPERIMENT = 0xFD
"""A protocol that nobody else speaks (RFC 3692)."""


def conflicts(policy: Policy) -> Iterator[OperatorError]:
    """An error for each pair of documents that contradict each other."""
    by_rank: dict[int, list[Access]] = {}
    for access in policy.access:
        by_rank.setdefault(access.precedence, []).append(access)
    for rank in sorted(by_rank):
        if len(by_rank[rank]) > 1:
            yield from _Rank(by_rank[rank]).conflicts()


@dataclass(frozen=True)
class _Rank:
    """The documents of one precedence."""

    documents: Sequence[Access]

    def conflicts(self) -> Iterator[OperatorError]:
        told: set[tuple[int, int]] = set()
        for version in (4, 6):
            yield from self._of_version(version, told)

    def _of_version(self, version: int, told: set[tuple[int, int]]) -> Iterator[OperatorError]:
        flat = [term for each in self.documents for c in each.clauses for term in terms(c.predicate)]
        from_ = [term.prefixes for term in flat if isinstance(term, Source)]
        sources = Atoms.of(version, (p for some in from_ for p in some))
        targets = Atoms.of(version, (p for t in flat if isinstance(t, Destination) for p in t.prefixes))
        said = [[(c, speakers(c.predicate, sources)) for c in each.clauses] for each in self.documents]
        for source in sorted(set(sources.kinds(from_))):
            spoken = {number: _open(each, sources, source, targets) for number, each in enumerate(said)}
            speaking = [number for number, clauses in spoken.items() if clauses]
            for pair in combinations(speaking, 2):
                if pair in told:
                    continue
                found = _meeting(spoken[pair[0]], spoken[pair[1]], version)
                if found is not None:
                    told.add(pair)
                    yield self._error(pair, found, _address(sources, source), targets)

    def _error(self, pair: tuple[int, int], found: _Meeting, src: IpAddress, targets: Atoms) -> OperatorError:
        one, other = (self.documents[number] for number in pair)
        seen = _packet(src, _address(targets, found.target), found.protocol, found.region)
        mine, theirs = _place(found.mine, one), _place(found.theirs, other)
        problem = (
            f"{one.document.name} {_VERB[found.mine.effect]} {headers_text(seen)}, which "
            f"{other.document.name} ({theirs.file}:{theirs.line}) {_VERB[found.theirs.effect]}; "
            f"both have precedence {one.precedence}"
        )
        return OperatorError(problem, mend=_MEND, file=mine.file or None, line=mine.line or None)


class _Meeting(NamedTuple):
    """A clause of each of two documents that decide about the same packets, differently."""

    mine: Clause
    theirs: Clause
    target: int
    protocol: int | None
    region: Region


Open = tuple[Clause, Parts]


def _open(clauses: Iterable[tuple[Clause, int]], sources: Atoms, source: int, targets: Atoms) -> list[Open]:
    """The clauses of a document that speak of a source, with what is left to ask by destination."""
    mine = [clause for clause, spoken in clauses if spoken >> source & 1]
    found = [(clause, split(clause.predicate, sources, source, targets)) for clause in mine]
    return [(clause, left) for clause, left in found if left.keys() != {NEVER}]


def _meeting(one: list[Open], other: list[Open], version: int) -> _Meeting | None:
    """The first packet about which two documents disagree."""
    seen: set[tuple[object, ...]] = set()
    for atom in atoms_in(_spoken(one) & _spoken(other)):
        mine, theirs = _at(one, atom), _at(other, atom)
        key = tuple((p, c.effect) for p, c in mine), tuple((p, c.effect) for p, c in theirs)
        effects = {clause.effect for _, clause in (*mine, *theirs)}
        if len(effects) == 1 or (key in seen):
            continue
        seen.add(key)
        named = {number for predicate, _ in (*mine, *theirs) for number in protocols(predicate, version)}
        for protocol in (*sorted(named), None):
            for a, here in _deciding(mine, version, protocol):
                for b, there in _deciding(theirs, version, protocol):
                    if a.effect is not b.effect and (common := both(here, there)):
                        return _Meeting(a, b, atom, protocol, common)
    return None


def _spoken(clauses: Iterable[Open]) -> int:
    found = 0
    for _, left in clauses:
        for predicate, atoms in left.items():
            found |= atoms if predicate != NEVER else 0
    return found


def _at(clauses: Iterable[Open], atom: int) -> list[tuple[Predicate, Clause]]:
    """What the clauses leave to ask of one destination, up to one that always holds."""
    found: list[tuple[Predicate, Clause]] = []
    for clause, left in clauses:
        predicate = next(each for each, atoms in left.items() if atoms >> atom & 1)
        if predicate != NEVER:
            found.append((predicate, clause))
        if predicate == ALWAYS:
            break
    return found


def _deciding(
    clauses: Iterable[tuple[Predicate, Clause]], version: int, protocol: int | None
) -> Iterator[tuple[Clause, Region]]:
    """By clause the packets of a protocol about which it is the first to say something."""
    left = EVERYWHERE
    for predicate, clause in clauses:
        region = given(predicate, version, protocol)
        if mine := both(left, region):
            yield clause, mine
        left = both(left, outside(region))


def _packet(src: IpAddress, dst: IpAddress, protocol: int | None, region: Region) -> Headers:
    """A packet of a region."""
    (across, down), number = region[0], _EXPERIMENT if protocol is None else protocol
    if number in PORTED:
        return Headers(src, dst, number, across[0][0], down[0][0])
    if number == ICMP_OF[src.version]:
        return Headers(src, dst, number, icmp_type=min(down[0][0], LARGEST_TYPE))
    return Headers(src, dst, number)


def _address(atoms: Atoms, number: int) -> IpAddress:
    return (IPv4Address if atoms.version == 4 else IPv6Address)(atoms.starts[number])


def _place(clause: Clause, access: Access) -> Document:
    return clause.at if clause.at.file else access.document

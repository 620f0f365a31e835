"""Sets of packets, exact and over all header fields, as decision diagrams.

    ETH_TYPE --IPv4--> IPV4_DST --10.0.1.0/24--> ALL          all IPv4 packets to 10.0.1.0/24,
        '------ARP---> ARP_TPA ---10.0.1.2-----> ALL          and ARP about 10.0.1.2

A node asks about one field and leads on by what the packet has there: each branch is a set of values
(values.py) and a node, branches are disjoint, and what is in none of them is not in the set. Fields are asked
in a fixed order, those that nobody needs to ask are left out, and equal nodes are the same object: so a set
has exactly one diagram (Bryant 1986, with many values for two: Srinivasan et al., ICCAD 1990), and two sets
are equal when they are the same object. What an operation gave is remembered by its operands.

That a packet of ARP has no IPv4 destination needs no word here: matches ask for the type first, so nothing
depends on a field that a packet does not have.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from controller.model.flow import REQUIRED_ETH_TYPE, EtherType, Field, Match
from controller.verification.values import TWINS, Values

ORDER: Final = (
    Field.ETH_TYPE,
    Field.ETH_DST,
    Field.IPV4_DST,
    Field.IPV6_DST,
    Field.ARP_TPA,
    Field.IP_PROTO,
    Field.ETH_SRC,
    Field.IPV4_SRC,
    Field.IPV6_SRC,
    Field.ARP_SPA,
    Field.ARP_OP,
    Field.TCP_DST,
    Field.UDP_DST,
    Field.TCP_SRC,
    Field.UDP_SRC,
    Field.ICMPV4_TYPE,
    Field.ICMPV4_CODE,
    Field.ICMPV6_TYPE,
    Field.ICMPV6_CODE,
    Field.IP_DSCP,
    Field.IP_ECN,
    Field.VLAN_VID,
    Field.VLAN_PCP,
    Field.METADATA,
)
"""The order in which fields are asked: where packets go first, where they come from later."""

LEVEL: Final = {field: level for level, field in enumerate(ORDER)}
_BELOW_ALL: Final = len(ORDER)
_MOST_REMEMBERED: Final = 1 << 20


class Packets:
    """A set of packets. Never make one: `Headers` does, and `ALL` and `NONE` are there."""

    __slots__ = ("branches", "level")

    def __init__(self, level: int, branches: tuple[tuple[int, Packets], ...]) -> None:
        self.level = level
        self.branches = branches


ALL: Final = Packets(_BELOW_ALL, ())
NONE: Final = Packets(_BELOW_ALL + 1, ())

Term = tuple[Field, int, int]


class Headers:
    """All packets there are, told apart as finely as `terms` (field, value, mask) ask, and the operations on
    sets of them. Sets of different `Headers` must not meet.
    """

    def __init__(self, terms: Iterable[Term] = (), twins: int = TWINS) -> None:
        by_field: dict[Field, dict[tuple[int, int], None]] = {field: {} for field in ORDER}
        for field, value, mask in terms:
            if field is not Field.IN_PORT:
                by_field[field][value, mask] = None
        self._values = [Values(field.bits, by_field[field], twins) for field in ORDER]
        self._everything = [values.everything for values in self._values]
        self._nodes: dict[tuple[int, tuple[tuple[int, Packets], ...]], Packets] = {}
        self._of_match: dict[Match, Packets] = {}
        self._known: dict[object, Packets] = {}

    @property
    def known(self) -> int:
        """How many nodes there are: a measure of the memory that it all takes."""
        return len(self._nodes)

    # --- making sets ----------------------------------------------------------------------------------------

    def match(self, wanted: Match) -> Packets:
        """The packets that match, by whatever port they come in. Raises `Exhausted`, as `term` does."""
        known = self._of_match.get(wanted)
        if known is None:
            known = ALL
            on = {field: (value, mask) for field, value, mask in wanted.terms if field is not Field.IN_PORT}
            for level in sorted([LEVEL[field] for field in on], reverse=True):
                known = self._node(level, {known: self._values[level].bits(*on[ORDER[level]])})
            self._of_match[wanted] = known
        return known

    def term(self, field: Field, value: int, mask: int | None = None) -> Packets:
        """The packets with this value of a field. A caller asks for the type, where the field has one."""
        level = LEVEL[field]
        return self._node(
            level, {ALL: self._values[level].bits(value, field.full_mask if mask is None else mask)}
        )

    def _node(self, level: int, by_child: Mapping[Packets, int]) -> Packets:
        if len(by_child) == 1:
            ((child, bits),) = by_child.items()
            if bits == self._everything[level] or child is NONE:
                return child
        branches = tuple(sorted([(bits, child) for child, bits in by_child.items()], key=_bits_of))
        key = level, branches
        node = self._nodes.get(key)
        if node is None:
            node = self._nodes[key] = Packets(level, branches)
        return node

    def _made(self, level: int, by_child: dict[Packets, int]) -> Packets:
        by_child.pop(NONE, None)
        return self._node(level, by_child) if by_child else NONE

    # --- operations -----------------------------------------------------------------------------------------

    def both(self, a: Packets, b: Packets) -> Packets:
        """The packets of both sets."""
        if a is b or b is ALL:
            return a
        if a is ALL:
            return b
        if a is NONE or b is NONE:
            return NONE
        key = (0, a, b) if id(a) < id(b) else (0, b, a)
        known = self._known.get(key)
        if known is not None:
            return known
        if a.level > b.level:
            a, b = b, a
        found: dict[Packets, int] = {}
        if a.level < b.level:
            for bits, child in a.branches:
                part = self.both(child, b)
                if part is not NONE:
                    found[part] = found.get(part, 0) | bits
        else:
            for bits, child in a.branches:
                for other_bits, other in b.branches:
                    met = bits & other_bits
                    if met:
                        part = self.both(child, other)
                        if part is not NONE:
                            found[part] = found.get(part, 0) | met
        made = self._node(a.level, found) if found else NONE
        self._remember(key, made)
        return made

    def minus(self, a: Packets, b: Packets) -> Packets:
        """The packets of the first set that are not in the second."""
        if a is b or b is ALL or a is NONE:
            return NONE
        if b is NONE:
            return a
        key = 1, a, b
        known = self._known.get(key)
        if known is not None:
            return known
        found: dict[Packets, int] = {}
        level = min(a.level, b.level)
        for bits, child in a.branches if a.level == level else ((self._everything[level], a),):
            left = bits
            for other_bits, other in b.branches if b.level == level else ((bits, b),):
                met = left & other_bits
                if met:
                    left ^= met
                    part = self.minus(child, other)
                    found[part] = found.get(part, 0) | met
            if left:
                found[child] = found.get(child, 0) | left
        made = self._made(level, found)
        self._remember(key, made)
        return made

    def either(self, a: Packets, b: Packets) -> Packets:
        """The packets of either set."""
        if a is b or b is NONE or a is ALL:
            return a
        if a is NONE or b is ALL:
            return b
        key = (2, a, b) if id(a) < id(b) else (2, b, a)
        known = self._known.get(key)
        if known is not None:
            return known
        found: dict[Packets, int] = {}
        level = min(a.level, b.level)
        rest = self._everything[level]
        for bits, child in a.branches if a.level == level else ((rest, a),):
            left = bits
            rest &= ~bits
            for other_bits, other in b.branches if b.level == level else ((bits, b),):
                met = left & other_bits
                if met:
                    left ^= met
                    part = self.either(child, other)
                    found[part] = found.get(part, 0) | met
            if left:
                found[child] = found.get(child, 0) | left
        if rest:
            for other_bits, other in b.branches if b.level == level else ((rest, b),):
                met = rest & other_bits
                if met:
                    found[other] = found.get(other, 0) | met
        made = self._made(level, found)
        self._remember(key, made)
        return made

    def union(self, sets: Iterable[Packets]) -> Packets:
        """The packets of any of some sets, small ones put together first."""
        found = list(sets) or [NONE]
        while len(found) > 1:
            pairs = zip(found[::2], found[1::2], strict=False)
            found = [self.either(a, b) for a, b in pairs] + found[len(found) & ~1 :]
        return found[0]

    def complement(self, a: Packets) -> Packets:
        """All other packets."""
        return self.minus(ALL, a)

    def differ(self, a: Packets, b: Packets) -> Packets:
        """The packets of one set and not of the other."""
        return NONE if a is b else self.either(self.minus(a, b), self.minus(b, a))

    # --- rewriting ------------------------------------------------------------------------------------------

    def before(self, after: Packets, field: Field, value: int) -> Packets:
        """The packets that are in a set once a field has been given a value; those that have no such field
        stay as they are.
        """
        if after is ALL or after is NONE:
            return after
        key = "before", after, field, value
        known = self._known.get(key)
        if known is None:
            level = LEVEL[field]
            bit = self._values[level].bits(value, field.full_mask)
            known = self._with_field(field, self._fixed(after, level, bit), after)
            self._remember(key, known)
        return known

    def after(self, before: Packets, field: Field, value: int) -> Packets:
        """What becomes of the packets of a set when a field is given a value."""
        if before is NONE:
            return NONE
        key = "after", before, field, value
        known = self._known.get(key)
        if known is None:
            changed = self.both(self.without(before, field), self.term(field, value))
            known = self._with_field(field, changed, before)
            self._remember(key, known)
        return known

    def without(self, a: Packets, field: Field) -> Packets:
        """The packets that differ from one of a set in this field at most."""
        level = LEVEL[field]
        if a.level > level:
            return a
        key = "without", a, field
        known = self._known.get(key)
        if known is None:
            known = NONE
            if a.level == level:
                for _, child in a.branches:
                    known = self.either(known, child)
            else:
                for bits, child in a.branches:
                    part = self._made(a.level, {self.without(child, field): bits})
                    known = self.either(known, part)
            self._remember(key, known)
        return known

    def _with_field(self, field: Field, has: Packets, has_not: Packets) -> Packets:
        """One set as far as packets have a field, another as far as they have not."""
        types = REQUIRED_ETH_TYPE.get(field)
        if types is None or has is has_not:
            return has
        typed = NONE
        for each in types:
            typed = self.either(typed, self.term(Field.ETH_TYPE, each))
        return self.either(self.both(typed, has), self.minus(has_not, typed))

    def _fixed(self, a: Packets, level: int, bit: int) -> Packets:
        if a.level > level:
            return a
        if a.level == level:
            return next((child for bits, child in a.branches if bits & bit), NONE)
        found: dict[Packets, int] = {}
        for bits, child in a.branches:
            part = self._fixed(child, level, bit)
            found[part] = found.get(part, 0) | bits
        return self._made(a.level, found)

    # --- one of them ----------------------------------------------------------------------------------------

    def example(self, a: Packets) -> dict[Field, int]:
        """The fields of a packet of the set that somebody asked for, with values. `a` must not be NONE."""
        found: dict[Field, int] = {}
        while a is not ALL:
            field, values = ORDER[a.level], self._values[a.level]
            bits, child = a.branches[0]
            if field is Field.ETH_TYPE:
                bits, child = self._plainest(a)
            found[field] = values.value(bits)
            a = child
        return found

    def holds(self, a: Packets, fields: Mapping[Field, int]) -> bool:
        """Whether a packet with these fields is in a set."""
        while a.level < _BELOW_ALL:
            bits = self._values[a.level].where(fields.get(ORDER[a.level], 0))
            a = next((child for some, child in a.branches if some & bits), NONE)
        return a is ALL

    def _plainest(self, a: Packets) -> tuple[int, Packets]:
        """Rather an IPv4 packet than anything else."""
        values = self._values[a.level]
        for wanted in (EtherType.IPV4, EtherType.IPV6, EtherType.ARP):
            bit = values.bits(wanted, Field.ETH_TYPE.full_mask)
            for bits, child in a.branches:
                if bits & bit:
                    return bit, child
        return a.branches[0]

    def _remember(self, key: object, made: Packets) -> None:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[key] = made


def _bits_of(branch: tuple[int, Packets]) -> int:
    return branch[0]

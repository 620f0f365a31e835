"""Aggregation in families so small that every address can be tried and the fewest entries be counted."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.compiler.aggregate import aggregate
from controller.compiler.families import Family, Prefix
from controller.compiler.trie import Forest, planted
from tests.searching import examples

Entry = tuple[Prefix, int]

TINY = Family("tiny", 6, 0)
FLOORED = Family("floored", 6, 2)

search = settings(max_examples=examples(200), deadline=None)


def populations() -> st.SearchStrategy[list[tuple[int, int]]]:
    """Some of 64 addresses, each with one of 5 owners, sorted."""
    owned = st.dictionaries(st.integers(0, 63), st.integers(0, 4), min_size=1, max_size=20)
    return owned.map(lambda owners: sorted(owners.items()))


def classes() -> st.SearchStrategy[list[int]]:
    """What a switch does for each of 5 owners."""
    return st.lists(st.integers(0, 2), min_size=5, max_size=5)


def aggregated(forest: Forest, *class_of: list[int]) -> list[tuple[Entry, ...]]:
    """The entries of switches that do this for each owner, all aggregated together."""
    entries, _ = aggregate(forest, np.array(class_of, np.uint64)[:, :, None])
    tables: list[list[Entry]] = [[] for _ in class_of]
    for switch, place, (way,) in zip(*(each.tolist() for each in vars(entries).values()), strict=True):
        tables[switch].append((forest.places[place][1], way))
    return [tuple(table) for table in tables]


def owner_by_walking(family: Family, known: dict[int, int], address: int) -> int | None:
    """The definition, bit by bit: where the next bit leads to nobody, the lowest of the others owns it."""
    beside = [a for a in known if a >> family.bits - family.floor == address >> family.bits - family.floor]
    if not beside:
        return None
    for length in range(family.floor, family.bits):
        further = [a for a in beside if (a ^ address) >> family.bits - length - 1 == 0]
        if not further:
            return known[min(beside)]
        beside = further
    return known[min(beside)]


def looked_up(family: Family, entries: tuple[Entry, ...], address: int) -> int | None:
    holding = [entry for entry in entries if address & family.mask(entry[0].length) == entry[0].value]
    return max(holding, key=lambda entry: entry[0].length)[1] if holding else None


def fewest_entries(family: Family, wanted: tuple[int, ...]) -> int:
    """How many prefixes it takes at least, by trying every class at every prefix."""

    @cache
    def cost(low: int, size: int, inherited: int | None) -> int:
        if size == 1:
            return int(wanted[low] != inherited)
        half = size // 2

        def halves(given: int | None) -> int:
            return cost(low, half, given) + cost(low + half, half, given)

        return min(halves(inherited), *(1 + halves(own) for own in set(wanted)))

    return cost(0, 1 << family.bits, None)


def forest(*plots: tuple[Family, list[tuple[int, int]]]) -> Forest:
    return planted(plots)


@search
@given(populations(), st.lists(classes(), min_size=1, max_size=4), st.sampled_from([TINY, FLOORED]))
def test_every_address_gets_the_class_of_its_owner(
    known: list[tuple[int, int]], switches: list[list[int]], family: Family
) -> None:
    tables = aggregated(forest((family, known)), *switches)
    for class_of, entries in zip(switches, tables, strict=True):
        for address in range(64):
            owner = owner_by_walking(family, dict(known), address)
            assert looked_up(family, entries, address) == (None if owner is None else class_of[owner])


@search
@given(populations(), classes())
def test_no_table_says_the_same_with_fewer_entries(known: list[tuple[int, int]], class_of: list[int]) -> None:
    owners = [owner_by_walking(TINY, dict(known), address) for address in range(64)]
    wanted = tuple(class_of[owner] for owner in owners if owner is not None)
    (entries,) = aggregated(forest((TINY, known)), class_of)
    assert len(entries) == fewest_entries(TINY, wanted)


@search
@given(populations(), populations(), st.lists(classes(), min_size=1, max_size=4))
def test_nobody_is_changed_by_the_company_of_other_switches_or_other_families(
    one: list[tuple[int, int]], other: list[tuple[int, int]], switches: list[list[int]]
) -> None:
    together = aggregated(forest((TINY, one), (FLOORED, other)), *switches)
    for class_of, entries in zip(switches, together, strict=True):
        alone = [*aggregated(forest((TINY, one)), class_of), *aggregated(forest((FLOORED, other)), class_of)]
        assert entries == alone[0] + alone[1]


def test_a_switch_may_have_more_classes_than_a_word_has_bits() -> None:
    wide = Family("wide", 10, 0)
    known = [(address, address // 2) for address in range(0, 1024, 2)]
    apart = [list(range(512)), [7 * owner % 512 for owner in range(512)]]
    for entries, class_of in zip(aggregated(forest((wide, known)), *apart), apart, strict=True):
        assert len(entries) == 512
        assert all(looked_up(wide, entries, a) == class_of[owner_of] for a, owner_of in known)


@search
@given(populations())
def test_the_trie_has_no_more_leaves_than_addresses_change_hands(known: list[tuple[int, int]]) -> None:
    owners = [owner for _, owner in known]
    changes = sum(one != other for one, other in pairwise(owners))
    assert len(forest((TINY, known)).owner) >= changes + 1
    assert len(forest((TINY, [(a, 0) for a, _ in known])).owner) == 1


def test_one_owner_takes_one_entry_at_the_floor() -> None:
    (entries,) = aggregated(forest((FLOORED, [(0b01_0010, 3)])), [0, 0, 0, 2])
    assert entries == ((Prefix(0b01_0000, 2), 2),)

"""Thrift: less choice, never another place."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.compiler.thrift import thrifty
from controller.model.identity import PortNo
from controller.model.limits import UNLIMITED, Limits
from controller.model.routing import UNREACHABLE, NextHops, next_hops


def by(*ports: int) -> NextHops:
    return next_hops({PortNo(port): 1 for port in ports})


def test_choices_that_have_something_in_common_become_one() -> None:
    wide, narrow, other = by(1, 2, 3, 4), by(1, 2, 3), by(4)
    assert thrifty([wide, wide, narrow, other], UNLIMITED, 0) == (narrow, narrow, narrow, other)


def test_the_commonest_choice_keeps_its_group_when_groups_are_few() -> None:
    hops = [by(1, 2)] * 3 + [by(3, 4)] * 2 + [by(5, 6)]
    assert thrifty(hops, Limits(groups=2), 0) == (*[by(1, 2)] * 3, *[by(3)] * 2, by(5))
    assert thrifty(hops, Limits(groups=0), 0) == (*[by(1)] * 3, *[by(3)] * 2, by(5))


def test_switches_without_groups_do_not_all_choose_the_first_port() -> None:
    chosen = {thrifty([by(1, 2, 3, 4)], Limits(groups=0), turn)[0] for turn in range(4)}
    assert chosen == {by(1), by(2), by(3), by(4)}


def test_a_group_is_cut_to_the_buckets_that_fit_and_to_an_output_when_none_do() -> None:
    assert thrifty([by(1, 2, 3, 4)], Limits(buckets=2), 1) == (by(2, 3),)
    assert thrifty([by(1, 2, 3, 4)], Limits(buckets=1), 1) == (by(2),)


def test_weights_stay_where_they_can_be_said() -> None:
    weighted = next_hops({PortNo(1): 2, PortNo(2): 4})
    assert thrifty([weighted], UNLIMITED, 0) == (next_hops({PortNo(1): 1, PortNo(2): 2}),)
    assert thrifty([weighted], Limits(weighted=False), 0) == (by(1, 2),)


def test_what_nobody_has_is_dropped_and_what_cannot_be_reached_stays_so() -> None:
    assert thrifty([None, UNREACHABLE, by(1)], UNLIMITED, 0) == (UNREACHABLE, UNREACHABLE, by(1))


ports = st.frozensets(st.integers(1, 8), max_size=6)
choices = st.lists(st.none() | ports.map(lambda chosen: by(*chosen)), max_size=30)
sizes = st.none() | st.integers(0, 6)
limits = st.builds(Limits, groups=sizes, buckets=sizes, weighted=st.booleans())


@given(choices, limits, st.integers(0, 9))
def test_every_choice_becomes_a_part_of_itself_and_sizes_are_kept(
    hops: list[NextHops | None], held_to: Limits, turn: int
) -> None:
    after = thrifty(hops, held_to, turn)
    for choice, part in zip(hops, after, strict=True):
        assert part is not None
        assert set(part.ports) <= set(choice.ports if choice else ())
        assert bool(part) == bool(choice)
    groups = {part for part in after if part and len(part.ports) > 1}
    assert held_to.groups is None or len(groups) <= held_to.groups
    assert held_to.buckets is None or all(len(part.ports) <= held_to.buckets for part in groups)
    assert len(set(after) - {UNREACHABLE}) <= len(set(filter(None, hops)))

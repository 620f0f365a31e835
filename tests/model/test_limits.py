"""What fits a switch, what fits beside what it holds, and what is kept of a program that is too large."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.model.flow import Bucket, FlowRule, Group, GroupKind, Meter, Output, ToGroup, match
from controller.model.limits import UNLIMITED, Limits, with_room
from controller.model.program import EMPTY_PROGRAM, SwitchProgram, switch_program


def rule(number: int, table: int = 4, *, group: int | None = None, meter: int | None = None) -> FlowRule:
    action = Output(1) if group is None else ToGroup(group)
    return FlowRule(table, number, match(in_port=1 + number), (action,), meter=meter)


def group(number: int, width: int = 2) -> Group:
    return Group(number, GroupKind.SELECT, (Bucket((Output(1),), 1, 1),) * width)


def program(*numbers: int) -> SwitchProgram:
    return switch_program([rule(number) for number in numbers])


def test_a_program_is_wanted_at_once_where_old_and_new_fit_side_by_side() -> None:
    wanted = program(2, 3)
    assert with_room(program(1, 2), wanted, Limits({4: 3})) is wanted
    assert with_room(program(1, 2), wanted, UNLIMITED) is wanted


def test_what_is_not_wanted_goes_first_where_they_do_not() -> None:
    assert with_room(program(1, 2), program(2, 3), Limits({4: 2})) == program(2)


def test_where_nothing_can_go_the_wanted_program_is_tried_all_the_same() -> None:
    wanted = program(1, 2, 3)
    assert with_room(program(1, 2), wanted, Limits({4: 2})) is wanted


def test_rules_that_stay_keep_their_groups_and_meters() -> None:
    held = switch_program([rule(1, group=1, meter=1), rule(2, group=2)], [group(1), group(2)], [Meter(1, 5)])
    wanted = switch_program([rule(1, group=3)], [group(3)])
    assert with_room(held, wanted, Limits(groups=2)) == switch_program(
        [rule(1, group=1, meter=1)], [group(1)], [Meter(1, 5)]
    )


numbers = st.frozensets(st.integers(0, 12), max_size=10)


@given(numbers, numbers, st.integers(0, 12))
def test_two_steps_reach_a_program_that_fits_and_neither_overflows(
    old: frozenset[int], new: frozenset[int], most: int
) -> None:
    held, wanted, limits = program(*old), program(*new), Limits({4: most})
    if not (limits.hold(held) and limits.hold(wanted)):
        return
    first = with_room(held, wanted, limits)
    both = held.rules.keys() | first.rules.keys()
    assert len(both) <= most, "while it is updated a switch holds old and new"
    second = with_room(first, wanted, limits)
    assert second == wanted
    assert len(first.rules.keys() | second.rules.keys()) <= most


def test_of_a_program_that_is_too_large_the_first_rules_of_each_table_are_kept() -> None:
    whole = switch_program([*(rule(number) for number in range(5)), rule(7, table=0)])
    part = Limits({4: 2}).part_of(whole)
    assert {(held.table, held.priority) for held in part.rules.values()} == {(4, 4), (4, 3), (0, 7)}
    assert UNLIMITED.part_of(whole) is whole


@given(
    numbers,
    st.builds(
        Limits,
        st.dictionaries(st.sampled_from([0, 4]), st.integers(0, 8)),
        groups=st.none() | st.integers(0, 2),
        meters=st.none() | st.integers(0, 2),
        tables=st.none() | st.integers(1, 5),
    ),
)
def test_what_is_kept_can_be_held_and_names_nothing_that_is_not_there(
    chosen: frozenset[int], limits: Limits
) -> None:
    whole = switch_program(
        [
            *(rule(number, table=4 * (number % 2), meter=1 if number % 3 else None) for number in chosen),
            rule(20, group=1),
        ],
        [group(1)],
        [Meter(1, 5)],
    )
    part = limits.part_of(whole)
    assert limits.hold(part)
    assert part.dangling() == ()
    assert part.rules.items() <= whole.rules.items()


def test_nothing_fits_everything() -> None:
    assert Limits(dict.fromkeys(range(5), 0), 0, 0, 0, 1).hold(EMPTY_PROGRAM)

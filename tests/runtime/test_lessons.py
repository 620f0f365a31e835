"""What refusals teach, what settings and features say, and that every lesson is tighter than the last."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.model.command import (
    AddGroup,
    AddMeter,
    DeleteRule,
    ModifyGroup,
    ProgramCommand,
    SetRule,
)
from controller.model.event import Refused
from controller.model.flow import Bucket, FlowRule, Group, GroupKind, Meter, Output, match
from controller.model.identity import Dpid
from controller.model.limits import UNLIMITED, Limits, limits_of
from controller.model.program import EMPTY_PROGRAM, SwitchProgram, switch_program
from controller.model.topology import SwitchProfile
from controller.runtime.lessons import Lessons, lesson
from controller.runtime.limits_text import limits_from

X = Dpid(1)


def rule(port: int, table: int = 5) -> FlowRule:
    return FlowRule(table, 7, match(in_port=port), (Output(1),))


def group(number: int, buckets: int = 4) -> Group:
    return Group(number, GroupKind.SELECT, (Bucket((Output(1),), 1, 1),) * buckets)


HELD = switch_program([rule(1), rule(2), rule(3, table=0)], [group(1), group(2)], [Meter(1, 10)])


@pytest.mark.parametrize(
    ("error", "command", "taught"),
    [
        ((5, 1), SetRule(rule(9)), Limits({5: 2})),
        ((5, 1), SetRule(rule(9, table=2)), Limits({2: 0})),
        ((6, 3), AddGroup(group(3)), Limits(groups=2)),
        ((6, 4), AddGroup(group(3, buckets=8)), Limits(buckets=4)),
        ((6, 4), ModifyGroup(group(1, buckets=3)), Limits(buckets=1)),
        ((6, 2), AddGroup(group(3)), Limits(weighted=False)),
        ((6, 10), AddGroup(group(3)), Limits(groups=0)),
        ((6, 10), AddGroup(replace(group(3), kind=GroupKind.FAST_FAILOVER)), Limits(failovers=0)),
        ((6, 3), AddGroup(replace(group(3), kind=GroupKind.FAST_FAILOVER)), Limits(groups=2)),
        ((1, 1), AddGroup(group(3)), Limits(groups=0)),
        ((12, 10), AddMeter(Meter(2, 1)), Limits(meters=1)),
        ((1, 1), AddMeter(Meter(2, 1)), Limits(meters=0)),
        ((4, 6), SetRule(rule(9)), Limits(refused=frozenset({rule(9)}))),
        ((6, 0), AddGroup(group(3)), None),
        ((6, 8), ModifyGroup(group(3)), None),
        ((2, 9), SetRule(rule(9)), None),
        ((5, 4), DeleteRule(rule(1)), None),
        ((5, 0), None, None),
    ],
)
def test_a_refusal_teaches_what_the_switch_can_hold_or_leaves_a_doubt(
    error: tuple[int, int], command: ProgramCommand | None, taught: Limits | None
) -> None:
    assert lesson(Refused(X, error[0], error[1], "words", command), HELD) == taught


def test_the_tightest_word_counts() -> None:
    lessons = Lessons(limits_from(["* routes=100 groups=8", "1 groups=20 meters=0"]))
    lessons.came(X, SwitchProfile(tables=8, table_sizes=((0, 50), (5, 2000))), HELD)
    assert lessons.limits[X] == Limits({0: 50, 5: 100}, groups=8, meters=0)
    lessons.learn(X, Limits({5: 40}))
    assert lessons.limits[X].rules == {0: 50, 5: 40}


def test_a_switch_that_says_which_groups_it_has_and_names_no_select_has_none() -> None:
    assert limits_of(SwitchProfile(group_sizes=((GroupKind.ALL, 100),))).groups == 0
    assert limits_of(SwitchProfile(group_sizes=((GroupKind.SELECT, 9),))).groups == 9
    assert limits_of(SwitchProfile()).groups is None


def test_a_switch_that_names_no_failover_groups_has_none() -> None:
    assert limits_of(SwitchProfile(group_sizes=((GroupKind.SELECT, 9),))).failovers == 0
    assert limits_of(SwitchProfile(group_sizes=((GroupKind.FAST_FAILOVER, 4),))).failovers == 4
    assert limits_of(SwitchProfile()).failovers is None


def test_lessons_outlive_a_session_and_end_with_the_switch() -> None:
    lessons = Lessons({})
    lessons.came(X, SwitchProfile(), HELD)
    lessons.learn(X, Limits({5: 2}))
    lessons.came(X, SwitchProfile(), HELD)
    assert lessons.limits[X].rules == {5: 2}
    lessons.came(X, SwitchProfile(), EMPTY_PROGRAM)
    assert lessons.limits[X].rules == {}


def test_another_switch_under_the_same_name_is_not_held_to_what_the_first_one_could() -> None:
    lessons = Lessons({})
    lessons.came(X, SwitchProfile(), HELD)
    lessons.learn(X, Limits(groups=0))
    lessons.came(X, SwitchProfile(meters=5), HELD)
    assert lessons.limits[X].groups is None


refusals = st.builds(
    lambda error, command: Refused(X, error[0], error[1], "words", command),
    st.sampled_from([(5, 1), (6, 3), (6, 4), (6, 2), (6, 10), (12, 10), (12, 9), (2, 0), (4, 6)]),
    st.sampled_from([SetRule(rule(9)), SetRule(rule(8, table=0)), AddGroup(group(9)), AddMeter(Meter(9, 1))]),
)
programs = st.sampled_from([EMPTY_PROGRAM, HELD, switch_program([rule(port) for port in range(1, 40)])])


@given(st.lists(st.tuples(refusals, programs), max_size=60))
def test_each_lesson_leaves_limits_tighter_or_at_their_end(
    learned: list[tuple[Refused, SwitchProgram]],
) -> None:
    lessons = Lessons({})
    lessons.came(X, SwitchProfile(), HELD)
    for refused, held in learned:
        fresh = lesson(refused, held)
        if fresh is None:
            continue
        before = lessons.learned(X)
        lessons.heeded()
        lessons.learn(X, fresh)
        after = lessons.learned(X)
        assert after.tightened(before) == after, "nothing is ever loosened"
        assert after != before or _exhausted(after, refused)


def _exhausted(limits: Limits, refused: Refused) -> bool:
    """Nothing is left that could be taken away: no program that is held to it has what was refused."""
    match refused.command:
        case SetRule(asked):
            return limits.rules.get(asked.table) == 0 or asked in limits.refused
        case AddGroup():
            ends = {3: limits.groups == 0, 4: limits.buckets == 0, 2: not limits.weighted}
            return ends.get(refused.error_code, limits.groups == 0)
        case _:
            return limits.meters == 0


def test_what_is_refused_before_a_lesson_was_heeded_teaches_it_only_once() -> None:
    lessons = Lessons({})
    lessons.came(X, SwitchProfile(), HELD)
    for _ in range(3):
        lessons.learn(X, Limits({5: 100}))
    assert lessons.limits[X].rules == {5: 100}
    lessons.heeded()
    lessons.learn(X, Limits({5: 100}))
    assert lessons.limits[X].rules == {5: 87}, "there is less room than there seemed to be"


def test_limits_hold_a_program_or_not() -> None:
    assert UNLIMITED.hold(HELD)
    assert Limits({5: 2, 0: 1}, groups=2, buckets=4, meters=1, tables=6).hold(HELD)
    for tight in (
        Limits({5: 1}),
        Limits({0: 0}),
        Limits(groups=1),
        Limits(buckets=3),
        Limits(meters=0),
        Limits(tables=5),
        Limits(refused=frozenset({rule(2)})),
    ):
        assert not tight.hold(HELD), tight
    assert Limits(refused=frozenset({rule(9)})).hold(HELD)


@pytest.mark.parametrize(
    "text", ["zz routes=1", "* routes", "* rotes=1", "* routes=-1", "* routes=many", "1 groups=1.5"]
)
def test_a_limit_that_cannot_be_understood_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"zz|is not a limit"):
        limits_from([text])

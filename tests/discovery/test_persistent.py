"""Versions of a mapping stay what they were, whoever writes next; alarms ring in their order."""

from __future__ import annotations

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.discovery.alarms import AlarmKey, AlarmKind, Alarms
from controller.discovery.fold import fold, fold_all, start
from controller.discovery.persistent import PersistentMap
from controller.discovery.settings import DiscoverySettings
from controller.discovery.sheet import Sheet
from controller.model.event import FrameIn, SwitchUp
from controller.model.identity import Dpid, Mac, PortNo, port_ref
from controller.model.topology import Port

Write = tuple[int, int | None]  # a key, and its value or None to drop it


def written(before: PersistentMap[int, int], writes: list[Write]) -> PersistentMap[int, int]:
    sheet = Sheet(before)
    for key, value in writes:
        if value is None:
            sheet.drop(key)
        else:
            sheet.set(key, value)
    return sheet.freeze()


def writes() -> st.SearchStrategy[list[Write]]:
    return st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 3)), max_size=6)


@given(st.lists(st.tuples(st.integers(0, 8), writes(), st.booleans()), max_size=12))
def test_every_version_holds_what_was_written_to_it_however_the_line_forks(
    steps: list[tuple[int, list[Write], bool]],
) -> None:
    versions: list[PersistentMap[int, int]] = [PersistentMap()]
    models: list[dict[int, int]] = [{}]
    for origin, notes, fail in steps:
        origin %= len(versions)
        model = dict(models[origin])
        for key, value in notes:
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
        if fail:
            sheet = Sheet(versions[origin])
            for key, _ in notes:
                sheet.set(key, 99)
            sheet.abandon()
        else:
            versions.append(written(versions[origin], notes))
            models.append(model)
    for version, model in zip(reversed(versions), reversed(models), strict=True):
        assert version == model
        assert len(version) == len(model)


def test_a_turn_that_writes_nothing_keeps_the_version() -> None:
    version = written(PersistentMap(), [(1, 1)])
    assert written(version, []) is version
    assert written(version, [(7, None)]) is version


def test_changes_are_what_differs_in_the_end() -> None:
    sheet = Sheet(written(PersistentMap(), [(1, 1), (2, 2), (3, 3)]))
    sheet.set(1, 9)
    sheet.set(1, 1)
    sheet.set(2, 5)
    sheet.drop(3)
    sheet.set(4, 4)
    sheet.set(6, 6)
    sheet.drop(6)
    assert sheet.changes() == ([2, 3], [5, 4])


def test_old_versions_are_not_kept_alive() -> None:
    class Value:
        pass

    dropped = Value()
    seen = weakref.ref(dropped)
    sheet = Sheet(PersistentMap({1: dropped}))
    sheet.drop(1)
    newest = sheet.freeze()
    del sheet, dropped
    gc.collect()
    assert seen() is None
    assert len(newest) == 0


# --- states of discovery ------------------------------------------------------------------------------------

UP = SwitchUp(Dpid(1), (Port(PortNo(1), "p1", Mac(1)),))


def test_an_old_state_can_be_gone_on_from() -> None:
    beginning = start(DiscoverySettings(bytes(16)))
    first, _ = fold(beginning, UP, 1.0)
    other, effects = fold(beginning, UP, 1.0)
    again, same = fold(beginning, UP, 1.0)
    assert first == other == again
    assert effects == same
    assert beginning == start(DiscoverySettings(bytes(16)))
    assert beginning.alarms.first_s is None
    assert other.alarms.first_s == first.alarms.first_s == 1.2


def test_a_turn_that_fails_leaves_the_state_as_it_was() -> None:
    before, _ = fold(start(DiscoverySettings(bytes(16))), UP, 1.0)
    known = (dict(before.ports), before.alarms.first_s, before.topology)
    broken = FrameIn(Dpid(1), PortNo(1), None)  # type: ignore[arg-type]
    second = SwitchUp(Dpid(2), (Port(PortNo(1), "p1", Mac(2)),))
    with pytest.raises(TypeError):
        fold_all(before, (second, broken), 2.0)
    assert (dict(before.ports), before.alarms.first_s, before.topology) == known
    after, _ = fold(before, second, 2.0)
    assert set(after.ports) == {port_ref(1, 1), port_ref(2, 1)}


# --- alarms -------------------------------------------------------------------------------------------------

KEYS: list[AlarmKey] = [
    (AlarmKind.SETTLED, port_ref(1, 2)),
    (AlarmKind.HELLO, port_ref(1, 1)),
    (AlarmKind.HELLO, port_ref(1, 2)),
    (AlarmKind.INQUIRY, Mac(5)),
    (AlarmKind.STATION, Mac(4)),
]


@given(
    st.lists(
        st.tuples(st.sampled_from(KEYS), st.none() | st.integers(0, 9).map(float), st.booleans()), max_size=40
    ),
    st.integers(0, 9),
    st.integers(1, 6),
)
def test_due_alarms_are_those_whose_time_has_come_by_time_and_kind_and_subject(
    notes: list[tuple[AlarmKey, float | None, bool]], now_s: int, most: int
) -> None:
    alarms, times_s = Alarms(), dict[AlarmKey, float]()
    sheet = alarms.open()
    for (kind, subject), when_s, turn_ends in notes:
        if when_s is None:
            sheet.drop(kind, subject)
            times_s.pop((kind, subject), None)
        else:
            sheet.set(when_s, kind, subject)
            times_s[kind, subject] = when_s
        if turn_ends:
            alarms = sheet.freeze()
            assert alarms.first_s == min(times_s.values(), default=None)
            sheet = alarms.open()
    due = sorted((when_s, *key) for key, when_s in times_s.items() if when_s <= now_s)
    assert sheet.due(now_s, most) == [(kind, subject) for _, kind, subject in due][:most]

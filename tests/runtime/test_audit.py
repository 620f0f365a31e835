"""The audit: who is asked when, which answers count, and that whatever was changed behind the controller's
back is found, told and repaired."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.dataplane.pipeline import PUNT_METER, Table
from controller.model.blueprint import fat_tree, ring
from controller.model.command import (
    AddGroup,
    AddMeter,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyGroup,
    ModifyMeter,
    ProgramCommand,
    ReadProgram,
    SetRule,
)
from controller.model.flow import Bucket, FlowRule, Group, GroupKind, Meter, Output, match
from controller.model.identity import Dpid, dpid_text
from controller.model.program import EMPTY_PROGRAM, FabricProgram, SwitchProgram
from controller.runtime.audit import AGAIN_S, BEAT_S, MOST_AT_ONCE, Audit
from tests.runtime.driving import Drive
from tests.searching import examples

ROUND_S = 61.0

# --- who is asked when --------------------------------------------------------------------------------------


def audit_of(switches: int, interval_s: float = 60.0) -> Audit:
    audit = Audit(interval_s)
    for number in range(1, switches + 1):
        audit.came(Dpid(number), EMPTY_PROGRAM, 0.0)
    return audit


def asked(audit: Audit, until_s: float, *, answering: bool = True) -> list[tuple[float, Dpid]]:
    """All questions from the beginning until a time, each answered at once or not at all."""
    out: list[tuple[float, Dpid]] = []
    while (now_s := audit.due_s()) is not None and now_s <= until_s:
        for addressed in audit.questions(now_s, frozenset()):
            assert addressed.command == ReadProgram()
            out.append((now_s, addressed.dpid))
            if answering:
                assert audit.answered(addressed.dpid, None, now_s) is EMPTY_PROGRAM
    return out


def test_every_switch_is_asked_once_in_a_round() -> None:
    for switches in (1, 20, 1280):
        first = asked(audit_of(switches), 60.0 + BEAT_S)
        assert {dpid for _, dpid in first} == set(range(1, switches + 1))
        assert max(Counter(dpid for _, dpid in first).values()) <= 2, "the earliest may be due again"


def test_a_thousand_switches_are_not_asked_together() -> None:
    by_second = Counter(int(now_s) for now_s, _ in asked(audit_of(1280), 180.0))
    assert max(by_second.values()) <= 2 * 1280 / 60
    assert len(by_second) > 170, "there is no quiet second either"


def test_a_switch_that_does_not_answer_is_not_asked_again() -> None:
    assert [dpid for _, dpid in asked(audit_of(1), 600.0, answering=False)] == [1]


def test_nobody_is_asked_in_turn_when_the_interval_is_zero() -> None:
    audit = audit_of(3, interval_s=0.0)
    assert audit.due_s() is None
    audit.suspect(Dpid(2), 5.0)
    assert asked(audit, 600.0) == [(5.0, 2)]


def test_a_suspect_is_asked_before_its_turn() -> None:
    audit = audit_of(40)
    audit.suspect(Dpid(33), 0.1)
    assert asked(audit, 0.5)[0] == (0.1, 33)


def test_a_great_many_suspects_are_asked_in_portions() -> None:
    audit = audit_of(1000, interval_s=0.0)
    for number in range(1, 1001):
        audit.suspect(Dpid(number), 1.0)
    portions = Counter(now_s for now_s, _ in asked(audit, 6.0))
    assert sum(portions.values()) == 1000
    assert max(portions.values()) == MOST_AT_ONCE


def test_a_busy_switch_has_to_wait_and_nobody_waits_with_it() -> None:
    audit = audit_of(2)
    for dpid in (Dpid(1), Dpid(2)):
        audit.suspect(dpid, 1.0)
    assert [addressed.dpid for addressed in audit.questions(1.0, {Dpid(1)})] == [2]
    assert [addressed.dpid for addressed in audit.questions(1.0 + BEAT_S, frozenset())] == [1]


# --- which answers count ------------------------------------------------------------------------------------


def test_an_answer_that_something_has_overtaken_is_not_judged_and_asked_for_again() -> None:
    audit = audit_of(1)
    audit.suspect(Dpid(1), 1.0)
    assert audit.questions(1.0, frozenset())
    audit.touched(Dpid(1))
    assert audit.answered(Dpid(1), EMPTY_PROGRAM, 1.1) is None
    assert asked(audit, 3.0) == [(1.1 + AGAIN_S, 1)]


def test_an_answer_that_nobody_asked_for_is_not_judged() -> None:
    audit = audit_of(1)
    assert audit.answered(Dpid(1), EMPTY_PROGRAM, 1.0) is None
    assert audit.answered(Dpid(7), None, 1.0) is None


def test_a_session_that_ends_takes_its_question_along() -> None:
    audit = audit_of(1)
    audit.suspect(Dpid(1), 1.0)
    assert audit.questions(1.0, frozenset())
    audit.went(Dpid(1))
    assert audit.due_s() is None
    audit.came(Dpid(1), EMPTY_PROGRAM, 2.0)
    assert len(asked(audit, 63.0)) >= 1


def test_a_switch_in_doubt_is_in_doubt_until_it_has_been_read() -> None:
    audit = audit_of(2)
    audit.doubt(Dpid(2), 1.0)
    audit.doubt(Dpid(7), 1.0)
    assert audit.doubted == {2}, "who is not there is no matter of doubt"
    assert [addressed.dpid for addressed in audit.questions(1.0, frozenset())] == [2]
    assert audit.answered(Dpid(2), None, 1.1) is EMPTY_PROGRAM
    audit.judged(Dpid(2), EMPTY_PROGRAM, ())
    assert audit.doubted == set()


# --- what is found is repaired ------------------------------------------------------------------------------


def programs(drive: Drive) -> FabricProgram:
    return {plan.dpid: drive.fabric.program(plan.dpid) for plan in drive.wiring.switches}


def kinds(drive: Drive, dpid: int) -> set[str]:
    return {
        entry.finding.kind
        for entry in drive.engine.findings.entries()
        if entry.finding.subject == dpid_text(dpid)
    }


STRANGER = FlowRule(Table.ADMISSION, 2000, match(in_port=1), (Output(2),))


def a_route(program: SwitchProgram) -> FlowRule:
    return next(rule for rule in program.table(Table.ROUTES) if rule.groups)


def a_group(program: SwitchProgram) -> Group:
    return program.groups[a_route(program).groups[0]]


def one_bucket(group: Group) -> Group:
    return Group(group.group_id, group.kind, group.buckets[:1])


_CHANGES: dict[str, Callable[[SwitchProgram], list[ProgramCommand]]] = {
    "missing-rules": lambda held: [DeleteRule(a_route(held))],
    "altered-rules": lambda held: [
        SetRule(FlowRule(Table.ROUTES, a_route(held).priority, a_route(held).match, (Output(99),)))
    ],
    "foreign-rules": lambda held: [SetRule(STRANGER)],
    "missing-groups": lambda held: [DeleteGroup(a_group(held).group_id)],
    "altered-groups": lambda held: [ModifyGroup(one_bucket(a_group(held)))],
    "foreign-groups": lambda held: [AddGroup(Group(7, GroupKind.ALL, (Bucket((Output(1),)),)))],
    "missing-meters": lambda held: [DeleteMeter(PUNT_METER)],
    "altered-meters": lambda held: [ModifyMeter(Meter(PUNT_METER, 1))],
    "foreign-meters": lambda held: [AddMeter(Meter(77, 1))],
}


@pytest.mark.parametrize("kind", _CHANGES)
def test_a_change_behind_our_back_is_told_repaired_and_then_forgotten(kind: str) -> None:
    drive = Drive(fat_tree(4)).come_up()
    before = programs(drive)
    drive.fabric.send(Dpid(1), _CHANGES[kind](before[Dpid(1)]))
    assert programs(drive) != before
    drive.run(ROUND_S)
    assert programs(drive) == before
    assert kind in {change.kind.removeprefix("finding-") for change in drive.news}
    drive.run(ROUND_S)
    assert kinds(drive, 1) == set(), "it has been read again since"


def test_a_fabric_that_nobody_touches_is_read_and_left_alone() -> None:
    drive = Drive(fat_tree(4)).come_up()
    seen = len(drive.news)
    sent = drive.run(2 * ROUND_S)
    assert Counter(a.dpid for a in sent if a.command == ReadProgram()).keys() == programs(drive).keys()
    assert [a for a in sent if isinstance(a.command, ProgramCommand)] == []
    assert drive.news[seen:] == []


def test_a_finding_names_a_few_entries_in_the_words_of_ovs_ofctl_and_counts_the_rest() -> None:
    drive = Drive(ring(4)).come_up()
    strangers = [SetRule(FlowRule(Table.PINS, 9, match(in_port=port), (Output(1),))) for port in range(1, 9)]
    drive.fabric.send(Dpid(2), strangers)
    drive.run(ROUND_S)
    told = next(change for change in drive.news if change.kind == "finding-foreign-rules")
    evidence = str(dict(told.details)["evidence"])
    assert evidence.startswith("8 rules not asked for by us: cookie=0x0 table=pins priority=9,in_port=1 ")
    assert evidence.endswith("; and 5 more")


def test_a_writer_who_insists_stays_a_finding_that_is_counted() -> None:
    drive = Drive(ring(4)).come_up()
    before = programs(drive)
    for _ in range(3):
        drive.fabric.send(Dpid(2), [SetRule(STRANGER)])
        drive.run(ROUND_S)
        assert kinds(drive, 2) == {"foreign-rules"}
    entry = next(e for e in drive.engine.findings.entries() if e.finding.kind == "foreign-rules")
    assert entry.count >= 3
    assert programs(drive) == before


def test_what_changes_while_the_fabric_heals_is_found_all_the_same() -> None:
    """Cables break and mend all through the round, each once, as one that goes on would be damped; the
    audit's answers are overtaken, and asked for again."""
    drive = Drive(fat_tree(4)).come_up()
    before = programs(drive)
    drive.fabric.send(Dpid(1), [SetRule(STRANGER), DeleteRule(a_route(before[Dpid(1)]))])
    for cable in drive.wiring.cables[:30]:
        drive.fabric.cut(cable.a)
        drive.run(1.0)
        drive.fabric.repair(cable.a)
        drive.run(1.5)
    drive.run(3.0)
    assert programs(drive) == before


@settings(max_examples=examples(60))
@given(st.data())
def test_whatever_is_done_to_switches_is_put_right_in_a_round(data: st.DataObject) -> None:
    drive = Drive(ring(4)).come_up()
    before = programs(drive)
    for _ in range(data.draw(st.integers(1, 6))):
        dpid = data.draw(st.sampled_from(sorted(before)))
        held = drive.fabric.program(dpid)
        rule = data.draw(st.sampled_from(sorted(before[dpid].rules.values(), key=repr)))
        commands: list[ProgramCommand] = [
            DeleteRule(rule),
            SetRule(FlowRule(rule.table, rule.priority, rule.match)),
            SetRule(STRANGER),
            AddGroup(Group(7, GroupKind.SELECT, (Bucket((Output(2),), 1, 2),))),
            SetRule(FlowRule(Table.ROUTES, 3000, match(), (Output(1),))),
            *(DeleteMeter(number) for number in held.meters),
            *(DeleteGroup(number) for number in held.groups),
        ]
        drive.fabric.send(dpid, [data.draw(st.sampled_from(commands))])
    drive.run(ROUND_S + 2.0)
    assert programs(drive) == before

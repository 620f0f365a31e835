"""Flow tables, groups and meters: what OpenFlow 1.3.5 says in sections 6.4 to 6.8, case by case."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Network

import pytest

from controller.model.flow import (
    TO_CONTROLLER,
    Bucket,
    Field,
    FlowRule,
    Group,
    GroupKind,
    Match,
    Meter,
    Output,
    SetField,
    ToGroup,
    match,
)
from simulator.switch.profile import Conduct, Profile
from simulator.switch.tables import (
    ADD,
    CHECK_OVERLAP,
    DELETE,
    DELETE_STRICT,
    MODIFY,
    MODIFY_STRICT,
    RESET_COUNTS,
    SEND_FLOW_REM,
)
from simulator.switch.wire import Error, Type
from tests.simulator.talking import Conversation, flow_mod, flow_mod_bytes, group_mod, meter_mod, rule

NET8 = match(eth_type=0x800, ipv4_dst=IPv4Network("10.0.0.0/8"))
NET16 = match(eth_type=0x800, ipv4_dst=IPv4Network("10.1.0.0/16"))
ARP = match(eth_type=0x806)
SELECT = Group(7, GroupKind.SELECT, (Bucket((Output(1),), 1, 1), Bucket((Output(2),), 1, 2)))
METER = Meter(1, 100)


@pytest.fixture
def switch() -> Conversation:
    return Conversation()


def test_a_rule_that_is_added_again_replaces_the_old_one(switch: Conversation) -> None:
    switch.tell(flow_mod(rule(5, NET8, Output(1))), flow_mod(rule(5, NET8, Output(2))))
    assert switch.rules == {rule(5, NET8, Output(2))}


def test_a_rule_that_is_added_again_with_nothing_new_is_counted(switch: Conversation) -> None:
    switch.tell(flow_mod(rule(5, NET8)), flow_mod(rule(6, NET8)), flow_mod(rule(5, NET8)))
    assert switch.switch.tables.repeated == 1
    switch.tell(flow_mod(rule(5, NET8, Output(2))), flow_mod(rule(5, NET8, Output(2), cookie=9)))
    assert switch.switch.tables.repeated == 1


def test_a_strict_deletion_needs_the_very_rule(switch: Conversation) -> None:
    one, other = rule(5, NET8), rule(6, NET8)
    switch.tell(flow_mod(one), flow_mod(other), flow_mod(one, DELETE_STRICT))
    assert switch.rules == {other}
    switch.tell(flow_mod(rule(6, NET16), DELETE_STRICT), flow_mod(rule(6, Match()), DELETE_STRICT))
    assert switch.rules == {other}


def test_a_loose_deletion_takes_all_that_is_within_it_whatever_the_priority(switch: Conversation) -> None:
    inside, outside = [rule(5, NET8), rule(9, NET16)], [rule(5, ARP), rule(0)]
    switch.tell(*map(flow_mod, inside + outside))
    switch.tell(flow_mod(rule(1, NET8), DELETE))
    assert switch.rules == set(outside)


def test_a_deletion_in_all_tables_reaches_all_tables(switch: Conversation) -> None:
    switch.tell(flow_mod(rule(5, NET8)), flow_mod(rule(5, NET8, table=3)), flow_mod(rule(5, ARP, table=3)))
    switch.tell(flow_mod(rule(5, NET8), DELETE_STRICT, table=0xFF))
    assert switch.rules == {rule(5, ARP, table=3)}
    switch.tell(flow_mod(rule(), DELETE, table=0xFF))
    assert switch.rules == set()


@pytest.mark.parametrize(
    ("filtered", "left"),
    [({"port": 1}, {2, 7}), ({"group": 7}, {1, 2}), ({"port": 9}, {1, 2, 7}), ({}, set())],
)
def test_a_deletion_may_ask_where_rules_lead(
    switch: Conversation, filtered: dict[str, int], left: set[int]
) -> None:
    switch.tell(group_mod(SELECT))
    held = {
        1: rule(1, NET8, Output(1)),
        2: rule(2, NET8, Output(2)),
        7: rule(7, NET8, ToGroup(7)),
    }
    switch.tell(*map(flow_mod, held.values()))
    switch.tell(flow_mod(rule(), DELETE, **filtered))
    assert switch.rules == {held[number] for number in left}


def test_a_cookie_narrows_modifications_and_deletions_and_never_additions(switch: Conversation) -> None:
    mine, yours = rule(1, NET8, cookie=0x1234), rule(2, NET8, cookie=0x5634)
    switch.tell(flow_mod(mine), flow_mod(yours))
    switch.tell(flow_mod(rule(9, NET8, Output(3), cookie=0x1200), MODIFY, cookie_mask=0xFF00))
    assert switch.rules == {rule(1, NET8, Output(3)), yours}
    switch.tell(flow_mod(rule(2, NET8, cookie=0x1200), DELETE_STRICT, cookie_mask=0xFF00))
    assert len(switch.rules) == 2
    switch.tell(flow_mod(rule(9, Match(), cookie=0x34), DELETE, cookie_mask=0xFF))
    assert switch.rules == set()


def test_a_modification_changes_what_rules_do_and_nothing_else(switch: Conversation) -> None:
    switch.tell(flow_mod(rule(5, NET8, cookie=3, idle_timeout_s=0)), flow_mod(rule(5, NET16)))
    switch.tell(flow_mod(rule(5, NET8, Output(2), cookie=9), MODIFY_STRICT))
    (changed,) = [each for each in switch.rules if each.match == NET8]
    assert (changed.actions, changed.cookie) == ((Output(2),), 3)
    switch.tell(flow_mod(rule(0, NET8, Output(3)), MODIFY))
    assert {each.actions for each in switch.rules} == {(Output(3),)}


def test_a_modification_that_finds_nothing_adds_nothing(switch: Conversation) -> None:
    assert switch.error(flow_mod(rule(5, NET8), MODIFY_STRICT)) is None
    assert switch.error(flow_mod(rule(5, NET8), MODIFY)) is None
    assert switch.rules == set()


@pytest.mark.parametrize(
    ("flags", "command", "kept"),
    [(0, ADD, 3), (RESET_COUNTS, ADD, 0), (0, MODIFY, 3), (RESET_COUNTS, MODIFY, 0)],
)
def test_counters_are_kept_unless_they_are_to_be_reset(
    switch: Conversation, flags: int, command: int, kept: int
) -> None:
    switch.tell(flow_mod(rule(5, NET8)))
    (said,) = switch.switch.tables.program().rules.values()
    for _ in range(3):
        switch.switch.tables.count(said, 100, 100.0)
    switch.tell(flow_mod(rule(5, NET8, Output(2)), command, flags=flags))
    ((_, _, held),) = switch.switch.tables.placed()
    assert (held.packets, held.bytes) == (kept, kept * 100)


def test_an_overlap_is_refused_where_the_controller_asks_for_that(switch: Conversation) -> None:
    switch.tell(flow_mod(rule(5, NET8)))
    assert switch.error(flow_mod(rule(5, NET16), flags=CHECK_OVERLAP)) is Error.OVERLAP
    assert switch.error(flow_mod(rule(6, NET16), flags=CHECK_OVERLAP)) is None
    assert switch.error(flow_mod(rule(5, ARP), flags=CHECK_OVERLAP)) is None
    assert switch.error(flow_mod(rule(5, NET16))) is None


def test_a_full_table_takes_no_new_rule_and_still_replaces_old_ones() -> None:
    switch = Conversation(Profile(rules=2, rules_of=((4, 1),)))
    switch.tell(flow_mod(rule(1)), flow_mod(rule(2)), flow_mod(rule(1, table=4)))
    assert switch.error(flow_mod(rule(3))) is Error.TABLE_FULL
    assert switch.error(flow_mod(rule(2, table=4))) is Error.TABLE_FULL
    assert switch.error(flow_mod(rule(2, Match(), Output(3)))) is None
    assert switch.error(flow_mod(rule(1, table=5))) is None
    switch.tell(flow_mod(rule(1), DELETE_STRICT))
    assert switch.error(flow_mod(rule(3))) is None


def test_the_conduct_of_the_hour_may_leave_less_room(switch: Conversation) -> None:
    switch.switch.conduct = Conduct(rules=1, groups=0, meters=0)
    switch.tell(flow_mod(rule(1)))
    assert switch.error(flow_mod(rule(2))) is Error.TABLE_FULL
    assert switch.error(group_mod(SELECT)) is Error.OUT_OF_GROUPS
    assert switch.error(meter_mod(METER)) is Error.INVALID_METER
    switch.switch.conduct = Conduct()
    assert switch.error(flow_mod(rule(2)), group_mod(SELECT), meter_mod(METER)) is None


def test_a_switch_may_refuse_every_third_rule(switch: Conversation) -> None:
    switch.switch.conduct = Conduct(refuse_every=3)
    errors = [switch.error(flow_mod(rule(n))) for n in range(9)]
    assert errors == [None, None, Error.FLOW_MOD_UNKNOWN] * 3
    assert switch.error(*[flow_mod(rule(n), DELETE_STRICT) for n in range(9)]) is None


@pytest.mark.parametrize(
    ("message", "error"),
    [
        (flow_mod(rule(1, None, ToGroup(7))), Error.BAD_OUT_GROUP),
        (flow_mod(rule(1, meter=4)), Error.INVALID_METER),
        (flow_mod(rule(1, table=3), table=254), Error.BAD_TABLE),
        (flow_mod(rule(1, goto=2), table=2), Error.BAD_GOTO),
        (flow_mod(FlowRule(0, 1, goto=254)), Error.BAD_GOTO),
        (flow_mod(rule(1), command=5), Error.BAD_FLOW_COMMAND),
        (flow_mod(rule(1, None, Output(0xFFFFFFF9))), Error.BAD_OUT_PORT),
        (flow_mod(rule(1, None, Output(0xFFFFFFF0))), Error.BAD_OUT_PORT),
        (flow_mod(rule(1, NET8, SetField(Field.TCP_DST, 80))), Error.MATCH_INCONSISTENT),
        (flow_mod(rule(1, NET8, SetField(Field.ETH_DST, 80))), None),
        (flow_mod(rule(1, NET8, SetField(Field.IPV4_DST, 80))), None),
        (flow_mod(rule(1, ARP, SetField(Field.IPV4_DST, 80))), Error.MATCH_INCONSISTENT),
        (flow_mod_bytes(bytes.fromhex("0000000400000000")), Error.BAD_MATCH_TYPE),
        (flow_mod_bytes(bytes.fromhex("0001ffff00000000")), Error.BAD_MATCH_LEN),
        (flow_mod_bytes(bytes.fromhex("0001000400000000"), b"\0\7\0\x08\0\0\0\0"), Error.UNKNOWN_INSTRUCTION),
        (
            flow_mod_bytes(bytes.fromhex("0001000400000000"), b"\0\3\0\x08\0\0\0\0"),
            Error.UNSUPPORTED_INSTRUCTION,
        ),
        (
            flow_mod_bytes(bytes.fromhex("0001000400000000"), b"\0\1\0\x08\1\0\0\0" * 2),
            Error.DUPLICATE_INSTRUCTION,
        ),
        (flow_mod_bytes(bytes.fromhex("0001000400000000"), b"\0\1\0\x04"), Error.BAD_INSTRUCTION_LEN),
        (
            flow_mod_bytes(
                bytes.fromhex("0001000400000000"), b"\0\4\0\x10\0\0\0\0" + b"\0\x11\0\x08\x81\0\0\0"
            ),
            Error.BAD_ACTION_TYPE,
        ),
        (group_mod(SELECT, command=1), Error.UNKNOWN_GROUP),
        (group_mod(SELECT, command=9), Error.BAD_GROUP_COMMAND),
        (group_mod(Group(7, GroupKind.INDIRECT, ())), Error.INVALID_GROUP),
        (group_mod(SELECT)[:-4] + b"\0\0\0", Error.BAD_BUCKET),
        (meter_mod(METER, command=1), Error.UNKNOWN_METER),
        (meter_mod(METER, command=9), Error.BAD_METER_COMMAND),
    ],
)
def test_what_cannot_be_is_refused_for_its_reason(
    switch: Conversation, message: bytes, error: Error | None
) -> None:
    message = message[:2] + len(message).to_bytes(2) + message[4:]
    assert switch.error(message) is error
    assert bool(switch.rules) is (error is None)


def test_a_group_exists_once(switch: Conversation) -> None:
    assert switch.error(group_mod(SELECT)) is None
    assert switch.error(group_mod(SELECT)) is Error.GROUP_EXISTS
    fewer = replace(SELECT, buckets=SELECT.buckets[:1])
    assert switch.error(group_mod(fewer, command=1)) is None
    assert switch.switch.tables.program().groups == {7: fewer}


def test_there_is_room_for_so_many_groups_buckets_and_meters() -> None:
    switch = Conversation(Profile(groups=1, buckets=1, meters=1))
    assert switch.error(group_mod(SELECT)) is Error.OUT_OF_BUCKETS
    assert switch.error(group_mod(replace(SELECT, buckets=SELECT.buckets[:1]))) is None
    other = Group(8, GroupKind.ALL, ())
    assert switch.error(group_mod(other)) is Error.OUT_OF_GROUPS
    assert switch.error(meter_mod(METER)) is None
    assert switch.error(meter_mod(METER)) is Error.METER_EXISTS
    assert switch.error(meter_mod(replace(METER, meter_id=2))) is Error.OUT_OF_METERS


def test_a_switch_without_meters_has_none() -> None:
    switch = Conversation(Profile(meters=0))
    assert switch.error(meter_mod(METER)) is Error.INVALID_METER
    assert switch.error(meter_mod(METER, command=2)) is None


def test_who_deletes_a_group_or_a_meter_deletes_the_rules_that_name_it(switch: Conversation) -> None:
    plain = rule(1, ARP)
    switch.tell(group_mod(SELECT), meter_mod(METER))
    switch.tell(*map(flow_mod, [plain, rule(2, NET8, ToGroup(7)), rule(3, None, TO_CONTROLLER, meter=1)]))
    assert len(switch.rules) == 3
    switch.tell(group_mod(replace(SELECT, buckets=()), command=2))
    assert {each.priority for each in switch.rules} == {1, 3}
    switch.tell(meter_mod(METER, command=2))
    assert switch.rules == {plain}


def test_all_groups_and_meters_can_be_deleted_at_once(switch: Conversation) -> None:
    switch.tell(group_mod(SELECT), meter_mod(METER), flow_mod(rule(2, NET8, ToGroup(7))))
    everything = Group(0, GroupKind.ALL, ())
    wipe = bytearray(group_mod(everything, command=2))
    wipe[12:16] = (0xFFFFFFFC).to_bytes(4)
    assert switch.error(bytes(wipe)) is None
    wipe = bytearray(meter_mod(METER, command=2))
    wipe[12:16] = (0xFFFFFFFF).to_bytes(4)
    assert switch.error(bytes(wipe)) is None
    program = switch.switch.tables.program()
    assert (program.rules, program.groups, program.meters) == ({}, {}, {})


def test_rules_live_as_long_as_their_timeouts_say(switch: Conversation) -> None:
    idle, hard, forever = rule(1, idle_timeout_s=2), rule(2, hard_timeout_s=3), rule(3)
    switch.tell(*(flow_mod(each, flags=SEND_FLOW_REM) for each in (idle, hard, forever)))
    switch.switch.expire(101.9)
    assert len(switch.rules) == 3
    said = {each.priority: each for each in switch.switch.tables.program().rules.values()}
    switch.switch.tables.count(said[1], 60, 101.9)
    switch.switch.expire(103.0)
    assert switch.rules == {idle, forever}
    switch.switch.expire(104.0)
    assert switch.rules == {forever}
    assert [(each.msg_type, each.reason, each.priority) for each in switch.heard()] == [
        (Type.FLOW_REMOVED, 1, 2),
        (Type.FLOW_REMOVED, 0, 1),
    ]


def test_a_deletion_is_told_to_who_asked_for_that(switch: Conversation) -> None:
    switch.tell(flow_mod(rule(1, NET8, cookie=5), flags=SEND_FLOW_REM), flow_mod(rule(2, NET8)))
    (told,) = switch.tell(flow_mod(rule(), DELETE))
    assert (told.msg_type, told.reason, told.cookie, told.priority) == (Type.FLOW_REMOVED, 2, 5, 1)
    assert told.match["ipv4_dst"] == ("10.0.0.0", "255.0.0.0")


def test_the_program_is_the_same_object_until_something_changes(switch: Conversation) -> None:
    switch.tell(flow_mod(rule(1)))
    before = switch.switch.tables.program()
    assert switch.switch.tables.program() is before
    switch.tell(flow_mod(rule(2)))
    assert switch.switch.tables.program() is not before

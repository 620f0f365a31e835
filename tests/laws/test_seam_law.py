"""Law 9, the seam: `decode(encode(x)) == x`, and encodings are what the framework would have sent.

A rule, a group or a meter is encoded into the message that installs it, and read back from the answer that
a switch gives when it is asked what it holds, which has the same parts in another frame. The oracle of both
directions is the framework itself, each of the two.
"""

import json
import os
from collections.abc import Callable
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.dataplane.pinned import flow_match, flow_of
from controller.model.command import (
    AddGroup,
    AddMeter,
    Barrier,
    Command,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyGroup,
    ModifyMeter,
    ReadCounters,
    ReadFlowCounters,
    ReadProgram,
    SendFrame,
    SetRule,
)
from controller.model.demand import FlowKey
from controller.model.flow import (
    TO_CONTROLLER,
    Bucket,
    DecrementTtl,
    Field,
    FlowRule,
    Group,
    GroupKind,
    Match,
    Meter,
    MeterUnit,
    Output,
    Owner,
    SetField,
    Term,
    ToGroup,
    match,
)
from controller.model.identity import mac_text
from controller.model.traffic import FlowCount
from controller.southbound.decode import programs
from controller.southbound.decode.flows import flow_counts_at
from controller.southbound.encode import Inexpressible, encode, encode_run
from controller.southbound.framework import load
from controller.southbound.framework.encode import framework_encode
from controller.southbound.guard import check
from tests.searching import examples
from tests.southbound import strategies as model
from tests.southbound import switch_messages as switch

pytestmark = pytest.mark.law

GOLDEN = Path(__file__).parents[1] / "golden" / "openflow13_encodings.json"
installed = [name for name in ("os_ken", "ryu") if find_spec(name)]
on_each_framework = pytest.mark.parametrize("framework", installed)


def _by_framework(framework: str, command: Command) -> bytes:
    """The messages of a command as the framework writes them, with transactions from 1."""
    written = framework_encode(load(framework), command, count(1).__next__)
    return b"".join(data for _, data in written)


@settings(deadline=None)
@given(rule=model.rules())
def test_a_rule_reads_back_as_it_was_written(rule: FlowRule) -> None:
    answer = switch.multipart(switch.FLOWS, switch.flow_entry(encode(SetRule(rule), 1)))
    check(answer)
    (entry,) = programs.rule_entries(answer, 16, len(answer))
    read = programs.rule_of(entry)
    assert read == rule
    assert read.cookie == rule.cookie
    assert read.match.order == rule.match.order
    assert hash(read) == hash(rule)


@settings(deadline=None)
@given(group=model.groups)
def test_a_group_reads_back_as_it_was_written(group: Group) -> None:
    answer = switch.multipart(switch.GROUP_DESCRIPTION, switch.group_entry(encode(AddGroup(group), 1)))
    check(answer)
    (entry,) = programs.group_entries(answer, 16, len(answer))
    assert programs.group_of(entry) == group


@settings(deadline=None)
@given(meter=model.meters)
def test_a_meter_reads_back_as_it_was_written(meter: Meter) -> None:
    answer = switch.multipart(switch.METER_CONFIG, switch.meter_entry(encode(AddMeter(meter), 1)))
    check(answer)
    (entry,) = programs.meter_entries(answer, 16, len(answer))
    assert programs.meter_of(entry) == meter


@settings(deadline=None)
@given(key=model.flow_keys, packets=st.integers(0, 2**64 - 2), octets=st.integers(0, 2**64 - 2))
def test_what_a_flow_has_sent_reads_back_as_it_was_counted(key: FlowKey, packets: int, octets: int) -> None:
    where = flow_match(key)
    assert where is not None
    assert flow_of(where) == key
    flow_mod = encode(SetRule(FlowRule(4, 100, where, (ToGroup(7),))), 1)
    answer = switch.multipart(switch.FLOWS, switch.flow_entry(flow_mod, packets, octets))
    check(answer)
    assert flow_counts_at(answer, 16, len(answer)) == [FlowCount(key, packets, octets)]


@on_each_framework
@settings(max_examples=examples(500), deadline=None)
@given(command=model.commands)
def test_a_command_is_encoded_as_the_framework_would(framework: str, command: Command) -> None:
    assert encode(command, 1) == _by_framework(framework, command)


@on_each_framework
@settings(max_examples=examples(60), deadline=None)
@given(commands=st.lists(model.commands, max_size=8), xid=st.integers(0, 0xFFFFFFFF - 8))
def test_a_run_is_its_commands_one_after_another(framework: str, commands: list[Command], xid: int) -> None:
    numbers = iter(range(xid, xid + len(commands)))
    by_framework = [framework_encode(load(framework), each, numbers.__next__) for each in commands]
    data, done = encode_run(commands, 0, len(commands), xid, 1 << 20)
    assert done == len(commands)
    assert data == b"".join(data for written in by_framework for _, data in written)


@given(commands=st.lists(model.commands, min_size=1, max_size=8), most=st.integers(1, 400))
def test_a_run_that_is_cut_goes_on_where_it_was_cut(commands: list[Command], most: int) -> None:
    whole, _ = encode_run(commands, 0, len(commands), 1, 1 << 20)
    parts, done = b"", 0
    while done < len(commands):
        part, some = encode_run(commands, done, len(commands), 1 + done, most)
        parts, done = parts + part, done + some
        assert some
    assert parts == whole


@pytest.mark.parametrize(
    "command",
    [
        SetRule(FlowRule(0, 1, actions=(Output(1 << 32),))),
        SetRule(FlowRule(0, 1, actions=(ToGroup(-1),))),
        SetRule(FlowRule(0, 1, cookie=1 << 64)),
        SetRule(FlowRule(0, 1, idle_timeout_s=1 << 16)),
        AddGroup(Group(1, GroupKind.SELECT, (Bucket((), 1 << 16),))),
        AddMeter(Meter(1 << 32, 1)),
        SendFrame(bytes(65_500), (Output(1),)),
    ],
    ids=str,
)
def test_what_has_no_room_in_its_message_is_inexpressible(command: Command) -> None:
    with pytest.raises(Inexpressible):
        encode(command, 1)
    before_it = encode_run([Barrier(), command, Barrier()], 0, 3, 1, 1 << 20)
    assert before_it == (encode(Barrier(), 1), 1)


_SPELLING: dict[int, Callable[[int], str]] = {
    32: lambda number: str(IPv4Address(number)),
    48: mac_text,
    128: lambda number: str(IPv6Address(number)),
}


def _by_hand(term: Term) -> tuple[str, object]:
    """A condition as a user of the framework writes it: addresses as text, all else as numbers."""
    spell = int if term.field is Field.IN_PORT else _SPELLING.get(term.field.bits, int)
    value = spell(term.value)
    full = term.mask == term.field.full_mask
    return term.field.name.lower(), value if full else (value, spell(term.mask))


@on_each_framework
@settings(deadline=None)
@given(wanted=model.matches())
def test_a_match_is_encoded_as_the_frameworks_own_user_would(framework: str, wanted: Match) -> None:
    used = load(framework)
    by_hand = used.messages.OFPFlowMod(
        used.switch,
        priority=1,
        match=used.messages.OFPMatch(**dict(map(_by_hand, wanted))),
        instructions=[],
        buffer_id=used.constants.OFP_NO_BUFFER,
        out_port=used.constants.OFPP_ANY,
        out_group=used.constants.OFPG_ANY,
    )
    by_hand.xid = 1
    by_hand.serialize()
    assert encode(SetRule(FlowRule(0, 1, wanted)), 1) == bytes(by_hand.buf)


V4, V6 = IPv4Network("10.1.0.0/16"), IPv6Network("2001:db8::/32")
SELECT = Group(7, GroupKind.SELECT, (Bucket((Output(1),), 1, 1), Bucket((Output(2),), 3, 2)))
SPOKEN: dict[str, Command] = {
    "drop": SetRule(FlowRule(1, 0)),
    "route-v4": SetRule(
        FlowRule(4, 116, match(eth_type=0x800, ipv4_dst=V4), (DecrementTtl(), ToGroup(7)), cookie=1 << 60)
    ),
    "route-v6": SetRule(
        FlowRule(
            4, 132, match(eth_type=0x86DD, ipv6_dst=V6), (SetField(Field.ETH_DST, 0x020000000001), Output(3))
        )
    ),
    "admit": SetRule(FlowRule(0, 900, match(in_port=4, eth_type=0x88CC), (TO_CONTROLLER,))),
    "metered": SetRule(
        FlowRule(
            0, 5, match(eth_dst=(1 << 40, 1 << 40)), goto=4, meter=2, idle_timeout_s=30, hard_timeout_s=60
        )
    ),
    "forget": DeleteRule(FlowRule(0, 5, match(vlan_vid=0x1000 | 12), cookie=9)),
    "spread": AddGroup(SELECT),
    "spread-again": ModifyGroup(SELECT),
    "protect": AddGroup(
        Group(8, GroupKind.FAST_FAILOVER, (Bucket((Output(1),), 0, 1), Bucket((ToGroup(7),))))
    ),
    "gather": DeleteGroup(7),
    "limit": AddMeter(Meter(2, 100, MeterUnit.PKTPS, 10)),
    "limit-bits": ModifyMeter(Meter(2, 1000, MeterUnit.KBPS)),
    "unlimit": DeleteMeter(2),
    "frame": SendFrame(bytes(range(64)), (Output(3),)),
    "barrier": Barrier(5),
    "what-do-you-hold": ReadProgram(),
    "what-have-you-counted": ReadCounters(),
    "what-have-flows-sent": ReadFlowCounters(Owner.PINS, 4),
}


def _spoken(framework: str) -> dict[str, str]:
    return {name: _by_framework(framework, command).hex() for name, command in SPOKEN.items()}


@on_each_framework
def test_the_framework_still_writes_the_stored_bytes(framework: str) -> None:
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(json.dumps(_spoken(framework), indent=2) + "\n")
    assert _spoken(framework) == json.loads(GOLDEN.read_text())


def test_encodings_are_the_stored_bytes() -> None:
    stored = json.loads(GOLDEN.read_text())
    asking = ReadProgram | ReadCounters | ReadFlowCounters  # several messages, or the framework's affair
    questions = {name for name, command in SPOKEN.items() if isinstance(command, asking)}
    for name in stored.keys() - questions:
        assert encode(SPOKEN[name], 1).hex() == stored[name], name

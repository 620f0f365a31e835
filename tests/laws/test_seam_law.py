"""Law 9, the seam: `decode(encode(x)) == x`, and encodings are the stored bytes, on both frameworks.

A rule, a group or a meter is encoded into the message that installs it, and read back from the answer that
a switch gives when it is asked what it holds, which has the same parts in another frame.
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
    ReadProgram,
    SendFrame,
    SetRule,
)
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
    SetField,
    Term,
    ToGroup,
    match,
)
from controller.model.identity import mac_text
from controller.southbound import decode
from controller.southbound.encode import encode
from controller.southbound.framework import load
from controller.southbound.guard import check
from tests.southbound import strategies as model
from tests.southbound import switch_messages as switch

pytestmark = pytest.mark.law

GOLDEN = Path(__file__).parents[1] / "golden" / "openflow13_encodings.json"
installed = [name for name in ("os_ken", "ryu") if find_spec(name)]
on_each_framework = pytest.mark.parametrize("framework", installed)


def _encoded(framework: str, command: Command) -> bytes:
    numbers = count(1)
    return b"".join(data for _, data in encode(load(framework), command, lambda: next(numbers)))


@on_each_framework
@settings(deadline=None)
@given(rule=model.rules())
def test_a_rule_reads_back_as_it_was_written(framework: str, rule: FlowRule) -> None:
    answer = switch.multipart(switch.FLOWS, switch.flow_entry(_encoded(framework, SetRule(rule))))
    check(answer)
    read = decode.rule(load(framework), load(framework).parse(answer).body[0])
    assert read == rule
    assert read.cookie == rule.cookie


@on_each_framework
@settings(deadline=None)
@given(group=model.groups)
def test_a_group_reads_back_as_it_was_written(framework: str, group: Group) -> None:
    entry = switch.group_entry(_encoded(framework, AddGroup(group)))
    answer = switch.multipart(switch.GROUP_DESCRIPTION, entry)
    check(answer)
    assert decode.group(load(framework), load(framework).parse(answer).body[0]) == group


@on_each_framework
@settings(deadline=None)
@given(meter=model.meters)
def test_a_meter_reads_back_as_it_was_written(framework: str, meter: Meter) -> None:
    entry = switch.meter_entry(_encoded(framework, AddMeter(meter)))
    answer = switch.multipart(switch.METER_CONFIG, entry)
    check(answer)
    assert decode.meter(load(framework), load(framework).parse(answer).body[0]) == meter


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
    assert _encoded(framework, SetRule(FlowRule(0, 1, wanted))) == bytes(by_hand.buf)


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
}


@on_each_framework
def test_encodings_are_the_stored_bytes(framework: str) -> None:
    spoken = {name: _encoded(framework, command).hex() for name, command in SPOKEN.items()}
    if os.environ.get("UPDATE_GOLDEN") == "1":
        GOLDEN.write_text(json.dumps(spoken, indent=2) + "\n")
    assert spoken == json.loads(GOLDEN.read_text())

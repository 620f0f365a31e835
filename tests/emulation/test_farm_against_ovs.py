"""The farm's switch beside Open vSwitch: the same messages to both, the same refusals, the same tables.

The farm is only worth as much as its switches resemble real ones. Here a bridge and a switch of the farm are
told the same bytes, in sequences that a careful controller would never send; after each, both must have
refused the same messages with the same errors, and hold the same rules, groups and meters.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.model.flow import (
    TO_CONTROLLER,
    Action,
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
    ToGroup,
    match,
)
from simulator.switch import matches
from simulator.switch.groups import HeldMeter
from simulator.switch.instructions import buckets, what
from simulator.switch.statistics import FLOW, GROUP_DESC, METER_CONFIG
from simulator.switch.tables import ADD, CHECK_OVERLAP, DELETE
from simulator.switch.wire import MULTIPART_BODY, Type, message
from tests.emulation.private_switch import PrivateSwitch
from tests.searching import examples
from tests.simulator.talking import Conversation, barrier, flow_mod, flow_mod_bytes, group_mod, meter_mod

pytestmark = pytest.mark.emulation
PATIENCE_S = 20.0
ANY = (0xFFFFFFFF).to_bytes(4)
_ASK_FLOWS = b"\xff\0\0\0" + ANY + ANY + bytes(4) + bytes(16) + b"\0\1\0\4\0\0\0\0"


class Held(NamedTuple):
    """What a switch says that it holds, and which of the messages it refused, with which errors."""

    errors: tuple[tuple[int, int, int], ...]
    rules: frozenset[FlowRule]
    cookies: frozenset[tuple[int, int, bytes, int]]
    groups: dict[int, tuple[int, tuple[Bucket, ...]]]
    meters: dict[int, Meter]


class Bridge:
    """A bridge of Open vSwitch that has connected to us, spoken to in raw messages."""

    def __init__(self, listener: socket.socket) -> None:
        self._line, _ = listener.accept()
        self._line.settimeout(PATIENCE_S)
        self._heard = b""
        self.exchange(message(Type.HELLO, 1))

    def exchange(self, *said: bytes) -> list[bytes]:
        """Say messages and a barrier; everything that was answered up to the barrier's reply."""
        self._line.sendall(b"".join(said) + barrier(0xBA44))
        answers: list[bytes] = []
        while True:
            while len(self._heard) >= 8 and len(self._heard) >= (n := int.from_bytes(self._heard[2:4])):
                answer, self._heard = self._heard[:n], self._heard[n:]
                if answer[1] == Type.BARRIER_REPLY:
                    return answers
                if answer[1] == Type.ECHO_REQUEST:
                    self._line.sendall(message(Type.ECHO_REPLY, 0, answer[8:]))
                answers.append(answer)
            self._heard += self._line.recv(1 << 16)

    def close(self) -> None:
        self._line.close()


class Ours:
    """A switch of the farm, spoken to in the same way."""

    def __init__(self) -> None:
        self._switch = Conversation().switch

    def exchange(self, *said: bytes) -> list[bytes]:
        self._switch.receive(b"".join(said), 100.0)
        answers = self._switch.outgoing[:]
        self._switch.outgoing.clear()
        return answers


def _number(messages: list[bytes]) -> list[bytes]:
    return [each[:4] + (n + 1).to_bytes(4) + each[8:] for n, each in enumerate(messages)]


def told(switch: Bridge | Ours, messages: list[bytes]) -> Held:
    """Empty the switch, say the messages, and ask what it holds."""
    switch.exchange(
        flow_mod(FlowRule(0, 0), DELETE, table=0xFF),
        message(Type.GROUP_MOD, 1, b"\0\2\0\0\xff\xff\xff\xfc"),
        message(Type.METER_MOD, 1, b"\0\2\0\1\xff\xff\xff\xff"),
    )
    answers = switch.exchange(*_number(messages))
    errors = tuple(
        (int.from_bytes(each[4:8]), int.from_bytes(each[8:10]), int.from_bytes(each[10:12]))
        for each in answers
        if each[1] == Type.ERROR
    )
    rules, cookies = set(), set()
    for entry in _entries(switch, FLOW, _ASK_FLOWS):
        length = int.from_bytes(entry[50:52])
        where = matches.accepted(entry[52 : 48 + length])
        done = what(entry[48 + (length + 7) // 8 * 8 :])
        table, priority = entry[2], int.from_bytes(entry[12:14])
        rules.add(
            FlowRule(table, priority, matches.decoded(where), done.actions, done.goto, done.meter,
                     int.from_bytes(entry[14:16]), int.from_bytes(entry[16:18]))
        )  # fmt: skip
        cookies.add((table, priority, where, int.from_bytes(entry[24:32])))
    groups = {
        int.from_bytes(entry[4:8]): (entry[2], buckets(entry[8:]))
        for entry in _entries(switch, GROUP_DESC, b"")
    }
    meters = {
        (number := int.from_bytes(entry[4:8])): HeldMeter(int.from_bytes(entry[2:4]), entry[8:], 0.0).model(
            number
        )
        for entry in _entries(switch, METER_CONFIG, ANY + bytes(4))
    }
    return Held(errors, frozenset(rules), frozenset(cookies), groups, meters)


def _entries(switch: Bridge | Ours, kind: int, body: bytes) -> list[bytes]:
    asked = message(Type.MULTIPART_REQUEST, 9, MULTIPART_BODY.pack(kind, 0) + body)
    found = []
    for part in switch.exchange(asked):
        assert part[1] == Type.MULTIPART_REPLY
        at = 16
        while at < len(part):
            length = int.from_bytes(part[at : at + 2])
            found.append(part[at : at + length])
            at += length
    return found


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    directory: Path = tmp_path_factory.mktemp("ovs")
    with socket.create_server(("127.0.0.1", 0)) as listener, PrivateSwitch(directory) as daemons:
        listener.settimeout(PATIENCE_S)
        daemons.add_bridge("like", 0xA1, f"tcp:127.0.0.1:{listener.getsockname()[1]}")
        for port in (1, 2, 3):
            interface = ["--", "set", "interface", f"p{port}", "type=dummy", f"ofport_request={port}"]
            daemons.vsctl("add-port", "like", f"p{port}", *interface)
        bridge = Bridge(listener)
        yield bridge
        bridge.close()


# --- what is said -------------------------------------------------------------------------------------------

_NETS = [IPv4Network(text) for text in ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3/32")]
_matches = st.one_of(
    st.just(Match()),
    st.builds(lambda port: match(in_port=port), st.integers(1, 3)),
    st.builds(lambda net: match(eth_type=0x800, ipv4_dst=net), st.sampled_from(_NETS)),
    st.builds(lambda port: match(eth_type=0x800, ip_proto=6, tcp_dst=port), st.integers(1, 2)),
    st.builds(lambda bits: match(eth_dst=(0x0200 << 32, (1 << 48) - (1 << bits))), st.integers(30, 33)),
    st.just(match(eth_type=0x806)),
    st.just(match(eth_type=0x86DD, ip_proto=58, icmpv6_type=135)),
)
_actions: st.SearchStrategy[tuple[Action, ...]] = st.lists(
    st.one_of(
        st.builds(Output, st.integers(1, 3)),
        st.just(TO_CONTROLLER),
        st.builds(ToGroup, st.integers(1, 3)),
        st.just(SetField(Field.ETH_DST, 0x02_00_00_00_00_01)),
        st.just(SetField(Field.IPV4_DST, 0x0A000001)),
        st.just(SetField(Field.TCP_DST, 80)),
        st.just(DecrementTtl()),
    ),
    max_size=3,
).map(tuple)


@st.composite
def _rules(draw: st.DrawFn) -> FlowRule:
    table = draw(st.integers(0, 2))
    return FlowRule(
        table,
        draw(st.integers(1, 2)),
        draw(_matches),
        draw(_actions),
        draw(st.none() | st.integers(table + 1, 4)),
        draw(st.none() | st.just(1)),
        cookie=draw(st.integers(0, 3)),
    )


_flow_mods = st.builds(
    lambda rule, command, mask, flags, port, group, everywhere: flow_mod(
        rule,
        command,
        cookie_mask=mask,
        flags=flags,
        port=port,
        group=group,
        table=0xFF if everywhere and command >= DELETE else None,
    ),
    _rules(),
    st.sampled_from([ADD] * 5 + list(range(5))),
    st.integers(0, 3),
    st.sampled_from([0, 0, 0, CHECK_OVERLAP]),
    st.sampled_from([0xFFFFFFFF, 0xFFFFFFFF, 1]),
    st.sampled_from([0xFFFFFFFF, 0xFFFFFFFF, 1]),
    st.booleans(),
)
_groups = st.builds(
    lambda number, kind, ports, weight: Group(
        number,
        kind,
        tuple(
            Bucket((Output(port),), weight + (kind is GroupKind.SELECT), port if watching else None)
            for port, watching in ports
        ),
    ),
    st.integers(1, 3),
    st.sampled_from([GroupKind.SELECT, GroupKind.ALL, GroupKind.INDIRECT, GroupKind.FAST_FAILOVER]),
    st.lists(st.tuples(st.integers(1, 3), st.booleans()), max_size=3),
    st.sampled_from([0, 0, 1]),
)
_meters = st.builds(
    Meter, st.integers(1, 2), st.integers(1, 100), st.sampled_from(MeterUnit), st.integers(0, 50)
)
_messages = st.lists(
    st.one_of(
        _flow_mods,
        _flow_mods,
        _flow_mods,
        st.builds(group_mod, _groups, st.sampled_from([0, 0, 1, 2])),
        st.builds(meter_mod, _meters, st.sampled_from([0, 0, 1, 2])),
    ),
    max_size=14,
)


@settings(max_examples=examples(400), deadline=None, suppress_health_check=list(HealthCheck))
@given(said=_messages)
def test_a_switch_of_the_farm_is_like_a_bridge_of_open_vswitch(bridge: Bridge, said: list[bytes]) -> None:
    assert told(Ours(), said) == told(bridge, said)


def _term(number: int, body: bytes, *, masked: bool = False) -> bytes:
    return b"\x80\0" + bytes((number << 1 | masked, len(body))) + body


_IPV4 = _term(5, b"\x08\0")


@pytest.mark.parametrize(
    "fields",
    [
        _term(5, b"\x08"),
        _term(5, b"\x08\0\xff\xff", masked=True),
        _term(5, b"\x08\0\xff\0", masked=True),
        _IPV4 + _term(12, bytes((10, 0, 0, 1, 255, 0, 0, 0)), masked=True),
        _IPV4 + _term(12, bytes((10, 0, 0, 0, 255, 0, 0, 0)), masked=True),
        _IPV4 + _term(12, bytes(8), masked=True),
        _IPV4 + _term(12, bytes((10, 0, 0, 1, 255, 255, 255, 255)), masked=True),
        _term(12, bytes(4)),
        _term(12, bytes(4)) + _IPV4,
        _term(3, bytes(6)) + _term(0, b"\0\0\0\1"),
        _IPV4 + _IPV4,
        _IPV4 + _term(27, bytes(16)),
        _IPV4 + _term(13, b"\0\x50"),
        _IPV4 + _term(10, b"\x06") + _term(13, b"\0\x50"),
        _IPV4 + _term(13, b"\0\x50") + _term(10, b"\x06"),
        _IPV4 + _term(8, b"\x40"),
    ],
)
def test_matches_are_refused_as_open_vswitch_refuses_them(bridge: Bridge, fields: bytes) -> None:
    length = 4 + len(fields)
    where = b"\0\1" + length.to_bytes(2) + fields + bytes(-length % 8)
    said = [flow_mod_bytes(where, who=(0, 0, 0, ADD))]
    assert told(Ours(), said) == told(bridge, said)


def test_the_comparison_would_notice(bridge: Bridge) -> None:
    rule = FlowRule(0, 1, match(in_port=1), (Output(2),))
    assert told(Ours(), [flow_mod(rule)]) != told(bridge, [flow_mod(replace(rule, priority=2))])

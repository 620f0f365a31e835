"""Multipart replies: what a switch tells of itself (OpenFlow 1.3.5, section 7.3.5).

    answers(switch, kind, body, now_s) -> the entries of the answer, in order
    in_parts(...)                      -> whole messages, each as long as OpenFlow allows

What the switch is and can hold is in features.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from struct import error as too_short

from simulator.switch import features, matches
from simulator.switch.features import Told
from simulator.switch.groups import HeldGroup, HeldMeter
from simulator.switch.instructions import buckets
from simulator.switch.selection import Key, is_within, leads_to
from simulator.switch.tables import Placed, Rule
from simulator.switch.wire import (
    ALL_GROUPS,
    ALL_METERS,
    ALL_TABLES,
    ANY_PORT,
    METER_MOD_BODY,
    MORE,
    MULTIPART_BODY,
    Error,
    Refusal,
    Type,
    message,
)

(DESC, FLOW, AGGREGATE, TABLE, PORT_STATS, QUEUE, GROUP, GROUP_DESC, GROUP_FEATURES, METER, METER_CONFIG) = (
    range(11)
)
METER_FEATURES, TABLE_FEATURES, PORT_DESC = 11, 12, 13

MOST_BYTES = 60_000
"""Of the entries in one message; the protocol's own bound is 65,535 with the headers."""

_FLOW_REQUEST = Struct("!B3xII4xQQHH")
_FLOW_ENTRY = Struct("!HBxIIHHHH4xQQQ")
_PORT_ENTRY = Struct("!I4x12QII")
_GROUP_ENTRY = Struct("!H2xII4xQQII")
_METER_ENTRY = Struct("!IH6xIQQII")


def in_parts(kind: int, entries: Iterator[bytes], xid: int, most: int = 1 << 30) -> Iterator[bytes]:
    """The messages of an answer, with at most `most` entries in each; at least one message."""
    part: list[bytes] = []
    size = 0
    for entry in entries:
        if part and (size + len(entry) > MOST_BYTES or len(part) >= most):
            yield message(Type.MULTIPART_REPLY, xid, MULTIPART_BODY.pack(kind, MORE) + b"".join(part))
            part, size = [], 0
        part.append(entry)
        size += len(entry)
    yield message(Type.MULTIPART_REPLY, xid, MULTIPART_BODY.pack(kind, 0) + b"".join(part))


def answer(switch: Told, request: bytes, xid: int, now_s: float) -> Iterator[bytes]:
    """The messages that answer a MULTIPART_REQUEST (given without its header). Raises `Refusal` at once."""
    if len(request) < MULTIPART_BODY.size:
        raise Refusal(Error.BAD_LENGTH)
    kind, _flags = MULTIPART_BODY.unpack_from(request)
    tell = _TELL.get(kind)
    if tell is None:
        raise Refusal(Error.BAD_MULTIPART)
    try:
        entries = list(tell(switch, request[MULTIPART_BODY.size :], now_s))
    except too_short:
        raise Refusal(Error.BAD_LENGTH) from None
    return in_parts(kind, iter(entries), xid, switch.profile.ports_a_part if kind == PORT_DESC else 1 << 30)


# --- rules --------------------------------------------------------------------------------------------------


def _asked_for(switch: Told, body: bytes) -> list[Placed]:
    table, port, group, cookie, cookie_mask, kind, length = _FLOW_REQUEST.unpack_from(body)
    if kind != 1:
        raise Refusal(Error.BAD_MATCH_TYPE)
    if length < 4 or _FLOW_REQUEST.size - 4 + length > len(body):
        raise Refusal(Error.BAD_MATCH_LEN)
    if table != ALL_TABLES and table >= switch.profile.tables:
        raise Refusal(Error.BAD_TABLE_ID)
    at = _FLOW_REQUEST.size
    wanted = matches.decoded(matches.accepted(body[at : at + length - 4]))
    return [
        each
        for each in switch.tables.placed(None if table == ALL_TABLES else table)
        if leads_to(each[2].what, port, group)
        and not (each[2].cookie ^ cookie) & cookie_mask
        and (not wanted.terms or is_within(matches.decoded(each[1][1]), wanted))
    ]


def _flows(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    return (_flow(*each, now_s) for each in _asked_for(switch, body))


def _flow(table: int, key: Key, rule: Rule, now_s: float) -> bytes:
    rest = matches.padded(key[1]) + rule.what.raw
    seconds, nanoseconds = _since(rule.since_s, now_s)
    head = _FLOW_ENTRY.pack(
        _FLOW_ENTRY.size + len(rest),
        table,
        seconds,
        nanoseconds,
        key[0],
        rule.idle_s,
        rule.hard_s,
        rule.flags,
        rule.cookie,
        rule.packets,
        rule.bytes,
    )
    return head + rest


def _aggregate(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    chosen = [rule for _, _, rule in _asked_for(switch, body)]
    packets, size = sum(rule.packets for rule in chosen), sum(rule.bytes for rule in chosen)
    return iter([Struct("!QQI4x").pack(packets, size, len(chosen))])


def _tables(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    entry = Struct("!B3xIQQ")
    for number in range(switch.profile.tables):
        rules = switch.tables.rules.get(number, {}).values()
        matched = sum(rule.packets for rule in rules)
        yield entry.pack(number, len(rules), matched, matched)


# --- ports --------------------------------------------------------------------------------------------------


def _ports(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    number = int.from_bytes(body[:4])
    if number != ANY_PORT and number not in switch.ports:
        raise Refusal(Error.BAD_PORT)
    chosen = switch.ports.values() if number == ANY_PORT else [switch.ports[number]]
    seconds, nanoseconds = _since(switch.since_s, now_s)
    return (
        _PORT_ENTRY.pack(
            port.number,
            port.rx_packets,
            port.tx_packets,
            port.rx_bytes,
            port.tx_bytes,
            0,
            port.tx_dropped,
            *(0, 0, 0, 0, 0, 0),
            seconds,
            nanoseconds,
        )
        for port in chosen
    )


def _port_descriptions(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    return (port.description() for port in switch.described)


# --- groups and meters --------------------------------------------------------------------------------------


def _some_groups(switch: Told, body: bytes) -> list[tuple[int, HeldGroup]]:
    number, held = int.from_bytes(body[:4]), switch.tables.groups.held
    if number == ALL_GROUPS or not body:
        return sorted(held.items())
    return [(number, held[number])] if number in held else []


def _groups(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    for number, held in _some_groups(switch, body):
        counters = Struct("!QQ").pack(0, 0) * len(buckets(held.raw))
        size = _GROUP_ENTRY.size + len(counters)
        named = sum(number in rule.what.groups for _, _, rule in switch.tables.placed())
        times = _since(held.since_s, now_s)
        yield _GROUP_ENTRY.pack(size, number, named, held.packets, held.bytes, *times) + counters


def _group_descriptions(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    head = Struct("!HBxI")
    for number, held in sorted(switch.tables.groups.held.items()):
        yield head.pack(head.size + len(held.raw), held.kind, number) + held.raw


def _some_meters(switch: Told, body: bytes) -> list[tuple[int, HeldMeter]]:
    number, held = int.from_bytes(body[:4]), switch.tables.meters.held
    if number == ALL_METERS:
        return sorted(held.items())
    return [(number, held[number])] if number in held else []


def _meters(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    for number, held in _some_meters(switch, body):
        named = sum(number == rule.what.meter for _, _, rule in switch.tables.placed())
        size, times = _METER_ENTRY.size + 16, _since(held.since_s, now_s)
        yield _METER_ENTRY.pack(number, size, named, held.packets, held.bytes, *times) + bytes(16)


def _meter_configs(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    for number, held in _some_meters(switch, body):
        yield METER_MOD_BODY.pack(METER_MOD_BODY.size + len(held.raw), held.flags, number) + held.raw


def _nothing(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    return iter(())


def _since(since_s: float, now_s: float) -> tuple[int, int]:
    """A duration as seconds and nanoseconds."""
    passed_s = max(now_s - since_s, 0.0)
    return int(passed_s), int(passed_s % 1 * 1e9)


_TELL: dict[int, Callable[[Told, bytes, float], Iterator[bytes]]] = {
    DESC: features.description,
    FLOW: _flows,
    AGGREGATE: _aggregate,
    TABLE: _tables,
    PORT_STATS: _ports,
    QUEUE: _nothing,
    GROUP: _groups,
    GROUP_DESC: _group_descriptions,
    GROUP_FEATURES: features.group_features,
    METER: _meters,
    METER_CONFIG: _meter_configs,
    METER_FEATURES: features.meter_features,
    TABLE_FEATURES: features.table_features,
    PORT_DESC: _port_descriptions,
}

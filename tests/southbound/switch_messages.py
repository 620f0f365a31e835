"""What a switch says, as bytes: the other end of a session, for tests that need none of Open vSwitch.

The answers that describe rules, groups and meters are made from the messages that installed them, by moving
bytes: a switch that reports what it was told.
"""

from struct import pack, unpack_from

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, FEATURES_REQUEST, FEATURES_REPLY = 0, 1, 2, 3, 5, 6
PACKET_IN, PORT_STATUS, MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REQUEST, BARRIER_REPLY = (
    10,
    12,
    18,
    19,
    20,
    21,
)

FLOWS, PORT_COUNTERS, QUEUE_COUNTERS, GROUP_DESCRIPTION, METER_CONFIG, PORT_DESCRIPTION = 1, 4, 5, 7, 10, 13
GROUP_FEATURES, METER_FEATURES, TABLE_FEATURES = 8, 11, 12
LINK_DOWN = 1


def message(kind: int, body: bytes = b"", xid: int = 1, version: int = 4) -> bytes:
    """A message with its header."""
    return pack("!BBHI", version, kind, 8 + len(body), xid) + body


def split(stream: bytes) -> list[bytes]:
    """The messages in a stream that holds whole ones only."""
    messages = []
    while stream:
        (length,) = unpack_from("!H", stream, 2)
        messages.append(stream[:length])
        stream = stream[length:]
    return messages


def hello(version: int = 4, bitmap: int | None = 1 << 4) -> bytes:
    element = b"" if bitmap is None else pack("!HHI", 1, 8, bitmap)
    return message(HELLO, element, version=version)


def features(dpid: int, xid: int = 1, tables: int = 254, auxiliary: int = 0) -> bytes:
    return message(FEATURES_REPLY, pack("!QIBB2xII", dpid, 0, tables, auxiliary, 0x47, 0), xid)


def port(number: int, state: int = 0, speed_kbps: int = 0) -> bytes:
    mac = bytes((2, 0, 0, 0, 0, number & 0xFF))
    return pack(
        "!I4x6s2x16sIIIIIIII", number, mac, b"s1-eth%d" % (number & 0xFF), 0, state, 0, 0, 0, 0, speed_kbps, 0
    )


def port_status(number: int, reason: int = 2, state: int = 0) -> bytes:
    return message(PORT_STATUS, pack("!B7x", reason) + port(number, state))


def question(asked: bytes) -> int | None:
    """What this message asks for, if it is a question of several parts."""
    return int(unpack_from("!H", asked, 8)[0]) if asked[1] == MULTIPART_REQUEST else None


def multipart(kind: int, body: bytes, xid: int = 1, more: bool = False) -> bytes:
    return message(MULTIPART_REPLY, pack("!HH4x", kind, int(more)) + body, xid)


def packet_in(in_port: int, data: bytes, table: int = 0, cookie: int = 0) -> bytes:
    match = pack("!HHII", 1, 12, 0x80000004, in_port) + bytes(4)
    return message(
        PACKET_IN, pack("!IHBBQ", 0xFFFFFFFF, len(data), 1, table, cookie) + match + bytes(2) + data
    )


def error(kind: int, code: int, refused: bytes) -> bytes:
    (xid,) = unpack_from("!I", refused, 4)
    return message(ERROR, pack("!HH", kind, code) + refused[:64], xid)


def port_counters(number: int, packets: int) -> bytes:
    return pack("!I4x12QII", number, packets, packets, 64 * packets, 64 * packets, *[0] * 8, 0, 0)


def queue_counters(port: int, queue: int, packets: int) -> bytes:
    return pack("!II3QII", port, queue, 64 * packets, packets, 0, 9, 0)


def flow_entry(flow_mod: bytes, packets: int = 0, octets: int = 0) -> bytes:
    """The entry of flow statistics for the rule that this FLOW_MOD installs, and what it has counted."""
    cookie, table, idle, hard, priority = unpack_from("!Q8xBxHHH", flow_mod, 8)
    rest = flow_mod[48:]
    length = 48 + len(rest)
    counted = cookie, packets, octets
    return pack("!HBxIIHHHH4xQQQ", length, table, 0, 0, priority, idle, hard, 0, *counted) + rest


def group_entry(group_mod: bytes) -> bytes:
    """The entry of a group description for the group that this GROUP_MOD installs."""
    body = group_mod[10:]
    return pack("!H", 2 + len(body)) + body


def meter_entry(meter_mod: bytes) -> bytes:
    """The entry of a meter configuration for the meter that this METER_MOD installs."""
    body = meter_mod[10:]
    return pack("!H", 2 + len(body)) + body

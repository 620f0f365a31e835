"""OpenFlow 1.3 as a switch may speak it, as shapes. Section numbers are those of OpenFlow 1.3.5.

The description is stricter than the framework: a known action, instruction or match field has exactly the
length that the specification gives it, because the framework's parser reads (and advances by) that length
whatever the switch claimed. Nicira's actions and fields pass as opaque bytes; `framework.load` sees to it
that the framework does not look inside them either.
"""

from __future__ import annotations

from controller.southbound import wire
from controller.southbound.guard.shapes import (
    Malformed,
    Shape,
    at_most,
    fixed,
    many,
    opaque,
    sequence,
    sized,
    u16,
    variant,
)

ECHO_BYTES = 4096  # no switch needs more in an echo, and what it sends we send back


def _tlv(body: Shape, *, pad: int = 1) -> Shape:
    """Type and length, 16 bits each, and a body: the commonest form in OpenFlow."""
    return sized(length_at=2, header=4, body=body, pad=pad)


# --- 7.2.3: match fields ------------------------------------------------------------------------------------

# fmt: off
_FIELD_BYTES = dict(enumerate((
    4, 4, 8, 6, 6, 2, 2, 1,     # in_port, in_phy_port, metadata, eth_dst and src, eth_type, vlan vid and pcp
    1, 1, 1, 4, 4,              # ip_dscp, ip_ecn, ip_proto, ipv4_src, ipv4_dst
    2, 2, 2, 2, 2, 2, 1, 1,     # tcp, udp and sctp ports, icmpv4 type and code
    2, 4, 4, 6, 6,              # arp_op, arp_spa, arp_tpa, arp_sha, arp_tha
    16, 16, 4, 1, 1, 16, 6, 6,  # ipv6_src, ipv6_dst, flow label, icmpv6 type and code, nd target, sll, tll
    4, 1, 1, 3, 8, 2,           # mpls label, tc, bos, pbb_isid, tunnel_id, ipv6_exthdr
)))
# fmt: on


def oxm_end(message: bytes, start: int, limit: int) -> int:
    """One match field: class (16 bits), field (7), has-mask (1), length of what follows (8)."""
    oxm_class = u16(message, start, limit)
    field, length = u16(message, start + 2, limit) >> 8, message[start + 3]
    field, has_mask = field >> 1, field & 1
    wanted = _FIELD_BYTES.get(field) if oxm_class == wire.OXM_BASIC else None
    if wanted is not None and length != wanted << has_mask:
        raise Malformed(f"match field {field} at byte {start} is {length} bytes long")
    least = 8 if oxm_class == wire.OXM_EXPERIMENTER else 1
    if length < least or (has_mask and length % 2):
        raise Malformed(f"match field of class {oxm_class:#x} at byte {start} is {length} bytes long")
    return fixed(length)(message, start + 4, limit)


MATCH = _tlv(many(oxm_end), pad=8)

# --- 7.2.4 and 7.2.5: instructions and actions --------------------------------------------------------------


def _set_field(message: bytes, start: int, limit: int) -> int:
    """One match field without mask, and zero bytes up to a multiple of eight."""
    end = oxm_end(message, start, limit)
    if limit - end >= 8 or (limit - start + 4) % 8:
        raise Malformed(f"the padding of a set-field at byte {start} is wrong")
    return limit


_PLAIN_ACTIONS = (
    11,
    12,
    16,
    18,
    24,
    27,
)  # copy TTL out/in, decrement MPLS TTL, pop VLAN, decrement TTL, pop PBB
_WORD_ACTIONS = (
    15,
    17,
    19,
    20,
    21,
    22,
    23,
    26,
)  # MPLS TTL, push VLAN/MPLS, pop MPLS, queue, group, TTL, push PBB

ACTION_BYTES = {wire.OUTPUT: 16, **dict.fromkeys(_PLAIN_ACTIONS + _WORD_ACTIONS, 8)}
"""The actions that have one length, their head of four bytes included."""

ACTION = variant(
    {
        **{kind: _tlv(fixed(size - 4)) for kind, size in ACTION_BYTES.items()},
        wire.SET_FIELD: _tlv(_set_field),
        wire.EXPERIMENTER_ACTION: _tlv(sequence(fixed(4), opaque)),
    }
)
ACTIONS = many(ACTION)

INSTRUCTION_BYTES = {wire.GOTO_TABLE: 8, wire.WRITE_METADATA: 24, wire.METER: 8}
"""The instructions that have one length, their head of four bytes included."""
ACTION_LISTS = (wire.WRITE_ACTIONS, wire.APPLY_ACTIONS, wire.CLEAR_ACTIONS)

INSTRUCTION = variant(
    {
        **{kind: _tlv(fixed(size - 4)) for kind, size in INSTRUCTION_BYTES.items()},
        **dict.fromkeys(ACTION_LISTS, _tlv(sequence(fixed(4), ACTIONS))),
    }
)

# --- 7.2.2 and 7.3.5: what statistics are made of -----------------------------------------------------------

PORT = fixed(64)
_FLOW = sized(length_at=0, header=48, body=sequence(MATCH, many(INSTRUCTION)))
_BUCKET = sized(length_at=0, header=16, body=ACTIONS)
_GROUP_DESCRIPTION = sized(length_at=0, header=8, body=many(_BUCKET))
_GROUP_COUNTERS = sized(length_at=0, header=40, body=many(fixed(16)))
_BAND = variant({1: _tlv(fixed(12)), 2: _tlv(fixed(12)), 0xFFFF: _tlv(fixed(12))})
_METER_CONFIG = sized(length_at=0, header=8, body=many(_BAND))
_METER_COUNTERS = sized(length_at=4, header=40, body=many(fixed(16)))


def _oxm_id(message: bytes, start: int, limit: int) -> int:
    """The header of a match field alone; that of an experimenter is followed by who it is."""
    return fixed(8 if u16(message, start, limit) == wire.OXM_EXPERIMENTER else 4)(message, start, limit)


_type_ids = _tlv(many(_tlv(opaque)), pad=8)
_table_ids = _tlv(opaque, pad=8)
_oxm_ids = _tlv(many(_oxm_id), pad=8)
_experimenter_words = _tlv(sequence(fixed(8), many(fixed(4))), pad=8)
_TABLE_PROPERTY = variant(
    {
        **dict.fromkeys((0, 1, 4, 5, 6, 7), _type_ids),  # instructions, write-actions, apply-actions
        **dict.fromkeys((2, 3), _table_ids),  # next tables
        **dict.fromkeys((8, 10, 12, 13, 14, 15), _oxm_ids),  # match, wildcards, set-fields
        **dict.fromkeys((0xFFFE, 0xFFFF), _experimenter_words),
    },
    otherwise=_tlv(opaque, pad=8),
)
_TABLE_FEATURES = sized(length_at=0, header=64, body=many(_TABLE_PROPERTY))

MULTIPART = variant(
    {
        kind: sequence(fixed(8), body)
        for kind, body in {
            0: fixed(1056),  # description of the switch
            1: many(_FLOW),
            2: fixed(24),  # aggregate
            3: many(fixed(24)),  # tables
            4: many(fixed(112)),  # ports
            5: many(fixed(40)),  # queues
            6: many(_GROUP_COUNTERS),
            7: many(_GROUP_DESCRIPTION),
            8: fixed(40),  # group features
            9: many(_METER_COUNTERS),
            10: many(_METER_CONFIG),
            11: fixed(16),  # meter features
            12: many(_TABLE_FEATURES),
            13: many(PORT),
        }.items()
    }
)

# --- 7.5.1, 7.3.6: HELLO and queues -------------------------------------------------------------------------


def _hello_element(message: bytes, start: int, limit: int) -> int:
    """An element that needs no padding: the framework takes padding for another element, of no length."""
    end = _tlv(opaque)(message, start, limit)
    if (end - start) % 8:
        raise Malformed(f"the element of a HELLO at byte {start} is {end - start} bytes long")
    return end


_QUEUE_PROPERTY = variant(
    {1: _tlv(fixed(12)), 2: _tlv(fixed(12)), 0xFFFF: _tlv(sequence(fixed(12), at_most(1024)))}
)
_QUEUE = sized(length_at=8, header=16, body=many(_QUEUE_PROPERTY))

# --- the messages -------------------------------------------------------------------------------------------

MESSAGES: dict[int, Shape] = {
    wire.HELLO: many(_hello_element),
    wire.ERROR: sequence(fixed(4), opaque),
    wire.ECHO_REQUEST: at_most(ECHO_BYTES),
    wire.ECHO_REPLY: at_most(ECHO_BYTES),
    wire.EXPERIMENTER: sequence(fixed(8), opaque),
    wire.FEATURES_REPLY: fixed(24),
    wire.GET_CONFIG_REPLY: fixed(4),
    wire.PACKET_IN: sequence(fixed(16), MATCH, fixed(2), opaque),
    wire.FLOW_REMOVED: sequence(fixed(40), MATCH),
    wire.PORT_STATUS: sequence(fixed(8), PORT),
    wire.MULTIPART_REPLY: MULTIPART,
    wire.BARRIER_REPLY: fixed(0),
    wire.QUEUE_GET_CONFIG_REPLY: sequence(fixed(8), many(_QUEUE)),
    wire.ROLE_REPLY: fixed(16),
    wire.GET_ASYNC_REPLY: fixed(24),
}

LONGEST: dict[int, int] = {
    wire.HELLO: 256,
    wire.ECHO_REQUEST: wire.HEADER_BYTES + ECHO_BYTES,
    wire.ECHO_REPLY: wire.HEADER_BYTES + ECHO_BYTES,
    wire.FEATURES_REPLY: 32,
    wire.GET_CONFIG_REPLY: 12,
    wire.PORT_STATUS: 80,
    wire.BARRIER_REPLY: 8,
    wire.ROLE_REPLY: 24,
    wire.GET_ASYNC_REPLY: 32,
}
"""Types whose length is known beforehand: a longer claim is refused at the header, before anything is
collected.
"""


def check(message: bytes) -> None:
    """Walk one whole message; raises `Malformed` when any length in it is not what it must be.

    Takes time linear in the length of the message.
    """
    shape = MESSAGES.get(message[1])
    if shape is None:
        raise Malformed(f"a switch sends no message of type {message[1]}")
    if shape(message, wire.HEADER_BYTES, len(message)) != len(message):
        raise Malformed(f"a message of type {message[1]} has bytes that belong to nothing")

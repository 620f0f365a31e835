"""The numbers of OpenFlow 1.3 that encode, decode, guard and session share. Sections are OpenFlow 1.3.5's.

They are the specification's, and so they are written once here rather than asked of the framework for each
message; that both agree is what law 9 tests.
"""

from __future__ import annotations

from struct import Struct

VERSION = 4
HEADER = Struct("!BBHI")
"""Version, type, length (header included), transaction (section 7.1)."""
HEADER_BYTES = HEADER.size
LONGEST_MESSAGE = 0xFFFF

# --- 7.1: message types -------------------------------------------------------------------------------------

HELLO, ERROR, ECHO_REQUEST, ECHO_REPLY, EXPERIMENTER = range(5)
FEATURES_REPLY, GET_CONFIG_REPLY, PACKET_IN, FLOW_REMOVED, PORT_STATUS = 6, 8, 10, 11, 12
PACKET_OUT, FLOW_MOD, GROUP_MOD, METER_MOD, BARRIER_REQUEST = 13, 14, 15, 29, 20
MULTIPART_REQUEST, MULTIPART_REPLY, BARRIER_REPLY = 18, 19, 21
QUEUE_GET_CONFIG_REPLY, ROLE_REPLY, GET_ASYNC_REPLY = 23, 25, 27

# --- 7.3.5: kinds of multipart messages ---------------------------------------------------------------------

FLOWS, PORT_COUNTERS, QUEUE_COUNTERS, GROUP_DESCRIPTIONS, METER_CONFIGS, PORT_DESCRIPTIONS = (
    1,
    4,
    5,
    7,
    10,
    13,
)
GROUP_FEATURES, METER_FEATURES, TABLE_FEATURES = 8, 11, 12
MORE_FOLLOWS = 1

# --- 7.2: ports, matches, instructions, actions -------------------------------------------------------------

LAST_PORT = 0xFFFFFF00
ANY = 0xFFFFFFFF
"""Any port, any group; the buffer that is none."""

MATCH_OXM = 1
OXM_BASIC, OXM_EXPERIMENTER = 0x8000, 0xFFFF

GOTO_TABLE, WRITE_METADATA, WRITE_ACTIONS, APPLY_ACTIONS, CLEAR_ACTIONS, METER = range(1, 7)
OUTPUT, GROUP, DECREMENT_TTL, SET_FIELD, EXPERIMENTER_ACTION = 0, 22, 24, 25, 0xFFFF

# --- 7.3: rules, groups, meters, ports ----------------------------------------------------------------------

ADD, MODIFY, DELETE, DELETE_STRICT = 0, 1, 2, 4
"""What a message that changes something wants: the first three with groups and meters, ADD and
DELETE_STRICT with rules."""

METER_KBPS, METER_PKTPS, METER_BURST = 1, 2, 4
BAND_DROP = 1

PORT_DOWN, LINK_DOWN = 1, 1
"""A bit of a port's configuration, a bit of its state (section 7.2.1)."""
PORT_DELETED = 1
"""A reason of PORT_STATUS (section 7.4.3)."""

"""The protocol's numbers and layouts, as far as a switch needs them (OpenFlow 1.3.5, section 7)."""

from __future__ import annotations

from enum import Enum, IntEnum
from struct import Struct

VERSION = 4
HEADER = Struct("!BBHI")
HEADER_BYTES = HEADER.size


class Type(IntEnum):
    """What a message is (section 7.1)."""

    HELLO = 0
    ERROR = 1
    ECHO_REQUEST = 2
    ECHO_REPLY = 3
    EXPERIMENTER = 4
    FEATURES_REQUEST = 5
    FEATURES_REPLY = 6
    GET_CONFIG_REQUEST = 7
    GET_CONFIG_REPLY = 8
    SET_CONFIG = 9
    PACKET_IN = 10
    FLOW_REMOVED = 11
    PORT_STATUS = 12
    PACKET_OUT = 13
    FLOW_MOD = 14
    GROUP_MOD = 15
    PORT_MOD = 16
    TABLE_MOD = 17
    MULTIPART_REQUEST = 18
    MULTIPART_REPLY = 19
    BARRIER_REQUEST = 20
    BARRIER_REPLY = 21
    QUEUE_GET_CONFIG_REQUEST = 22
    QUEUE_GET_CONFIG_REPLY = 23
    ROLE_REQUEST = 24
    ROLE_REPLY = 25
    GET_ASYNC_REQUEST = 26
    GET_ASYNC_REPLY = 27
    SET_ASYNC = 28
    METER_MOD = 29


NO_BUFFER = 0xFFFFFFFF
ANY_PORT = ANY_GROUP = 0xFFFFFFFF
MAX_PORT = 0xFFFFFF00
PORT_TABLE, PORT_LOCAL = 0xFFFFFFF9, 0xFFFFFFFE
ALL_TABLES = 0xFF
ALL_GROUPS = 0xFFFFFFFC
MAX_GROUP = 0xFFFFFF00
ALL_METERS = 0xFFFFFFFF

FLOW_MOD_BODY = Struct("!QQBBHHHIIIHxxHH")
"""Cookie and its mask, table, command, idle and hard timeout, priority, buffer, out port and group, flags;
then the match's type and length. 44 bytes after the header."""
MATCH_AT = 48
"""Where the match of a FLOW_MOD begins."""
PACKET_OUT_BODY = Struct("!IIH6x")
GROUP_MOD_BODY = Struct("!HBxI")
BUCKET = Struct("!HHII4x")
METER_MOD_BODY = Struct("!HHI")
METER_BAND = Struct("!HHII4x")
MULTIPART_BODY = Struct("!HH4x")
LONGEST_MESSAGE = 0xFFFF
LONGEST_ENTRY = LONGEST_MESSAGE - HEADER_BYTES - MULTIPART_BODY.size
"""What one message of an answer has room for: whoever takes more could never tell of it."""
PORT_STRUCT = Struct("!I4x6s2x16sIIIIIIII")
FEATURES_BODY = Struct("!QIBB2xII")

MORE = 1
"""OFPMPF_REPLY_MORE: another part of the same answer follows."""


class Reason(IntEnum):
    """Why a frame is handed to the controller (section 7.4.1): a rule asked for it, or the miss rule did."""

    NO_MATCH = 0
    ACTION = 1


class Gone(IntEnum):
    """Why a rule is no more (section 7.4.2)."""

    IDLE = 0
    HARD = 1
    DELETED = 2
    GROUP_DELETED = 3


class Error(Enum):
    """Why a request is refused: type and code (section 7.4.4)."""

    INCOMPATIBLE = (0, 0)
    BAD_VERSION = (1, 0)
    BAD_TYPE = (1, 1)
    BAD_MULTIPART = (1, 2)
    BAD_EXPERIMENTER = (1, 3)
    BAD_LENGTH = (1, 6)
    BUFFER_UNKNOWN = (1, 8)
    BAD_TABLE_ID = (1, 9)
    BAD_PORT = (1, 11)
    BAD_ACTION_TYPE = (2, 0)
    BAD_ACTION_LEN = (2, 1)
    BAD_OUT_PORT = (2, 4)
    BAD_OUT_GROUP = (2, 9)
    MATCH_INCONSISTENT = (2, 10)
    BAD_SET_TYPE = (2, 13)
    BAD_SET_LEN = (2, 14)
    BAD_SET_ARGUMENT = (2, 15)
    UNKNOWN_INSTRUCTION = (3, 0)
    UNSUPPORTED_INSTRUCTION = (3, 1)
    BAD_GOTO = (3, 2)
    BAD_INSTRUCTION_LEN = (3, 7)
    DUPLICATE_INSTRUCTION = (3, 9)
    BAD_MATCH_TYPE = (4, 0)
    BAD_MATCH_LEN = (4, 1)
    BAD_WILDCARDS = (4, 5)
    BAD_FIELD = (4, 6)
    BAD_VALUE = (4, 7)
    BAD_MASK = (4, 8)
    BAD_PREREQ = (4, 9)
    DUPLICATE_FIELD = (4, 10)
    FLOW_MOD_UNKNOWN = (5, 0)
    TABLE_FULL = (5, 1)
    BAD_TABLE = (5, 2)
    OVERLAP = (5, 3)
    BAD_FLOW_COMMAND = (5, 6)
    GROUP_EXISTS = (6, 0)
    INVALID_GROUP = (6, 1)
    OUT_OF_GROUPS = (6, 3)
    OUT_OF_BUCKETS = (6, 4)
    WATCH_UNSUPPORTED = (6, 6)
    UNKNOWN_GROUP = (6, 8)
    BAD_GROUP_TYPE = (6, 10)
    BAD_GROUP_COMMAND = (6, 11)
    BAD_BUCKET = (6, 12)
    NO_SUCH_PORT = (7, 0)
    METER_EXISTS = (12, 1)
    INVALID_METER = (12, 2)
    UNKNOWN_METER = (12, 3)
    BAD_METER_COMMAND = (12, 4)
    BAD_RATE = (12, 6)
    BAD_BAND = (12, 8)
    OUT_OF_METERS = (12, 10)
    OUT_OF_BANDS = (12, 11)


class Refusal(Exception):
    """A request is not carried out; nothing has changed."""

    def __init__(self, error: Error) -> None:
        self.error = error
        super().__init__(error.name)


class Nonsense(Exception):
    """The far end does not speak OpenFlow 1.3: the connection is of no more use."""


def message(kind: int, xid: int, body: bytes = b"") -> bytes:
    """One message with its header."""
    return HEADER.pack(VERSION, kind, HEADER_BYTES + len(body), xid) + body


def error(refused: Error, xid: int, data: bytes) -> bytes:
    """The error message that answers a request; at least 64 bytes of it are sent back, if it has them."""
    kind, code = refused.value
    return message(Type.ERROR, xid, kind.to_bytes(2) + code.to_bytes(2) + data[:64])

"""What a switch says that it is and can hold: its description, and the features of tables, groups and meters
(OpenFlow 1.3.5, sections 7.3.5.1, 7.3.5.5, 7.3.5.10 and 7.3.5.15).

They are kept to: what a switch tells here is what its tables take (tables.py, groups.py), also while its
conduct leaves it less room than its profile has.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Protocol

from controller.model.flow import Field
from simulator.switch import matches
from simulator.switch.instructions import KINDS_OF_ACTIONS, KINDS_OF_INSTRUCTIONS
from simulator.switch.ports import Port
from simulator.switch.profile import Profile
from simulator.switch.tables import Tables
from simulator.switch.wire import Error, Refusal

_GOTO = 1
_UNKEPT = 0xFFFFFFFFFFFFFFFF
_REGISTERS = (Field.IN_PORT.number, Field.METADATA.number)
_MASKABLE = {field.number for field in Field if field.maskable}

_DESCRIPTION = Struct("!256s256s256s32s256s")
_TABLE = Struct("!HB5x32sQQII")
_GROUP_FEATURES = Struct("!II4I4I")
_METER_FEATURES = Struct("!IIIBB2x")
_ID = Struct("!HH")

_ALL_KINDS, _WEIGHTS_AND_LIVENESS = 0b1111, 0b11
_DROP_BANDS, _KBPS_PKTPS_BURST = 1 << 1, 0b111


class Told(Protocol):
    """What of a switch is told."""

    name: str
    dpid: int
    since_s: float
    profile: Profile
    tables: Tables
    ports: dict[int, Port]

    @property
    def described(self) -> list[Port]: ...


def description(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    profile = switch.profile
    words = (profile.maker, profile.hardware, profile.software, str(switch.dpid), switch.name)
    lengths = (256, 256, 256, 32, 256)
    yield _DESCRIPTION.pack(*(word.encode()[: n - 1] for word, n in zip(words, lengths, strict=True)))


def group_features(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    done = sum(1 << kind for kind in KINDS_OF_ACTIONS)
    room = _room(switch.profile.groups, switch.tables.conduct.groups)
    yield _GROUP_FEATURES.pack(_ALL_KINDS, _WEIGHTS_AND_LIVENESS, *[room] * 4, *[done] * 4)


def meter_features(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    room = _room(switch.profile.meters, switch.tables.conduct.meters)
    yield _METER_FEATURES.pack(room, _DROP_BANDS, _KBPS_PKTPS_BURST, 1, 0)


def table_features(switch: Told, body: bytes, now_s: float) -> Iterator[bytes]:
    """Raises `Refusal` where the tables are to be made into others: these cannot."""
    if body:
        raise Refusal(Error.BAD_LENGTH)
    profile, most = switch.profile, switch.tables.conduct.rules
    for number in range(profile.tables):
        properties = b"".join(_properties(number, profile.tables))
        size, name = _TABLE.size + len(properties), f"table{number}".encode()
        room = _room(profile.room(number), most)
        yield _TABLE.pack(size, number, name, _UNKEPT, _UNKEPT, 0, room) + properties


def _properties(number: int, tables: int) -> Iterator[bytes]:
    """What a rule of this table can do; a table-miss rule can do the same, and is not told apart."""
    last = number == tables - 1
    yield _property(0, *(_ID.pack(kind, 4) for kind in KINDS_OF_INSTRUCTIONS if kind != _GOTO or not last))
    yield _property(2, bytes(range(number + 1, tables)))
    yield _property(6, *(_ID.pack(kind, 4) for kind in KINDS_OF_ACTIONS))
    yield _property(8, *((oxm | (_number(oxm) in _MASKABLE) << 8).to_bytes(4) for oxm in matches.OXM_IDS))
    yield _property(10, *(oxm.to_bytes(4) for oxm in matches.OXM_IDS))
    yield _property(14, *(oxm.to_bytes(4) for oxm in matches.OXM_IDS if _number(oxm) not in _REGISTERS))


def _number(oxm: int) -> int:
    return oxm >> 9 & 0x7F


def _property(kind: int, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return _ID.pack(kind, 4 + len(body)) + body + bytes(-(4 + len(body)) % 8)


def _room(by_profile: int, now: int | None) -> int:
    return by_profile if now is None else min(now, by_profile)

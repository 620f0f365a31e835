"""LLDP data units (IEEE 802.1AB): who stands at the other end of this cable.

A unit is a chain of type-length-value fields. The first three are fixed (chassis, port, time to live),
an end mark of zeros closes the chain, and between them anything may stand. Of that we keep the
organisation-specific values, in which switches of one make talk to each other, and step over the rest
(names, descriptions, capabilities).

This module knows the format only. What Treadle itself says in a unit, and when it believes one, is in
`controller.discovery.lldp`.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.discovery.frames.wire import Cursor, require
from controller.model.errors import ModelError
from controller.model.identity import Mac

NEAREST_BRIDGE = Mac(0x0180_C200_000E)
"""Bridges never forward frames to this address (IEEE 802.1Q, table 8-1)."""

LOCALLY_ASSIGNED = 7
"""The subtype, for a chassis as for a port, of a name that only its owner understands."""

_END, CHASSIS, PORT, _TIME_TO_LIVE, _ORGANISATIONAL = 0, 1, 2, 3, 127
_ONLY_ONCE = frozenset({CHASSIS, PORT, _TIME_TO_LIVE})
_LENGTH_BITS, _MOST_BYTES = 9, 511
_MOST_NAME_BYTES = 255


@dataclass(frozen=True, slots=True)
class LldpName:
    """The name of a chassis or a port: `value` holds 1 to 255 bytes, and `subtype` says how to read them."""

    subtype: int
    value: bytes

    def __post_init__(self) -> None:
        if not 0 < len(self.value) <= _MOST_NAME_BYTES:
            raise ModelError("an LLDP name has 1 to 255 bytes")


@dataclass(frozen=True, slots=True)
class OrganisationalTlv:
    """`organisation` is its 3-byte identifier; `value` holds 0 to 507 bytes, whose meaning that
    organisation knows.
    """

    organisation: bytes
    subtype: int
    value: bytes

    def __post_init__(self) -> None:
        if len(self.organisation) != 3 or len(self.value) > _MOST_BYTES - 4:
            raise ModelError(
                "an organisation-specific value has 3 bytes of organisation and at most 507 of its own"
            )


@dataclass(frozen=True, slots=True)
class Lldp:
    """A time to live of 0 s says goodbye."""

    chassis: LldpName
    port: LldpName
    ttl_s: int
    organisational: tuple[OrganisationalTlv, ...] = ()


def read_lldp(cursor: Cursor) -> Lldp:
    chassis = _read_name(_expect(cursor, CHASSIS))
    port = _read_name(_expect(cursor, PORT))
    ttl_s = _expect(cursor, _TIME_TO_LIVE).number(2)
    organisational = []
    kind, value = _read_tlv(cursor)
    while kind != _END:
        require(kind not in _ONLY_ONCE, "LLDP says twice what it must say once")
        if kind == _ORGANISATIONAL:
            organisational.append(OrganisationalTlv(value.take(3), value.number(1), value.rest()))
        kind, value = _read_tlv(cursor)
    require(len(value) == 0, "LLDP end mark has a length")
    return Lldp(chassis, port, ttl_s, tuple(organisational))


def _read_tlv(cursor: Cursor) -> tuple[int, Cursor]:
    head = cursor.number(2)
    return head >> _LENGTH_BITS, Cursor(cursor.take(head & _MOST_BYTES), "LLDP")


def _expect(cursor: Cursor, wanted: int) -> Cursor:
    kind, value = _read_tlv(cursor)
    require(kind == wanted, "LLDP does not begin with chassis, port and time to live")
    return value


def _read_name(value: Cursor) -> LldpName:
    subtype, name = value.number(1), value.rest()
    require(0 < len(name) <= _MOST_NAME_BYTES, "LLDP name is empty or too long")
    return LldpName(subtype, name)


def write_lldp(unit: Lldp) -> bytes:
    return b"".join(
        (
            write_name(CHASSIS, unit.chassis),
            write_name(PORT, unit.port),
            _write_tlv(_TIME_TO_LIVE, unit.ttl_s.to_bytes(2, "big")),
            *(_write_tlv(_ORGANISATIONAL, _organisational(tlv)) for tlv in unit.organisational),
            _write_tlv(_END, b""),
        )
    )


def _organisational(tlv: OrganisationalTlv) -> bytes:
    return tlv.organisation + bytes((tlv.subtype,)) + tlv.value


def write_name(kind: int, name: LldpName) -> bytes:
    return _write_tlv(kind, bytes((name.subtype,)) + name.value)


def _write_tlv(kind: int, value: bytes) -> bytes:
    return (kind << _LENGTH_BITS | len(value)).to_bytes(2, "big") + value

"""LLDP that a host cannot forge: what a port says into its cable, signed, and how the other end checks it.

Every unit carries, in one organisation-specific value,

    version 1 | switch 8 | port 4 | nonce 8 | digest 16        (bytes)

where the digest is an HMAC-SHA256 (RFC 2104), cut to 128 bits, of switch, port and nonce under a key
that only the controller has. A label in front of them keeps this use of the key apart from any other.
The readable names of chassis and port, and the time to live, follow from the signed numbers; `verify`
rebuilds the unit that it would have sent itself and accepts no other, so that no bit of ours can be
altered. (Values that the decoder steps over, such as a system name, could be added; nobody reads them.)

A controller that sends thousands of hellos a second neither builds the whole frame for each nor sets its key
up anew; and a hello that comes back as it was sent need not be taken apart to be believed (links.py).

What a digest cannot do: a host that hears a unit can send it again elsewhere, at once. The nonce is here
so that discovery can count each one once and only while it is young, and discovery also refuses links on
ports where hosts live. The Ethernet source address is not signed; nothing may be concluded from it.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from controller.discovery.frames.frame import Frame
from controller.discovery.frames.lldp import (
    CHASSIS,
    LOCALLY_ASSIGNED,
    NEAREST_BRIDGE,
    PORT,
    Lldp,
    LldpName,
    OrganisationalTlv,
    write_name,
)
from controller.discovery.frames.wire import Cursor, mac_bytes
from controller.model.flow import EtherType
from controller.model.identity import Dpid, Mac, PortNo, dpid_text

ORGANISATION = bytes((0x72, 0x64, 0x6C))
"""Ours by our own choice: an identifier with the bit "locally administered" set, which IEEE assigns to
nobody.
"""

VERSION = 1
TTL_S = 120
"""For foreign listeners (IEEE 802.1AB, 9.2.5.22 recommends it); discovery ages links by its own clock."""

DIGEST_BYTES = 16

_SUBTYPE = 1
_LABEL = b"treadle lldp advertisement 1\0"
_CLAIM_BYTES = 1 + 8 + 4 + 8 + DIGEST_BYTES
_END = bytes(2)
_BEFORE_NUMBERS = b"".join(
    (
        b"\x06\x02" + TTL_S.to_bytes(2, "big"),
        (127 << 9 | 4 + _CLAIM_BYTES).to_bytes(2, "big") + ORGANISATION + bytes((_SUBTYPE, VERSION)),
    )
)
"""What stands between the port's name and the signed numbers: the time to live, and the beginning of ours."""


@dataclass(frozen=True, slots=True)
class Advertisement:
    """The port that spoke, and the nonce it spoke with. Only `verify` makes one of what was heard."""

    dpid: Dpid
    port: PortNo
    nonce: int


class Refusal(StrEnum):
    """Why a frame is no advertisement of ours."""

    FOREIGN = "not a unit of this controller's kind"
    VERSION = "another version of the advertisement"
    FORGED = "the digest does not fit the key"
    ALTERED = "the unit is not the one that was signed"


def sign(key: bytes, dpid: Dpid, port: PortNo, nonce: int) -> bytes:
    """The digest, 16 bytes. `nonce` is below 2**64; OverflowError beyond the widths of the fields."""
    return keyed_digest(key, _LABEL, _numbers(dpid, port, nonce))[:DIGEST_BYTES]


def advertise(key: bytes, dpid: Dpid, port: PortNo, nonce: int, source_mac: Mac) -> bytes:
    """The frame for `port` of `dpid` to send into its cable."""
    head, place = _beginning(dpid, port, source_mac)
    numbers = place + nonce.to_bytes(8, "big")
    return b"".join((head, numbers, keyed_digest(key, _LABEL, numbers)[:DIGEST_BYTES], _END))


def nonce_in(content: bytes) -> int:
    """Where a hello of ours has its nonce; a meaningless number in any other frame."""
    return int.from_bytes(content[-len(_END) - DIGEST_BYTES - 8 : -len(_END) - DIGEST_BYTES], "big")


def keyed_digest(key: bytes, label: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 of label and message, 32 bytes."""
    state = _begun(key, label).copy()
    state.update(message)
    return state.digest()


@lru_cache(maxsize=8)
def _begun(key: bytes, label: bytes) -> hmac.HMAC:
    """The state of the digest after key and label; a copy of it costs a third of setting it up."""
    return hmac.new(key, label, "sha256")


@lru_cache(maxsize=1 << 16)
def _beginning(dpid: Dpid, port: PortNo, source_mac: Mac) -> tuple[bytes, bytes]:
    """What all hellos of a port begin with: the frame up to the signed numbers, and the first of those."""
    name = LldpName(LOCALLY_ASSIGNED, str(port).encode())
    frame = b"".join((_header(dpid, source_mac), write_name(PORT, name), _BEFORE_NUMBERS))
    return frame, _numbers(dpid, port, 0)[:-8]


@lru_cache(maxsize=1 << 12)
def _header(dpid: Dpid, source_mac: Mac) -> bytes:
    """Ethernet header and chassis."""
    ethernet = mac_bytes(NEAREST_BRIDGE) + mac_bytes(source_mac) + EtherType.LLDP.to_bytes(2, "big")
    return ethernet + write_name(CHASSIS, LldpName(LOCALLY_ASSIGNED, f"dpid:{dpid_text(dpid)}".encode()))


def verify(key: bytes, frame: Frame) -> Advertisement | Refusal:
    """What the frame says, if it was made by `advertise` under this key; whether it is fresh, the caller
    must know.
    """
    if not isinstance(frame.body, Lldp):
        return Refusal.FOREIGN
    claim = _claim(frame.body)
    if claim is None:
        return Refusal.FOREIGN
    if claim[0] != VERSION:
        return Refusal.VERSION
    if len(claim) != _CLAIM_BYTES:
        return Refusal.ALTERED
    said, digest = _read(claim)
    if not hmac.compare_digest(digest, sign(key, said.dpid, said.port, said.nonce)):
        return Refusal.FORGED
    expected = _unit(said.dpid, said.port, said.nonce, digest)
    header = frame.ethernet
    untouched = frame.body == expected and header.destination == NEAREST_BRIDGE and not header.tags
    return said if untouched else Refusal.ALTERED


def _claim(unit: Lldp) -> bytes | None:
    """Our value in the unit, at least one byte long; None when there is none."""
    kind = ORGANISATION, _SUBTYPE
    ours = (tlv.value for tlv in unit.organisational if (tlv.organisation, tlv.subtype) == kind)
    return next(ours, None) or None


def _read(claim: bytes) -> tuple[Advertisement, bytes]:
    cursor = Cursor(claim, "advertisement")
    cursor.take(1)
    said = Advertisement(Dpid(cursor.number(8)), PortNo(cursor.number(4)), cursor.number(8))
    return said, cursor.rest()


def _unit(dpid: Dpid, port: PortNo, nonce: int, digest: bytes) -> Lldp:
    value = bytes((VERSION,)) + _numbers(dpid, port, nonce) + digest
    return Lldp(
        chassis=LldpName(LOCALLY_ASSIGNED, f"dpid:{dpid_text(dpid)}".encode()),
        port=LldpName(LOCALLY_ASSIGNED, str(port).encode()),
        ttl_s=TTL_S,
        organisational=(OrganisationalTlv(ORGANISATION, _SUBTYPE, value),),
    )


def _numbers(dpid: Dpid, port: PortNo, nonce: int) -> bytes:
    return dpid.to_bytes(8, "big") + port.to_bytes(4, "big") + nonce.to_bytes(8, "big")

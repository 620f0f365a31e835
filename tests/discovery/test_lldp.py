"""A signed hello is believed as it was sent, and in no other shape."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.discovery.frames import Ethernet, Frame, Lldp, LldpName, OrganisationalTlv, decode, encode
from controller.discovery.lldp import ORGANISATION, Advertisement, Refusal, advertise, sign, verify
from controller.model.identity import Dpid, Mac, PortNo
from tests.discovery.captured import CAPTURED

KEY, OTHER_KEY = b"k" * 32, b"l" * 32
DPID, PORT, NONCE = Dpid(0x1_0000_0002), PortNo(3), 0x0123_4567_89AB_CDEF
SOURCE = Mac(0x02_00_00_00_00_09)
HELLO = advertise(KEY, DPID, PORT, NONCE, SOURCE)


def frame_of(content: bytes) -> Frame:
    frame = decode(content)
    assert isinstance(frame, Frame), frame
    return frame


def unit_of(frame: Frame) -> Lldp:
    assert isinstance(frame.body, Lldp)
    return frame.body


def verdict(unit: Lldp) -> Advertisement | Refusal:
    return verify(KEY, Frame(frame_of(HELLO).ethernet, unit))


@given(
    st.binary(min_size=1),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**64 - 1),
)
def test_what_was_advertised_is_verified(key: bytes, dpid: int, port: int, nonce: int) -> None:
    frame = frame_of(advertise(key, Dpid(dpid), PortNo(port), nonce, SOURCE))
    assert verify(key, frame) == Advertisement(Dpid(dpid), PortNo(port), nonce)
    assert verify(key + b"x", frame) is Refusal.FORGED


def test_the_bytes_on_the_wire_are_those_written_down() -> None:
    label = b"treadle lldp advertisement 1\0"
    digest = hmac.new(KEY, label + struct.pack(">QIQ", DPID, PORT, NONCE), hashlib.sha256).digest()[:16]
    assert sign(KEY, DPID, PORT, NONCE) == digest
    assert (
        bytes.fromhex(
            "0180c200000e 020000000009 88cc"
            "0216 07" + b"dpid:0000000100000002".hex() + "0402 07 33"
            "0602 0078"
            "fe29 72646c 01 01 0000000100000002 00000003 0123456789abcdef" + digest.hex() + "0000"
        )
        == HELLO
    )


def test_every_number_has_its_share_in_the_digest() -> None:
    digests = {
        sign(KEY, DPID, PORT, NONCE),
        sign(OTHER_KEY, DPID, PORT, NONCE),
        sign(KEY, Dpid(DPID + 1), PORT, NONCE),
        sign(KEY, DPID, PortNo(PORT + 1), NONCE),
        sign(KEY, DPID, PORT, NONCE + 1),
    }
    assert len(digests) == 5
    assert {len(digest) for digest in digests} == {16}


def test_no_bit_of_a_unit_can_be_altered() -> None:
    said = Advertisement(DPID, PORT, NONCE)
    assert verify(KEY, frame_of(HELLO)) == said
    source_bits = range(6 * 8, 12 * 8)
    for bit in set(range(len(HELLO) * 8)) - set(source_bits):
        content = HELLO[: bit // 8] + bytes((HELLO[bit // 8] ^ 1 << bit % 8,)) + HELLO[bit // 8 + 1 :]
        frame = decode(content)
        if isinstance(frame, Frame):
            assert isinstance(verify(KEY, frame), Refusal), bit


@pytest.mark.parametrize(
    "changes",
    [
        {"chassis": LldpName(7, b"dpid:0000000100000003")},
        {"chassis": LldpName(4, b"dpid:0000000100000002")},
        {"port": LldpName(7, b"4")},
        {"ttl_s": 0},
    ],
    ids=["chassis", "kind of chassis", "port", "goodbye"],
)
def test_a_true_digest_under_other_names_is_refused(changes: dict[str, object]) -> None:
    assert verdict(dataclasses.replace(unit_of(frame_of(HELLO)), **changes)) is Refusal.ALTERED  # type: ignore[arg-type]


def test_a_digest_does_not_serve_for_another_port_or_nonce() -> None:
    mine = unit_of(frame_of(HELLO)).organisational[0].value
    for port, nonce in ((4, NONCE), (PORT, NONCE + 1)):
        other = unit_of(frame_of(advertise(KEY, DPID, PortNo(port), nonce, SOURCE)))
        claim = other.organisational[0].value[:-16] + mine[-16:]
        spliced = dataclasses.replace(other, organisational=(ours(claim),))
        assert verdict(spliced) is Refusal.FORGED


def ours(value: bytes) -> OrganisationalTlv:
    return OrganisationalTlv(ORGANISATION, 1, value)


def test_a_claim_of_another_length_or_version_is_refused() -> None:
    unit = unit_of(frame_of(HELLO))
    claim = unit.organisational[0].value
    for value, refusal in (
        (b"", Refusal.FOREIGN),
        (claim[:-1], Refusal.ALTERED),
        (claim + b"\0", Refusal.ALTERED),
        (b"\x02" + claim[1:], Refusal.VERSION),
    ):
        assert verdict(dataclasses.replace(unit, organisational=(ours(value),))) is refusal


def test_a_second_value_beside_the_true_one_is_refused() -> None:
    unit = unit_of(frame_of(HELLO))
    for extra in (OrganisationalTlv(b"\x00\x12\x0f", 1, b""), unit.organisational[0]):
        assert (
            verdict(dataclasses.replace(unit, organisational=(*unit.organisational, extra)))
            is Refusal.ALTERED
        )


def test_a_hello_in_another_envelope_is_refused() -> None:
    frame = frame_of(HELLO)
    tagged = frame_of(HELLO[:12] + bytes.fromhex("81000007") + HELLO[12:])
    elsewhere = Frame(Ethernet(Mac(0x0180C2000003), SOURCE, frame.ethernet.ethertype), frame.body)
    assert verify(KEY, tagged) is Refusal.ALTERED
    assert verify(KEY, elsewhere) is Refusal.ALTERED


def test_another_makers_unit_and_other_frames_are_foreign() -> None:
    for content in CAPTURED.values():
        assert verify(KEY, frame_of(content)) is Refusal.FOREIGN


def test_a_hello_reads_back_as_it_was_written() -> None:
    for port in (1, 3, 12, 0xFFFFFF00):
        hello = advertise(KEY, DPID, PortNo(port), NONCE, SOURCE)
        assert encode(frame_of(hello)) == hello


@given(st.binary(min_size=37, max_size=37))
def test_a_made_up_claim_is_refused(value: bytes) -> None:
    unit = dataclasses.replace(unit_of(frame_of(HELLO)), organisational=(ours(b"\x01" + value[1:]),))
    assert verdict(unit) is Refusal.FORGED

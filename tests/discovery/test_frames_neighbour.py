"""Neighbour discovery believes only what RFC 4861 lets a host believe.

Each case alters one captured message and seals it again with a checksum computed here, so that nothing but
the rule in question can refuse it.
"""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from controller.discovery.frames import (
    Frame,
    Ipv6,
    Malformed,
    MulticastListener,
    NeighbourSolicitation,
    decode,
    group_mac,
    solicited_node,
)
from tests.discovery.captured import CAPTURED

PACKET_AT, SOURCE_AT, TARGET_OF_IP_AT, MESSAGE_AT = 14, 22, 38, 54
OPTION_AT = MESSAGE_AT + 24
UNSPECIFIED = bytes(16)


def sealed(frame: bytes) -> bytes:
    """The frame with lengths and checksum set right (RFC 1071, word by word; no extension headers)."""
    message = frame[MESSAGE_AT : MESSAGE_AT + 2] + bytes(2) + frame[MESSAGE_AT + 4 :]
    length = len(message).to_bytes(2, "big")
    content = frame[SOURCE_AT:MESSAGE_AT] + bytes(2) + length + bytes((0, 0, 0, 58)) + message
    total = sum(
        int.from_bytes(content[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(content), 2)
    )
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    checksum = (~total & 0xFFFF).to_bytes(2, "big")
    return frame[:18] + length + frame[20:MESSAGE_AT] + message[:2] + checksum + message[4:]


def altered(name: str, at: int, content: bytes) -> bytes:
    frame = CAPTURED[name]
    return sealed(frame[:at] + content + frame[at + len(content) :])


def packet_of(content: bytes) -> Ipv6:
    frame = decode(content)
    assert isinstance(frame, Frame), frame
    assert isinstance(frame.body, Ipv6)
    return frame.body


def test_sealing_a_captured_message_again_changes_nothing() -> None:
    for name in ("solicitation", "advertisement", "router_advertisement", "address_probe"):
        assert sealed(CAPTURED[name]) == CAPTURED[name]


@pytest.mark.parametrize(
    ("name", "at", "content", "reason"),
    [
        ("solicitation", 21, b"\xfe", "neighbour discovery from beyond the link"),
        ("advertisement", 21, b"\x40", "neighbour discovery from beyond the link"),
        ("router_advertisement", 21, b"\xfe", "neighbour discovery from beyond the link"),
        ("solicitation", MESSAGE_AT + 1, b"\x01", "neighbour discovery has a code"),
        ("solicitation", MESSAGE_AT + 8, b"\xff", "neighbour discovery for a group address"),
        ("advertisement", MESSAGE_AT + 8, b"\xff", "neighbour discovery for a group address"),
        ("advertisement", TARGET_OF_IP_AT, b"\xff", "solicited advertisement to a group"),
        ("solicitation", OPTION_AT + 1, b"\x00", "neighbour discovery option of length zero"),
        ("router_advertisement", MESSAGE_AT + 17, b"\x00", "neighbour discovery option of length zero"),
        ("solicitation", OPTION_AT + 1, b"\x02", "ICMPv6 is truncated"),
        ("solicitation", SOURCE_AT, UNSPECIFIED, "sender without address tells its MAC"),
        ("router_solicitation", SOURCE_AT, UNSPECIFIED, "sender without address tells its MAC"),
        ("address_probe", TARGET_OF_IP_AT + 15, b"\x03", "address probe is not sent to its group"),
        ("router_advertisement", SOURCE_AT, b"\xfd", "router does not use its link-local address"),
        ("solicitation", SOURCE_AT, b"\xff", "IPv6 source is a group address"),
        ("solicitation", PACKET_AT, b"\x40", "IPv6 has another version"),
    ],
)
def test_a_message_that_breaks_a_rule_is_malformed(name: str, at: int, content: bytes, reason: str) -> None:
    assert decode(altered(name, at, content)) == Malformed(reason)


def test_a_wrong_checksum_is_malformed_for_listeners_too() -> None:
    for name in ("solicitation", "listener_report"):
        frame = CAPTURED[name]
        assert decode(frame[:-1] + bytes((frame[-1] ^ 1,))) == Malformed("ICMPv6 checksum is wrong")


def test_a_link_layer_address_of_another_length_is_malformed() -> None:
    longer = sealed(CAPTURED["solicitation"][:OPTION_AT] + bytes((1, 2)) + bytes(14))
    assert decode(longer) == Malformed("link-layer address is not Ethernet's")


def test_of_two_link_layer_addresses_the_first_counts() -> None:
    twice = sealed(CAPTURED["solicitation"] + bytes.fromhex("0101 02000a0000ff"))
    assert packet_of(twice).body == packet_of(CAPTURED["solicitation"]).body


def test_foreign_options_are_stepped_over() -> None:
    whole = CAPTURED["solicitation"]
    nonce_first = sealed(whole[:OPTION_AT] + bytes.fromhex("0e01 0123456789ab") + whole[OPTION_AT:])
    assert packet_of(nonce_first) == packet_of(whole)


def test_the_option_of_an_answer_does_not_serve_in_a_question() -> None:
    question = altered("solicitation", OPTION_AT, b"\x02")
    assert packet_of(question).body == NeighbourSolicitation(IPv6Address("fd00::2"), None)


def test_only_a_question_without_sender_is_an_address_probe() -> None:
    assert packet_of(CAPTURED["address_probe"]).is_address_probe
    assert not packet_of(CAPTURED["solicitation"]).is_address_probe
    assert not packet_of(CAPTURED["listener_report"]).is_address_probe


# ---- extension headers ----


def extended(name: str, kind: int, header: bytes) -> bytes:
    """The captured packet with one extension header in front of its message."""
    frame = CAPTURED[name]
    length = (len(frame) - MESSAGE_AT + len(header)).to_bytes(2, "big")
    return frame[:18] + length + bytes((kind,)) + frame[21:MESSAGE_AT] + header + frame[MESSAGE_AT:]


@pytest.mark.parametrize("kind", [0, 43, 60])
def test_a_message_is_found_behind_extension_headers(kind: int) -> None:
    assert packet_of(extended("solicitation", kind, bytes((58, 0)) + bytes(6))) == packet_of(
        CAPTURED["solicitation"]
    )
    assert packet_of(extended("solicitation", kind, bytes((58, 1)) + bytes(14))) == packet_of(
        CAPTURED["solicitation"]
    )


def test_an_extension_header_longer_than_the_packet_is_malformed() -> None:
    assert decode(extended("solicitation", 0, bytes((58, 255)) + bytes(6))) == Malformed(
        "IPv6 payload is truncated"
    )


def test_neighbour_discovery_in_a_fragment_is_ignored() -> None:
    packet = packet_of(extended("solicitation", 44, bytes((58, 0)) + bytes(6)))
    assert (packet.protocol, packet.body) == (58, None)


@pytest.mark.parametrize("kind", [130, 131, 132, 143])
def test_listener_messages_are_recognised(kind: int) -> None:
    assert packet_of(altered("router_solicitation", MESSAGE_AT, bytes((kind,)))).body == MulticastListener(
        kind
    )


@pytest.mark.parametrize("kind", [1, 3, 128, 129, 137, 142, 144])
def test_the_rest_of_icmpv6_is_not_read(kind: int) -> None:
    assert packet_of(altered("router_solicitation", MESSAGE_AT, bytes((kind,)))).body is None


# ---- groups ----


def test_the_solicited_node_group_is_that_of_rfc_4291() -> None:
    assert solicited_node(IPv6Address("4037::01:800:200e:8c6c")) == IPv6Address("ff02::1:ff0e:8c6c")


def test_the_mac_address_of_a_group_is_that_of_rfc_2464() -> None:
    assert group_mac(IPv6Address("ff02::1:ff0e:8c6c")) == 0x3333FF0E8C6C

"""What Treadle says is what Linux says in its place, byte for byte where both have a choice of bytes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest

from controller.discovery.frames import (
    Frame,
    Ipv4,
    Ipv6,
    NeighbourSolicitation,
    UnreachableV4,
    UnreachableV6,
    VlanTag,
    advertisement,
    announcement,
    arp_announcement,
    arp_reply,
    arp_request,
    decode,
    encode,
    solicitation,
    unreachable_v4,
    unreachable_v6,
)
from controller.discovery.frames.wire import internet_checksum
from controller.model.identity import BROADCAST, Mac, parse_mac
from tests.discovery.captured import CAPTURED

ONE, TWO = parse_mac("02:00:0a:00:00:01"), parse_mac("02:00:0a:00:00:02")
IP_ONE, IP_TWO = IPv4Address("10.0.0.55"), IPv4Address("10.0.0.2")
IP6_ONE, IP6_TWO = IPv6Address("fd00::aff:fe00:1"), IPv6Address("fd00::2")
LINK_TWO = IPv6Address("fe80::aff:fe00:2")
NOBODY6 = IPv6Address("::")
TAGS = (VlanTag(0x8100, 7),)

ERROR4_AT, ERROR6_AT = 14 + 20, 14 + 40


def padded(frame: bytes) -> bytes:
    return frame.ljust(60, b"\0")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        (arp_request(ONE, IP_ONE, IP_TWO), "arp_request"),
        (arp_request(TWO, IP_TWO, IP_ONE, to=ONE), "arp_unicast_request"),
        (arp_request(ONE, IPv4Address(0), IP_ONE), "arp_probe"),
        (arp_reply(TWO, IP_TWO, ONE, IP_ONE), "arp_reply"),
        (solicitation(ONE, IP6_ONE, IP6_TWO), "solicitation"),
        (solicitation(TWO, LINK_TWO, IP6_ONE, to=ONE), "unicast_solicitation"),
        (advertisement(TWO, IP6_TWO, ONE, IP6_ONE), "advertisement"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_questions_and_answers_are_those_of_linux(said: Frame, name: str) -> None:
    assert encode(said) == padded(CAPTURED[name])


def test_an_arp_announcement_tells_everyone_of_its_own_address() -> None:
    frame = arp_announcement(ONE, IPv4Address("10.0.0.1"))
    linux = CAPTURED["arp_announcement"]
    no_target = linux[:32] + bytes(6) + linux[38:]  # busybox fills in broadcast, where RFC 5227 wants zeros
    assert encode(frame) == padded(no_target)


def test_an_address_probe_names_no_mac_and_goes_to_the_group() -> None:
    frame = solicitation(ONE, NOBODY6, IP6_TWO, to=TWO)
    group = IPv6Address("ff02::1:ff00:2")
    assert frame.body == Ipv6(NOBODY6, group, 58, NeighbourSolicitation(IP6_TWO, None))
    assert frame.ethernet.destination == 0x3333FF000002
    assert frame.body == frame_of("address_probe").body


def test_one_who_asks_without_an_address_is_told_through_all_nodes() -> None:
    frame = advertisement(TWO, IP6_TWO, ONE, NOBODY6)
    assert frame == announcement(TWO, IP6_TWO)
    assert frame.ethernet.destination == 0x333300000001
    assert encode(frame)[14 + 24 : 14 + 40] == IPv6Address("ff02::1").packed
    assert encode(frame)[54 + 4] == 0x20


def test_a_router_says_that_it_is_one() -> None:
    assert encode(advertisement(TWO, IP6_TWO, ONE, IP6_ONE, router=True))[54 + 4] == 0xE0


@pytest.mark.parametrize(
    "frame",
    [
        arp_request(ONE, IP_ONE, IP_TWO, tags=TAGS),
        arp_reply(ONE, IP_ONE, TWO, IP_TWO, tags=TAGS),
        arp_announcement(ONE, IP_ONE, tags=TAGS),
        solicitation(ONE, IP6_ONE, IP6_TWO, tags=TAGS),
        advertisement(ONE, IP6_ONE, TWO, IP6_TWO, tags=TAGS),
        advertisement(ONE, IP6_ONE, TWO, NOBODY6, tags=TAGS),
        announcement(ONE, IP6_ONE, tags=TAGS),
    ],
)
def test_what_is_said_stays_in_its_vlan_and_reads_back(frame: Frame) -> None:
    assert decode(encode(frame)) == frame
    assert frame.ethernet.vlan == 7
    assert frame.consistent


# ---- destination unreachable ----


def test_unreachable_over_ipv4_is_that_of_linux() -> None:
    said = unreachable_v4(CAPTURED["udp4"], TWO, IP_TWO, UnreachableV4.PORT)
    linux = CAPTURED["udp4_unreachable"]
    assert said is not None
    assert said[:14] == linux[:14]
    assert said[ERROR4_AT:] == linux[ERROR4_AT:]
    assert internet_checksum(said[14:ERROR4_AT]) == 0
    assert decode(said) == Frame(frame_of("udp4_unreachable").ethernet, Ipv4(IP_TWO, IP_ONE, 1))


def test_unreachable_over_ipv6_is_that_of_linux() -> None:
    said = unreachable_v6(CAPTURED["udp6"], TWO, IP6_TWO, UnreachableV6.PORT)
    linux = CAPTURED["udp6_unreachable"]
    assert said is not None
    assert said[:14] == linux[:14]
    assert said[18:] == linux[18:]  # all but the flow label, which is free


def frame_of(name: str) -> Frame:
    frame = decode(CAPTURED[name])
    assert isinstance(frame, Frame)
    return frame


def test_the_code_tells_why() -> None:
    four = unreachable_v4(CAPTURED["udp4"], TWO, IP_TWO, UnreachableV4.PROHIBITED)
    six = unreachable_v6(CAPTURED["udp6"], TWO, IP6_TWO, UnreachableV6.ADDRESS)
    assert four is not None
    assert six is not None
    assert four[ERROR4_AT : ERROR4_AT + 2] == bytes((3, 13))
    assert internet_checksum(four[ERROR4_AT:]) == 0
    assert six[ERROR6_AT : ERROR6_AT + 2] == bytes((1, 3))


def test_a_long_packet_is_quoted_up_to_what_every_link_carries() -> None:
    four = unreachable_v4(CAPTURED["fragment4_first"], TWO, IP_TWO, UnreachableV4.HOST)
    six = unreachable_v6(CAPTURED["fragment6_first"], TWO, IP6_TWO, UnreachableV6.ADDRESS)
    assert four is not None
    assert six is not None
    assert len(four) == 14 + 576
    assert len(six) == 14 + 1280
    assert four[ERROR4_AT + 8 :] == CAPTURED["fragment4_first"][14:][: 576 - 28]
    assert six[ERROR6_AT + 8 :] == CAPTURED["fragment6_first"][14:][: 1280 - 48]
    assert internet_checksum(four[ERROR4_AT:]) == 0
    assert isinstance(decode(six), Frame)


def test_padding_is_not_quoted() -> None:
    assert unreachable_v4(CAPTURED["udp4"] + bytes(11), TWO, IP_TWO, UnreachableV4.HOST) == unreachable_v4(
        CAPTURED["udp4"], TWO, IP_TWO, UnreachableV4.HOST
    )
    assert unreachable_v6(
        CAPTURED["udp6"] + bytes(11), TWO, IP6_TWO, UnreachableV6.ADDRESS
    ) == unreachable_v6(CAPTURED["udp6"], TWO, IP6_TWO, UnreachableV6.ADDRESS)


def test_a_ping_is_told_and_an_error_is_not() -> None:
    assert unreachable_v4(CAPTURED["ping4"], TWO, IP_TWO, UnreachableV4.HOST) is not None
    assert unreachable_v6(CAPTURED["ping6"], TWO, IP6_TWO, UnreachableV6.ADDRESS) is not None
    assert unreachable_v4(CAPTURED["udp4_unreachable"], TWO, IP_TWO, UnreachableV4.HOST) is None
    assert unreachable_v6(CAPTURED["udp6_unreachable"], TWO, IP6_TWO, UnreachableV6.ADDRESS) is None


def with_ipv4(at: int, content: bytes) -> bytes:
    """The captured datagram with other bytes in its IPv4 header, whose checksum is set right."""
    frame = CAPTURED["udp4"]
    header = bytearray(frame[14:34])
    header[at : at + len(content)] = content
    header[10:12] = bytes(2)
    header[10:12] = internet_checksum(bytes(header)).to_bytes(2, "big")
    return frame[:14] + bytes(header) + frame[34:]


@pytest.mark.parametrize(
    ("at", "content"),
    [
        (6, bytes((0, 1))),
        (12, IPv4Address("0.0.0.0").packed),
        (12, IPv4Address("127.0.0.1").packed),
        (12, IPv4Address("224.0.0.5").packed),
        (12, IPv4Address("255.255.255.255").packed),
        (16, IPv4Address("224.0.0.5").packed),
        (16, IPv4Address("255.255.255.255").packed),
        (9, bytes((1,))),
    ],
    ids=["fragment", "nobody", "loopback", "from group", "from all", "to group", "to all", "unknown icmp"],
)
def test_an_ipv4_packet_that_must_not_be_answered_is_not(at: int, content: bytes) -> None:
    assert unreachable_v4(with_ipv4(at, content), TWO, IP_TWO, UnreachableV4.HOST) is None


def test_a_packet_to_the_world_outside_is_answered() -> None:
    outwards = with_ipv4(16, IPv4Address("8.8.8.8").packed)
    assert unreachable_v4(outwards, TWO, IP_TWO, UnreachableV4.NETWORK) is not None


def test_a_more_fragments_flag_alone_does_not_silence() -> None:
    assert unreachable_v4(with_ipv4(6, bytes((0x20, 0))), TWO, IP_TWO, UnreachableV4.HOST) is not None


@pytest.mark.parametrize(
    ("at", "content"),
    [(8, bytes(16)), (8, bytes(15) + b"\x01"), (8, b"\xff"), (24, b"\xff")],
    ids=["nobody", "loopback", "from group", "to group"],
)
def test_an_ipv6_packet_that_must_not_be_answered_is_not(at: int, content: bytes) -> None:
    frame = CAPTURED["udp6"]
    changed = frame[: 14 + at] + content + frame[14 + at + len(content) :]
    assert unreachable_v6(changed, TWO, IP6_TWO, UnreachableV6.ADDRESS) is None


def test_icmpv6_that_may_be_an_error_is_not_answered() -> None:
    ping = CAPTURED["ping6"]
    redirect = ping[:54] + bytes((137,)) + ping[55:]
    hidden = ping[:18] + b"\0\x08" + bytes((44,)) + ping[21:54] + bytes((58, 0, 0, 8)) + bytes(4)
    assert unreachable_v6(redirect, TWO, IP6_TWO, UnreachableV6.ADDRESS) is None
    assert unreachable_v6(hidden, TWO, IP6_TWO, UnreachableV6.ADDRESS) is None


@pytest.mark.parametrize("destination", [BROADCAST, Mac(0x333300000001)])
def test_a_frame_to_a_group_is_not_answered(destination: Mac) -> None:
    four = destination.to_bytes(6, "big") + CAPTURED["udp4"][6:]
    six = destination.to_bytes(6, "big") + CAPTURED["udp6"][6:]
    assert unreachable_v4(four, TWO, IP_TWO, UnreachableV4.HOST) is None
    assert unreachable_v6(six, TWO, IP6_TWO, UnreachableV6.ADDRESS) is None


def test_what_is_no_packet_of_that_kind_is_not_answered() -> None:
    for name, whole in CAPTURED.items():
        if name != "udp4":
            assert unreachable_v4(whole[:20], TWO, IP_TWO, UnreachableV4.HOST) is None
    other_type = CAPTURED["udp4"][:13] + b"\x01" + CAPTURED["udp4"][14:]
    assert unreachable_v4(other_type, TWO, IP_TWO, UnreachableV4.HOST) is None
    assert unreachable_v4(CAPTURED["udp6"], TWO, IP_TWO, UnreachableV4.HOST) is None
    assert unreachable_v6(CAPTURED["udp4"], TWO, IP6_TWO, UnreachableV6.ADDRESS) is None
    assert unreachable_v6(CAPTURED["udp6"][:-1], TWO, IP6_TWO, UnreachableV6.ADDRESS) is None


def test_the_answer_goes_back_in_the_vlan_it_came_from() -> None:
    tagged = CAPTURED["udp4"][:12] + bytes.fromhex("81000007") + CAPTURED["udp4"][12:]
    said = unreachable_v4(tagged, TWO, IP_TWO, UnreachableV4.HOST)
    assert said is not None
    answer = decode(said)
    assert isinstance(answer, Frame)
    assert answer.ethernet.vlan == 7

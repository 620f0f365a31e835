"""Decoding: what real hosts sent, what we say ourselves, and what a stranger may make of either."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controller.discovery.frames import (
    Arp,
    ArpOperation,
    Dhcp,
    DhcpMessage,
    DhcpOperation,
    Ethernet,
    Frame,
    Ipv4,
    Ipv6,
    Lldp,
    LldpName,
    Malformed,
    MulticastListener,
    NeighbourAdvertisement,
    NeighbourSolicitation,
    OrganisationalTlv,
    RouterAdvertisement,
    RouterSolicitation,
    VlanTag,
    decode,
    encode,
)
from controller.discovery.frames.frame import Body
from controller.discovery.frames.wire import internet_checksum
from controller.model.errors import ModelError
from controller.model.flow import EtherType
from controller.model.identity import BROADCAST, Mac, parse_mac
from tests.discovery.captured import CAPTURED

ONE, TWO = parse_mac("02:00:0a:00:00:01"), parse_mac("02:00:0a:00:00:02")
IP_ONE, IP_TWO = IPv4Address("10.0.0.55"), IPv4Address("10.0.0.2")
NOBODY = IPv4Address("0.0.0.0")
IP6_ONE, IP6_TWO = IPv6Address("fd00::aff:fe00:1"), IPv6Address("fd00::2")
LINK_ONE, LINK_TWO = IPv6Address("fe80::aff:fe00:1"), IPv6Address("fe80::aff:fe00:2")
GROUP_TWO = IPv6Address("ff02::1:ff00:2")
OVS = parse_mac("d2:7b:1f:ed:94:9d")


def dhcp(message: DhcpMessage, from_server: bool, your_ip: IPv4Address, server: IPv4Address | None) -> Ipv4:
    operation = DhcpOperation.FROM_SERVER if from_server else DhcpOperation.FROM_CLIENT
    ends = (IP_TWO, IP_ONE) if from_server else (NOBODY, IPv4Address("255.255.255.255"))
    return Ipv4(*ends, 17, Dhcp(operation, message, ONE, NOBODY, your_ip, NOBODY, server))


MEANINGS: dict[str, Body] = {
    "arp_request": Arp(ArpOperation.REQUEST, ONE, IP_ONE, Mac(0), IP_TWO),
    "arp_reply": Arp(ArpOperation.REPLY, TWO, IP_TWO, ONE, IP_ONE),
    "arp_unicast_request": Arp(ArpOperation.REQUEST, TWO, IP_TWO, Mac(0), IP_ONE),
    "arp_probe": Arp(ArpOperation.REQUEST, ONE, NOBODY, Mac(0), IP_ONE),
    "arp_announcement": Arp(
        ArpOperation.REQUEST, ONE, IPv4Address("10.0.0.1"), BROADCAST, IPv4Address("10.0.0.1")
    ),
    "arp_announcement_as_reply": Arp(
        ArpOperation.REPLY, ONE, IPv4Address("10.0.0.1"), ONE, IPv4Address("10.0.0.1")
    ),
    "dhcp_discover": dhcp(DhcpMessage.DISCOVER, False, NOBODY, None),
    "dhcp_offer": dhcp(DhcpMessage.OFFER, True, IP_ONE, IP_TWO),
    "dhcp_request": dhcp(DhcpMessage.REQUEST, False, NOBODY, IP_TWO),
    "dhcp_ack": dhcp(DhcpMessage.ACK, True, IP_ONE, IP_TWO),
    "ping4": Ipv4(IP_ONE, IP_TWO, 1),
    "udp4": Ipv4(IP_ONE, IP_TWO, 17),
    "udp4_unreachable": Ipv4(IP_TWO, IP_ONE, 1),
    "fragment4_first": Ipv4(IP_ONE, IP_TWO, 17),
    "fragment4_last": Ipv4(IP_ONE, IP_TWO, 17),
    "ping6": Ipv6(IP6_ONE, IP6_TWO, 58),
    "udp6": Ipv6(IP6_ONE, IP6_TWO, 17),
    "udp6_unreachable": Ipv6(IP6_TWO, IP6_ONE, 58),
    "fragment6_first": Ipv6(IP6_ONE, IP6_TWO, 17),
    "fragment6_last": Ipv6(IP6_ONE, IP6_TWO, 17),
    "solicitation": Ipv6(IP6_ONE, GROUP_TWO, 58, NeighbourSolicitation(IP6_TWO, ONE)),
    "advertisement": Ipv6(
        IP6_TWO, IP6_ONE, 58, NeighbourAdvertisement(IP6_TWO, TWO, solicited=True, override=True)
    ),
    "unicast_solicitation": Ipv6(LINK_TWO, IP6_ONE, 58, NeighbourSolicitation(IP6_ONE, TWO)),
    "short_advertisement": Ipv6(IP6_ONE, LINK_TWO, 58, NeighbourAdvertisement(IP6_ONE, None, solicited=True)),
    "address_probe": Ipv6(IPv6Address("::"), GROUP_TWO, 58, NeighbourSolicitation(IP6_TWO, None)),
    "router_solicitation": Ipv6(LINK_TWO, IPv6Address("ff02::2"), 58, RouterSolicitation(TWO)),
    "router_advertisement": Ipv6(LINK_TWO, IPv6Address("ff02::1"), 58, RouterAdvertisement(TWO, 1800)),
    "listener_report": Ipv6(IPv6Address("::"), IPv6Address("ff02::16"), 58, MulticastListener(143)),
    "lldp": Lldp(
        LldpName(4, bytes.fromhex("d27b1fed949d")),
        LldpName(5, b"frv25702"),
        120,
        (
            OrganisationalTlv(
                bytes.fromhex("00040d"), 11, bytes(32) + bytes.fromhex("38000000d27b1fed949d00000000")
            ),
        ),
    ),
}


def body_of(content: bytes) -> Body:
    frame = decode(content)
    assert isinstance(frame, Frame), frame
    return frame.body


def changed(content: bytes, at: int, value: int) -> bytes:
    return content[:at] + bytes((value,)) + content[at + 1 :]


# ---- what real hosts sent ----


@pytest.mark.parametrize("name", CAPTURED)
def test_a_captured_frame_means_what_its_sender_meant(name: str) -> None:
    frame = decode(CAPTURED[name])
    assert isinstance(frame, Frame)
    assert frame.body == MEANINGS[name]
    assert frame.ethernet.source in (ONE, TWO, OVS)
    assert frame.consistent


@pytest.mark.parametrize("name", CAPTURED)
def test_a_frame_cut_short_anywhere_is_malformed(name: str) -> None:
    whole = CAPTURED[name]
    needed = 42 if name.startswith("arp") else len(whole)
    for length in range(needed):
        assert isinstance(decode(whole[:length]), Malformed), length


@pytest.mark.parametrize("name", [name for name in CAPTURED if not name.startswith("fragment")])
def test_a_flipped_bit_changes_no_address_that_a_checksum_guards(name: str) -> None:
    whole, meaning = CAPTURED[name], MEANINGS[name]
    guarded = isinstance(meaning, Ipv4) or (isinstance(meaning, Ipv6) and meaning.body is not None)
    for bit in range(len(whole) * 8):
        got = decode(changed(whole, bit // 8, whole[bit // 8] ^ 1 << bit % 8))
        assert isinstance(got, Frame | Malformed)
        if guarded and isinstance(got, Frame) and got.ethernet.ethertype in (EtherType.IPV4, EtherType.IPV6):
            assert _guarded_part(got.body) in (_guarded_part(meaning), None)


def _guarded_part(body: Body) -> object:
    """What must survive or vanish: the header of IPv4; the message of ICMPv6 and the addresses around it."""
    if isinstance(body, Ipv4):
        return body.source, body.destination, body.protocol
    if isinstance(body, Ipv6) and body.body is not None:
        return body
    return None


@given(st.binary(max_size=200))
@example(b"")
def test_any_bytes_decode_to_a_value(content: bytes) -> None:
    assert isinstance(decode(content), Frame | Malformed)


@given(st.sampled_from([name for name in CAPTURED if not name.startswith("frag")]), st.data())
def test_any_bytes_behind_a_true_beginning_decode_to_a_value(name: str, data: st.DataObject) -> None:
    whole = CAPTURED[name]
    kept = data.draw(st.integers(0, len(whole)))
    assert isinstance(decode(whole[:kept] + data.draw(st.binary(max_size=64))), Frame | Malformed)


def test_padding_is_no_part_of_what_it_pads() -> None:
    for name in ("arp_request", "udp4", "dhcp_ack", "advertisement", "lldp"):
        assert body_of(CAPTURED[name] + b"\xff" * 40) == MEANINGS[name]


# ---- Ethernet ----


def test_two_tags_are_kept_and_read_through() -> None:
    plain = CAPTURED["arp_request"]
    frame = decode(plain[:12] + bytes.fromhex("88a86064 8100e007") + plain[12:])
    assert isinstance(frame, Frame)
    assert frame.ethernet.tags == (VlanTag(0x88A8, 0x6064), VlanTag(0x8100, 0xE007))
    assert (frame.ethernet.vlan, frame.ethernet.tags[0].priority, frame.ethernet.tags[1].vlan) == (100, 3, 7)
    assert frame.body == MEANINGS["arp_request"]


def test_a_priority_tag_names_no_vlan() -> None:
    plain = CAPTURED["arp_request"]
    frame = decode(plain[:12] + bytes.fromhex("8100e000") + plain[12:])
    assert isinstance(frame, Frame)
    assert frame.ethernet.vlan is None


def test_nothing_is_read_behind_a_third_tag() -> None:
    plain = CAPTURED["arp_request"]
    frame = decode(plain[:12] + bytes.fromhex("81000001" * 3) + plain[12:])
    assert isinstance(frame, Frame)
    assert (frame.ethernet.ethertype, len(frame.ethernet.tags), frame.body) == (EtherType.VLAN, 2, None)


def test_spanning_tree_is_a_header_and_no_more() -> None:
    bpdu = bytes.fromhex("0180c2000000 02000a000001 0026 424203") + bytes(43)
    assert decode(bpdu) == Frame(Ethernet(Mac(0x0180C2000000), ONE, 0x26), None)


def test_a_length_field_beyond_the_frame_is_malformed() -> None:
    bpdu = bytes.fromhex("0180c2000000 02000a000001 0026 424203")
    assert decode(bpdu) == Malformed("length field exceeds the frame")


@pytest.mark.parametrize("number", ["0003", "0600"], ids=["exact length", "first type"])
def test_length_ends_and_type_begins_where_the_standard_says(number: str) -> None:
    frame = bytes.fromhex("0180c2000000 02000a000001") + bytes.fromhex(number) + bytes.fromhex("424203")
    assert decode(frame) == Frame(Ethernet(Mac(0x0180C2000000), ONE, int(number, 16)), None)


def test_a_group_speaks_in_no_frame() -> None:
    assert decode(changed(CAPTURED["arp_request"], 6, 0x03)) == Malformed("source is a group address")
    with pytest.raises(ModelError):
        Ethernet(ONE, BROADCAST, EtherType.ARP)


# ---- ARP ----


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (15, 6, "ARP is not for IPv4 over Ethernet"),
        (16, 0x86, "ARP is not for IPv4 over Ethernet"),
        (18, 8, "ARP is not for IPv4 over Ethernet"),
        (19, 16, "ARP is not for IPv4 over Ethernet"),
        (21, 3, "ARP operation is neither request nor reply"),
        (21, 0, "ARP operation is neither request nor reply"),
    ],
)
def test_another_arp_is_malformed(at: int, value: int, reason: str) -> None:
    assert decode(changed(CAPTURED["arp_request"], at, value)) == Malformed(reason)


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("arp_reply", 27),
        ("dhcp_discover", 75),
    ],
)
def test_who_names_another_sender_is_not_consistent(name: str, at: int) -> None:
    frame = decode(changed(CAPTURED[name], at, 0x77))
    assert isinstance(frame, Frame)
    assert frame.claimed_mac == (frame.ethernet.source & ~0xFF) | 0x77
    assert not frame.consistent


@pytest.mark.parametrize(
    "name", ["solicitation", "advertisement", "router_solicitation", "router_advertisement"]
)
def test_a_neighbour_with_another_mac_in_its_option_is_not_consistent(name: str) -> None:
    frame = decode(changed(CAPTURED[name], 11, 0x77))
    assert isinstance(frame, Frame)
    assert frame.claimed_mac in (ONE, TWO)
    assert not frame.consistent


def test_a_server_or_a_relay_may_speak_of_a_client_that_is_not_itself() -> None:
    offer = decode(CAPTURED["dhcp_offer"])
    relayed = decode(changed(changed(CAPTURED["dhcp_discover"], 14 + 28 + 24, 10), 75, 0x77))
    assert isinstance(offer, Frame)
    assert isinstance(relayed, Frame)
    assert offer.ethernet.source == TWO
    assert offer.consistent
    assert relayed.consistent


def test_probe_and_announcement_are_told_apart() -> None:
    kinds = {
        name: (arp.is_probe, arp.is_announcement)
        for name, arp in MEANINGS.items()
        if isinstance(arp, Arp) and name not in ("arp_request", "arp_unicast_request", "arp_reply")
    }
    assert kinds == {
        "arp_probe": (True, False),
        "arp_announcement": (False, True),
        "arp_announcement_as_reply": (False, True),
    }
    ordinary = MEANINGS["arp_request"]
    assert isinstance(ordinary, Arp)
    assert not ordinary.is_probe
    assert not ordinary.is_announcement


# ---- IPv4 and DHCP ----

DHCP_AT = 14 + 20 + 8
OPTIONS_AT = DHCP_AT + 240


@pytest.mark.parametrize(
    ("at", "value", "reason"),
    [
        (14, 0x65, "IPv4 has another version"),
        (14, 0x44, "IPv4 header length is too small"),
        (14 + 2, 0xFF, "IPv4 is truncated"),
        (14 + 10, 0, "IPv4 checksum is wrong"),
        (34 + 5, 7, "UDP length is too small"),
        (34 + 4, 0xFF, "UDP is truncated"),
        (DHCP_AT, 3, "DHCP operation is unknown"),
        (DHCP_AT + 2, 16, "DHCP is not for Ethernet"),
        (DHCP_AT + 236, 0, "DHCP has no options"),
        (OPTIONS_AT, 52, "DHCP has no message type"),
        (OPTIONS_AT + 1, 0xFF, "DHCP is truncated"),
        (OPTIONS_AT + 2, 9, "DHCP message type is unknown"),
    ],
)
def test_a_dhcp_message_that_lies_is_malformed(at: int, value: int, reason: str) -> None:
    whole = changed(CAPTURED["dhcp_offer"], at, value)
    if at == 34 + 5:
        whole = changed(whole, 34 + 4, 0)  # a length below that of UDP's own header
    assert decode(whole) == Malformed(reason)


def ipv4(header: str, payload: str = "") -> bytes:
    """A frame whose IPv4 header is given up to the protocol; the rest of it is made right."""
    start, ends = bytes.fromhex(header), IP_ONE.packed + IP_TWO.packed
    options = bytes((start[0] & 15) * 4 - 20)
    checksum = internet_checksum(start, ends, options).to_bytes(2, "big")
    return CAPTURED["udp4"][:14] + start + checksum + ends + options + bytes.fromhex(payload)


def test_a_header_alone_is_a_packet() -> None:
    assert body_of(ipv4("4500 0014 00000000 403b")) == Ipv4(IP_ONE, IP_TWO, 59)


def test_a_header_longer_than_its_packet_is_malformed() -> None:
    assert decode(ipv4("4600 0014 00000000 403b")) == Malformed("IPv4 header exceeds the packet")
    assert body_of(ipv4("4600 0018 00000000 403b")) == Ipv4(IP_ONE, IP_TWO, 59)


def test_a_datagram_may_be_empty() -> None:
    assert body_of(ipv4("4500 001c 00000000 4011", "0400 0009 0008 0000")) == Ipv4(IP_ONE, IP_TWO, 17)


def test_dhcp_between_other_ports_is_not_dhcp() -> None:
    assert body_of(changed(CAPTURED["dhcp_offer"], 35, 66)) == Ipv4(IP_TWO, IP_ONE, 17)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("3500 ff", "DHCP message type is unknown"),
        ("35020001 ff", "DHCP message type is unknown"),
        ("350101 3603 0a0000 ff", "DHCP server identifier is not an address"),
        ("350101 3600 ff", "DHCP server identifier is not an address"),
        ("350101", "DHCP is truncated"),
    ],
)
def test_options_that_lie_are_malformed(options: str, reason: str) -> None:
    assert decode(with_options(options)) == Malformed(reason)


def test_of_an_option_given_twice_the_first_counts_and_padding_is_skipped() -> None:
    body = body_of(with_options("0000 350102 00 350105 3604 0a000002 ff"))
    assert body == MEANINGS["dhcp_offer"]


def with_options(options: str) -> bytes:
    """The captured offer with other options, filled up with padding."""
    whole = CAPTURED["dhcp_offer"]
    return whole[:OPTIONS_AT] + bytes.fromhex(options).ljust(len(whole) - OPTIONS_AT, b"\0")


# ---- LLDP ----


def lldp_frame(*tlvs: str) -> bytes:
    return bytes.fromhex("0180c200000e 02000a000001 88cc" + "".join(tlvs))


CHASSIS, PORT, TTL, END = "0202 0761", "0402 0762", "0602 0078", "0000"


def test_the_shortest_unit_is_read() -> None:
    assert body_of(lldp_frame(CHASSIS, PORT, TTL, END)) == Lldp(LldpName(7, b"a"), LldpName(7, b"b"), 120)


def test_the_longest_name_is_read() -> None:
    longest = f"{0x0200 | 256:04x}07" + "61" * 255
    unit = body_of(lldp_frame(longest, PORT, TTL, END))
    assert unit == Lldp(LldpName(7, b"a" * 255), LldpName(7, b"b"), 120)


@pytest.mark.parametrize(
    ("tlvs", "reason"),
    [
        ((PORT, CHASSIS, TTL, END), "LLDP does not begin with chassis, port and time to live"),
        ((CHASSIS, PORT, END), "LLDP does not begin with chassis, port and time to live"),
        ((CHASSIS, PORT, TTL, PORT, END), "LLDP says twice what it must say once"),
        (("0201 07", PORT, TTL, END), "LLDP name is empty or too long"),
        (("0200", PORT, TTL, END), "LLDP is truncated"),
        ((f"{0x0200 | 257:04x}07" + "61" * 256, PORT, TTL, END), "LLDP name is empty or too long"),
        ((CHASSIS, PORT, "0601 78", END), "LLDP is truncated"),
        ((CHASSIS, PORT, TTL, "fe03 00040d", END), "LLDP is truncated"),
        ((CHASSIS, PORT, TTL, "ffff 00040d"), "LLDP is truncated"),
        ((CHASSIS, PORT, TTL), "LLDP is truncated"),
        ((CHASSIS, PORT, TTL, "0001 00"), "LLDP end mark has a length"),
    ],
)
def test_a_unit_out_of_form_is_malformed(tlvs: tuple[str, ...], reason: str) -> None:
    assert decode(lldp_frame(*tlvs)) == Malformed(reason)


def test_a_name_or_a_value_that_no_unit_can_hold_does_not_exist() -> None:
    LldpName(7, b"a" * 255)
    OrganisationalTlv(b"abc", 0, bytes(507))
    for impossible in (
        lambda: LldpName(7, b""),
        lambda: LldpName(7, b"a" * 256),
        lambda: OrganisationalTlv(b"ab", 0, b""),
        lambda: OrganisationalTlv(b"abc", 0, bytes(508)),
    ):
        with pytest.raises(ModelError):
            impossible()


# ---- encoding ----


def test_what_is_only_watched_is_not_written() -> None:
    for name in ("dhcp_ack", "ping4", "ping6", "listener_report"):
        frame = decode(CAPTURED[name])
        assert isinstance(frame, Frame)
        with pytest.raises(ModelError):
            encode(frame)


def test_a_header_that_announces_another_body_is_not_written() -> None:
    with pytest.raises(ModelError):
        encode(Frame(Ethernet(ONE, TWO, EtherType.IPV4), MEANINGS["arp_reply"]))

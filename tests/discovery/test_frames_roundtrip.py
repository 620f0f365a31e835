"""The law of the codecs: what Treadle writes it reads back, for every frame that it can say."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controller.discovery.frames import (
    Arp,
    ArpOperation,
    Ethernet,
    Frame,
    Ipv6,
    Lldp,
    LldpName,
    NeighbourAdvertisement,
    NeighbourSolicitation,
    OrganisationalTlv,
    RouterAdvertisement,
    RouterSolicitation,
    VlanTag,
    decode,
    encode,
)
from controller.discovery.frames.wire import internet_checksum
from controller.model.flow import EtherType
from controller.model.identity import Mac

MACS = st.integers(0, 2**48 - 1).map(Mac)
STATIONS = MACS.map(lambda mac: Mac(mac & ~(1 << 40)))
LINKS = st.none() | MACS
TAGS = st.lists(
    st.builds(VlanTag, st.sampled_from([0x8100, 0x88A8]), st.integers(0, 0xFFFF)), max_size=2
).map(tuple)
IPV4 = st.integers(0, 2**32 - 1).map(IPv4Address)
IPV6_HOSTS = st.integers(1, 2**128 - 1).map(IPv6Address).filter(lambda ip: not ip.is_multicast)
IPV6_LINK_LOCAL = st.integers(0, 2**64 - 1).map(lambda low: IPv6Address(0xFE80 << 112 | low))
IPV6_ANY = st.integers(0, 2**128 - 1).map(IPv6Address)

ARPS = st.builds(Arp, st.sampled_from(ArpOperation), MACS, IPV4, MACS, IPV4)
SOLICITATIONS = st.builds(NeighbourSolicitation, IPV6_HOSTS, LINKS)
ADVERTISEMENTS = st.builds(
    NeighbourAdvertisement, IPV6_HOSTS, LINKS, st.booleans(), st.booleans(), st.booleans()
)
PACKETS = st.one_of(
    st.builds(Ipv6, IPV6_HOSTS, IPV6_ANY, st.just(58), SOLICITATIONS),
    st.builds(Ipv6, IPV6_HOSTS, IPV6_HOSTS, st.just(58), ADVERTISEMENTS),
    st.builds(Ipv6, IPV6_HOSTS, IPV6_ANY, st.just(58), st.builds(RouterSolicitation, LINKS)),
    st.builds(
        Ipv6,
        IPV6_LINK_LOCAL,
        IPV6_ANY,
        st.just(58),
        st.builds(RouterAdvertisement, LINKS, st.integers(0, 0xFFFF)),
    ),
)
NAMES = st.builds(LldpName, st.integers(0, 255), st.binary(min_size=1, max_size=255))
UNITS = st.builds(
    Lldp,
    NAMES,
    NAMES,
    st.integers(0, 0xFFFF),
    st.lists(
        st.builds(
            OrganisationalTlv,
            st.binary(min_size=3, max_size=3),
            st.integers(0, 255),
            st.binary(max_size=507),
        ),
        max_size=3,
    ).map(tuple),
)


def frames(ethertype: EtherType, bodies: st.SearchStrategy[object]) -> st.SearchStrategy[Frame]:
    return st.builds(Frame, st.builds(Ethernet, MACS, STATIONS, st.just(ethertype), TAGS), bodies)


SPOKEN = st.one_of(
    frames(EtherType.ARP, ARPS), frames(EtherType.IPV6, PACKETS), frames(EtherType.LLDP, UNITS)
)


@pytest.mark.law
@given(SPOKEN)
def test_a_frame_that_was_written_reads_back_the_same(frame: Frame) -> None:
    assert decode(encode(frame)) == frame


@given(SPOKEN)
def test_no_frame_is_shorter_than_ethernet_allows(frame: Frame) -> None:
    assert len(encode(frame)) >= 60


def plain_checksum(content: bytes) -> int:
    """RFC 1071, section 4.1, word by word."""
    total = 0
    for at in range(0, len(content), 2):
        total += int.from_bytes(content[at : at + 2].ljust(2, b"\0"), "big")
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def test_the_checksum_of_the_rfcs_own_example() -> None:
    assert internet_checksum(bytes.fromhex("0001f203f4f5f6f7")) == 0xFFFF - 0xDDF2


@given(st.lists(st.binary(max_size=20).map(lambda part: part + part), max_size=3), st.binary(max_size=9))
@example([], b"")
@example([], b"\0\0\0")
@example([], b"\xff\xff")
@example([b"\xff\xff"], b"\xff\xff")
def test_the_checksum_is_the_sum_word_by_word(even: list[bytes], last: bytes) -> None:
    assert internet_checksum(*even, last) == plain_checksum(b"".join(even) + last)

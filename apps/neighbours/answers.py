"""What is said: answers from the host table, questions of our own, and the word of the gateway.

An answer is spoken as the station itself would speak it, from its MAC address, and leaves through the one
port where the question came in. A station is never told about its own address, nor about one that lives at
the same port: there it has heard the question itself. So a station that probes for an address hears something
only when another one has it, which is what it has to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address

from apps.neighbours.addresses import (
    NAMELESS_ROUTER,
    NO_ADDRESS,
    is_gateways,
    link_local,
    own_v4,
    routes_ipv6,
)
from apps.neighbours.questions import Asker, Stray
from controller.contract import FabricView, Gateway
from controller.discovery.frames import (
    Ethernet,
    Frame,
    Ipv6,
    RouterAdvertisement,
    UnreachableV4,
    UnreachableV6,
    advertisement,
    arp_reply,
    arp_request,
    encode,
    group_mac,
    solicitation,
    unreachable_v4,
    unreachable_v6,
)
from controller.model.command import FrameOut
from controller.model.flow import EtherType, IpProtocol
from controller.model.identity import IpAddress, Mac, PortRef

ROUTER_LIFETIME_S = 1800
_ALL_NODES = IPv6Address("ff02::1")


def answer(view: FabricView, target: IpAddress, asker: Asker) -> tuple[FrameOut, ...] | None:
    """What the asker is told: nothing (an empty tuple) where silence is right, None where nobody knows."""
    gateway = view.settings.gateway
    if is_gateways(gateway, target):
        return (FrameOut(asker.at, _told(target, gateway.mac, asker, router=True)),)
    host = view.topology.host_by_address.get(target)
    if host is None:
        return None
    if host.mac == asker.mac or host.at == asker.at:
        return ()
    return (FrameOut(asker.at, _told(target, host.mac, asker, router=False)),)


def _told(target: IpAddress, mac: Mac, asker: Asker, *, router: bool) -> bytes:
    if isinstance(target, IPv4Address):
        to_ip = asker.ip if isinstance(asker.ip, IPv4Address) else NO_ADDRESS
        return encode(arp_reply(mac, target, asker.mac, to_ip, tags=asker.tags))
    to_v6 = asker.ip if isinstance(asker.ip, IPv6Address) else IPv6Address(0)
    return encode(advertisement(mac, target, asker.mac, to_v6, router=router, tags=asker.tags))


def probe(gateway: Gateway, target: IpAddress, ports: Iterable[PortRef]) -> Iterator[FrameOut]:
    """The question who has `target`, through each of these ports.

    IPv4: as a probe from no address, unless the gateway has one in that subnet. IPv6: from our link-local
    address, because a solicitation from none is a claim to the target (RFC 4862, section 5.4.3) and would
    frighten a host off its own address.
    """
    if isinstance(target, IPv4Address):
        frame = arp_request(gateway.mac, own_v4(gateway, target) or NO_ADDRESS, target)
    else:
        frame = solicitation(gateway.mac, link_local(gateway.mac), target)
    data = encode(frame)
    return (FrameOut(at, data) for at in ports)


def router_advertisement(gateway: Gateway, asker: Asker) -> tuple[FrameOut, ...]:
    """The gateway's answer to one who looks for a router; nothing where it does not route IPv6."""
    if not routes_ipv6(gateway):
        return ()
    asked_without_address = asker.ip.is_unspecified or not isinstance(asker.ip, IPv6Address)
    to_mac, to_ip = (group_mac(_ALL_NODES), _ALL_NODES) if asked_without_address else (asker.mac, asker.ip)
    body = RouterAdvertisement(gateway.mac, ROUTER_LIFETIME_S)
    packet = Ipv6(link_local(gateway.mac), IPv6Address(int(to_ip)), IpProtocol.ICMPV6, body)
    return (
        FrameOut(asker.at, encode(Frame(Ethernet(to_mac, gateway.mac, EtherType.IPV6, asker.tags), packet))),
    )


def unreachable(view: FabricView, stray: Stray) -> FrameOut | None:
    """The error that tells the sender of a stray that its destination does not answer.

    None where the sender's place is not known, or its packet must not be answered.
    """
    sender, gateway = view.topology.host_by_mac.get(stray.sender), view.settings.gateway
    if sender is None:
        return None
    if isinstance(stray.destination, IPv4Address):
        signed = next(
            (own for ip in sender.addresses if isinstance(ip, IPv4Address) and (own := own_v4(gateway, ip))),
            None,
        )
        data = unreachable_v4(stray.data, gateway.mac, signed or NAMELESS_ROUTER, UnreachableV4.HOST)
    else:
        data = unreachable_v6(stray.data, gateway.mac, link_local(gateway.mac), UnreachableV6.ADDRESS)
    return None if data is None else FrameOut(sender.at, data)

"""Which packets a pin is about: a flow as the match of its rule, and back.

    FlowKey  --flow_match-->  Match on the Ethernet type, the addresses, the protocol, the ports
    Match    --flow_of----->  FlowKey, or None for a match that is no flow's

A flow is told apart by what OpenFlow 1.3 can match exactly, with each prerequisite stated (section 7.2.3.8):
the ports of TCP and UDP. Other protocols are pinned by addresses and protocol alone, if that tells the flow:
one whose key names ports (SCTP's, say) has no match, or a rule for it would carry its siblings off too.
Fragments after the first show no ports to a switch, and go by the routes.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address

from controller.model.demand import FlowKey
from controller.model.flow import EtherType, Field, IpProtocol, Match, match

_PORTS = {
    int(IpProtocol.TCP): (Field.TCP_SRC, Field.TCP_DST),
    int(IpProtocol.UDP): (Field.UDP_SRC, Field.UDP_DST),
}
_IPV4 = int(EtherType.IPV4), Field.IPV4_SRC, Field.IPV4_DST
_IPV6 = int(EtherType.IPV6), Field.IPV6_SRC, Field.IPV6_DST


@lru_cache(maxsize=65_536)
def flow_match(key: FlowKey) -> Match | None:
    """The match of exactly this flow's packets; None where OpenFlow 1.3 cannot say it."""
    ports = _PORTS.get(key.protocol)
    if (ports is None and (key.src_port or key.dst_port)) or not 0 <= key.protocol <= 0xFF:
        return None
    kind, src, dst = _IPV4 if key.src.version == 4 else _IPV6
    wanted = {Field.ETH_TYPE: kind, Field.IP_PROTO: key.protocol, src: int(key.src), dst: int(key.dst)}
    if ports is not None:
        wanted |= dict(zip(ports, (key.src_port, key.dst_port), strict=True))
    return match(**{field.name: value for field, value in wanted.items()})


def flow_of(where: Match) -> FlowKey | None:
    """The flow of which this is the match; None where it is no flow's."""
    said = {term.field: term.value for term in where.terms if term.mask == term.field.full_mask}
    kind, protocol = said.get(Field.ETH_TYPE), said.get(Field.IP_PROTO)
    if protocol is None or kind not in (EtherType.IPV4, EtherType.IPV6):
        return None
    _, src, dst = _IPV4 if kind == EtherType.IPV4 else _IPV6
    ports = _PORTS.get(protocol, ())
    wanted = {Field.ETH_TYPE, Field.IP_PROTO, src, dst, *ports}
    if said.keys() != wanted or len(where.terms) != len(wanted):
        return None
    made = IPv4Address if kind == EtherType.IPV4 else IPv6Address
    return FlowKey(made(said[src]), made(said[dst]), protocol, *(said[port] for port in ports))

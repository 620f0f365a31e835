"""Headers as the packet that a host would send, for whoever follows it through a fabric."""

from __future__ import annotations

from controller.model.flow import EtherType, Field, IpProtocol
from controller.model.identity import IpAddress, Mac
from controller.model.packet import DEFAULT_TTL, Packet, packet
from policies.predicate import ICMP_OF, PORTED, Headers

_PORT_FIELDS = {
    int(IpProtocol.TCP): (Field.TCP_SRC, Field.TCP_DST),
    int(IpProtocol.UDP): (Field.UDP_SRC, Field.UDP_DST),
}
_USUAL_PORTS = 10_000, 20_000
_ECHO = {4: 8, 6: 128}


def as_packet(seen: Headers, eth_src: Mac, eth_dst: Mac) -> Packet:
    """The packet with these headers, from one station to another."""
    v4 = seen.src.version == 4
    fields: dict[Field, int] = {
        Field.ETH_SRC: eth_src,
        Field.ETH_DST: eth_dst,
        Field.ETH_TYPE: EtherType.IPV4 if v4 else EtherType.IPV6,
        Field.IP_DSCP: 0,
        Field.IP_ECN: 0,
        Field.IP_PROTO: seen.protocol,
        Field.IPV4_SRC if v4 else Field.IPV6_SRC: int(seen.src),
        Field.IPV4_DST if v4 else Field.IPV6_DST: int(seen.dst),
    }
    if seen.src_port is not None and seen.dst_port is not None:
        source, destination = _PORT_FIELDS[seen.protocol]
        fields |= {source: seen.src_port, destination: seen.dst_port}
    if seen.icmp_type is not None:
        fields[Field.ICMPV4_TYPE if v4 else Field.ICMPV6_TYPE] = seen.icmp_type
    return packet(fields, DEFAULT_TTL)


def between(
    src: IpAddress, dst: IpAddress, protocol: int, src_port: int | None = None, number: int | None = None
) -> Headers:
    """Headers of a protocol; `number` is the port to which, or the type of ICMP, where there is one."""
    if protocol in PORTED:
        source, destination = _USUAL_PORTS
        return Headers(
            src,
            dst,
            protocol,
            source if src_port is None else src_port,
            destination if number is None else number,
        )
    if protocol == ICMP_OF[src.version]:
        return Headers(src, dst, protocol, icmp_type=_ECHO[src.version] if number is None else number)
    return Headers(src, dst, protocol)


def headers_text(seen: Headers) -> str:
    """As people write it: `tcp 10.0.0.2:40000 -> 10.1.0.2:80`."""
    known = {each.value for each in IpProtocol}
    name = IpProtocol(seen.protocol).name.lower() if seen.protocol in known else f"protocol {seen.protocol}"
    if seen.src_port is not None:
        return f"{name} {seen.src}:{seen.src_port} -> {seen.dst}:{seen.dst_port}"
    kind = "" if seen.icmp_type is None else f" type {seen.icmp_type}"
    return f"{name}{kind} {seen.src} -> {seen.dst}"

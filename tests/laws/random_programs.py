"""Programs that no sensible controller would write, to try the planner on: random next hops, aggregated at
random.

The routes to each address lead to its owner without a circle, by a random order in which each switch only
forwards to earlier ones; and they may be as long and winding as they like. Prefixes are cut and nested at
random, so that old and new rules do not resemble each other, nor those for packets and those for ARP.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from random import Random

from controller.dataplane.pinned import flow_match
from controller.dataplane.pipeline import (
    PASS_PRIORITY,
    PIN_PRIORITY,
    Table,
    arp_priority,
    ipv4_priority,
    mac_priority,
)
from controller.model.demand import FlowKey
from controller.model.flow import (
    Action,
    Bucket,
    EtherType,
    FlowRule,
    Group,
    GroupKind,
    IpProtocol,
    Match,
    Output,
    ToGroup,
    match,
)
from controller.model.identity import Dpid, Mac, PortNo, PortRef
from controller.model.packet import Packet, arp_packet, ethernet_packet, udp_packet
from controller.model.program import FabricProgram, SwitchProgram, switch_program

HOST_PORT = PortNo(50)
FIRST_ADDRESS = int(IPv4Address("10.0.0.0"))
FIRST_MAC = 0x0200_0000_0000
BITS = 3
"""How many bits of an address are in play."""

Peer = Mapping[PortRef, PortRef]
NextPorts = tuple[PortNo, ...]


@dataclass(frozen=True)
class Graph:
    """Switches and the far end of each port."""

    dpids: tuple[Dpid, ...]
    peer: Peer

    def neighbours(self, dpid: Dpid) -> dict[PortNo, Dpid]:
        return {here.port: there.dpid for here, there in sorted(self.peer.items()) if here.dpid == dpid}


def random_graph(random: Random, switches: int, extra: int) -> Graph:
    """A random tree of switches, and some cables more; two switches may have several."""
    dpids = tuple(Dpid(number) for number in range(1, switches + 1))
    pairs = [(dpid, random.choice(dpids[:place])) for place, dpid in enumerate(dpids) if place]
    pairs += [tuple(random.sample(dpids, 2)) for _ in range(extra)]  # type: ignore[misc]
    used = dict.fromkeys(dpids, 0)
    peer: dict[PortRef, PortRef] = {}
    for one, other in pairs:
        used[one] += 1
        used[other] += 1
        a, b = PortRef(one, PortNo(used[one])), PortRef(other, PortNo(used[other]))
        peer[a], peer[b] = b, a
    return Graph(dpids, peer)


def without(graph: Graph, random: Random, cables: int) -> Graph:
    """The graph with some cables fewer."""
    peer = dict(graph.peer)
    for _ in range(cables):
        if peer:
            a = random.choice(sorted(peer))
            del peer[peer.pop(a)]
    return Graph(graph.dpids, peer)


def random_routes(random: Random, graph: Graph, owner: Dpid) -> dict[Dpid, NextPorts]:
    """Next hops to an owner, without a circle: each switch forwards to some that were reached before it."""
    routes: dict[Dpid, NextPorts] = {owner: (HOST_PORT,)}
    while True:
        open_ports = {
            dpid: [port for port, far in graph.neighbours(dpid).items() if far in routes]
            for dpid in graph.dpids
            if dpid not in routes
        }
        reachable = [dpid for dpid, ports in open_ports.items() if ports]
        if not reachable:
            return routes
        dpid = random.choice(reachable)
        ports = open_ports[dpid]
        routes[dpid] = tuple(sorted(random.sample(ports, random.randint(1, min(2, len(ports))))))


Table_ = dict[Dpid, list[NextPorts | None]]
"""For each switch and each address, the ports; () drops, None has no rule."""


def random_table(random: Random, graph: Graph, like: Table_ | None = None, unowned: float = 0.0) -> Table_:
    """Routes to all addresses. `like` a given one: about half of the addresses keep its routes."""
    table: Table_ = {dpid: [] for dpid in graph.dpids}
    for address in range(1 << BITS):
        keeps = like is not None and random.random() < 0.5
        routes = random_routes(random, graph, random.choice(graph.dpids))
        nobody = random.random() < unowned
        for dpid in graph.dpids:
            if keeps and like is not None:
                table[dpid].append(like[dpid][address])
            else:
                table[dpid].append(None if nobody else routes.get(dpid, ()))
    return table


def random_program(random: Random, ip: Table_, mac: Table_ | None = None) -> FabricProgram:
    """Programs for both tables, cut into prefixes at random."""
    return {dpid: _switch(random, ip[dpid], mac[dpid] if mac else []) for dpid in ip}


def with_random_pins(random: Random, programs: FabricProgram, ip: Table_) -> FabricProgram:
    """The same programs with pins: at most switches a flow of `pinned_flows` takes a given one of the ports
    that its route has in this table, the others being for when that is dead.
    """
    pinned: dict[Dpid, SwitchProgram] = {}
    for dpid, program in programs.items():
        groups = dict(program.groups)
        rules = [FlowRule(Table.PINS, PASS_PRIORITY, goto=Table.ROUTES)]
        rules += [FlowRule(Table.ADMISSION, PASS_PRIORITY, goto=Table.PINS)]
        for flow, address in pinned_flows():
            ports = ip[dpid][address]
            if ports and random.random() < 0.7:
                first = random.randrange(len(ports))
                turned = ports[first:] + ports[:first]
                buckets = tuple(Bucket((Output(port),), 0, port) for port in turned)
                number = 0x10000 + sum(port << (8 * place) for place, port in enumerate(turned))
                groups.setdefault(number, Group(number, GroupKind.FAST_FAILOVER, buckets))
                where = flow_match(flow)
                assert where is not None
                rules.append(FlowRule(Table.PINS, PIN_PRIORITY, where, (ToGroup(number),)))
        kept = {**program.rules, **{rule.key: rule for rule in rules}}
        pinned[dpid] = SwitchProgram(kept, groups, program.meters)
    return pinned


def pinned_flows() -> list[tuple[FlowKey, int]]:
    """Two flows to each address, and the address's number."""
    src = IPv4Address("10.9.9.9")
    return [
        (FlowKey(src, IPv4Address(FIRST_ADDRESS + n), int(IpProtocol.UDP), port, 20_000), n)
        for n in range(1 << BITS)
        for port in (1, 2)
    ]


def pinned_packets() -> list[Packet]:
    """A packet of each of these flows, whose MACs vary."""
    source = Mac(0x0300_0000_0000 & ~(1 << 40) | 1)
    return [
        udp_packet(source, Mac(FIRST_MAC + (3 * n) % 8), flow.src, flow.dst, flow.src_port, flow.dst_port)
        for flow, n in pinned_flows()
    ]


def _switch(random: Random, ip: list[NextPorts | None], mac: list[NextPorts | None]) -> SwitchProgram:
    groups: dict[NextPorts, Group] = {}
    rules = [FlowRule(Table.ADMISSION, PASS_PRIORITY, goto=Table.ROUTES)]
    for low, length, ports in _cut(random, ip):
        where = match(
            eth_type=EtherType.IPV4, ipv4_dst=IPv4Network((FIRST_ADDRESS + low, 32 - BITS + length))
        )
        rules.append(_rule(ipv4_priority(32 - BITS + length), where, ports, groups))
    for low, length, ports in _cut(random, ip):
        where = match(eth_type=EtherType.ARP, arp_tpa=IPv4Network((FIRST_ADDRESS + low, 32 - BITS + length)))
        rules.append(_rule(arp_priority(32 - BITS + length), where, ports, groups))
    for low, length, ports in _cut(random, mac):
        full = (1 << 48) - 1
        mask = full ^ ((1 << (BITS - length)) - 1)
        where = match(eth_dst=(FIRST_MAC + low, mask))
        rules.append(_rule(mac_priority(48 - BITS + length), where, ports, groups))
    return switch_program(rules, groups.values())


def _rule(priority: int, where: Match, ports: NextPorts, groups: dict[NextPorts, Group]) -> FlowRule:
    actions: tuple[Action, ...] = tuple(Output(port) for port in ports)
    if len(ports) > 1:
        buckets = tuple(Bucket((Output(port),), 1, port) for port in ports)
        number = sum(port << (8 * place) for place, port in enumerate(ports))
        groups.setdefault(ports, Group(number, GroupKind.SELECT, buckets))
        actions = (ToGroup(number),)
    return FlowRule(Table.ROUTES, priority, where, actions)


def _cut(random: Random, values: list[NextPorts | None]) -> list[tuple[int, int, NextPorts]]:
    """Prefixes (low, length, ports) whose longest match is this function; covering ones come at random."""
    found: list[tuple[int, int, NextPorts]] = []

    def descend(low: int, length: int, inherited: NextPorts | None) -> None:
        here = values[low : low + (1 << (BITS - length))]
        if all(value == inherited for value in here):
            return
        if all(value == here[0] for value in here) or (None not in here and random.random() < 0.5):
            chosen = random.choice(here)
            if chosen is not None:
                found.append((low, length, chosen))
                inherited = chosen
        if length < BITS:
            half = 1 << (BITS - length - 1)
            descend(low, length + 1, inherited)
            descend(low + half, length + 1, inherited)

    if values:
        descend(0, 0, None)
    return found


def packets() -> list[Packet]:
    """A UDP packet to each address, a frame that is not IP to each MAC, and ARP about each address. The MACs
    of what has an address vary.
    """
    source = Mac(0x0300_0000_0000 & ~(1 << 40) | 1)
    numbers = range(1 << BITS)
    asker = IPv4Address("10.9.9.9")
    known = [(Mac(FIRST_MAC + (3 * n) % 8), IPv4Address(FIRST_ADDRESS + n)) for n in numbers]
    ip = [udp_packet(source, mac, asker, address) for mac, address in known]
    arp = [arp_packet(source, mac, asker, address) for mac, address in known]
    return ip + [ethernet_packet(source, Mac(FIRST_MAC + n)) for n in numbers] + arp

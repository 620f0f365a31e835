"""Fabrics for tests: snapshots from blueprints, cut and healed, and random ones that no architect would draw.

snapshot(blueprint)         all that the blueprint plans, up and known
without(topology, cables)   the next snapshot, after these cables were cut
fabrics()                   hypothesis: fat trees with failures, rings, meshes, random graphs; possibly in
                            pieces, with parallel cables, unequal capacities, addresses in no order, hosts
                            with several addresses, with none, and switches without hosts
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, linear, mesh, ring, tree
from controller.model.identity import IpAddress, Mac, PortRef, port_ref
from controller.model.topology import DEFAULT_CAPACITY_BPS, Host, Link, Port, Switch, Topology, topology

GBPS = 1_000_000_000


def autoconfigured(mac: Mac) -> IPv6Address:
    """The address below 2001:db8::/64 that a host makes of its MAC (RFC 4291, appendix A)."""
    interface = (mac >> 24 ^ 0x02_00_00) << 40 | 0xFF_FE << 24 | mac & 0xFF_FF_FF
    return IPv6Address(0x2001_0DB8 << 96 | interface)


def snapshot(blueprint: Blueprint, *, version: int = 1, ipv6: bool = False) -> Topology:
    """The topology in which everything is as planned; `ipv6` gives each host an IPv6 address too."""
    capacity = blueprint.capacity_bps
    ports: dict[int, list[int]] = {switch.dpid: [] for switch in blueprint.switches}
    for end in (*blueprint.peer, *blueprint.host_at):
        ports[end.dpid].append(end.port)
    hosts = [
        Host(plan.mac, plan.at, (plan.address, autoconfigured(plan.mac)) if ipv6 else (plan.address,))
        for plan in blueprint.hosts
    ]
    return topology(
        version,
        [_switch(switch.dpid, ports[switch.dpid], switch.name) for switch in blueprint.switches],
        [Link(a, b, capacity.get(a, DEFAULT_CAPACITY_BPS)) for a, b in blueprint.peer.items()],
        hosts,
        blueprint.host_at,
    )


def without(before: Topology, ends: Iterable[PortRef]) -> Topology:
    """The next snapshot, in which the cables at these ports are cut."""
    cut = set(ends)
    links = [link for link in before.links if link.src not in cut and link.dst not in cut]
    return topology(before.version + 1, before.switches, links, before.hosts, before.edge_ports)


def with_hosts(before: Topology, hosts: Iterable[Host]) -> Topology:
    """The next snapshot, with other hosts."""
    return replace(before, version=before.version + 1, hosts=tuple(sorted(hosts, key=lambda host: host.mac)))


def _switch(dpid: int, ports: Iterable[int], name: str = "") -> Switch:
    described = (Port(port_ref(dpid, n).port, f"{name}-eth{n}", Mac(dpid << 8 | n)) for n in sorted(ports))
    return Switch(port_ref(dpid, 1).dpid, tuple(described), name)


# --- strategies ---------------------------------------------------------------------------------------------

_PLANNED = (
    fat_tree(4),
    leaf_spine(3, 3, 2),
    ring(5),
    mesh(4),
    linear(4),
    tree(3),
)


@st.composite
def planned_fabrics(draw: st.DrawFn) -> Topology:
    """A fabric that somebody planned, with some cables cut: often in pieces."""
    whole = snapshot(draw(st.sampled_from(_PLANNED)), ipv6=draw(st.booleans()))
    cut = draw(st.sets(st.sampled_from([link.src for link in whole.links]), max_size=6))
    return without(whole, cut)


@st.composite
def random_fabrics(draw: st.DrawFn) -> Topology:
    """Up to 9 switches, cabled at random, parallel cables allowed, capacities in awkward ratios."""
    dpids = draw(st.lists(st.integers(1, 2**48), min_size=1, max_size=9, unique=True))
    used = dict.fromkeys(dpids, 0)

    def port(dpid: int) -> PortRef:
        used[dpid] += 1
        return port_ref(dpid, used[dpid])

    links = []
    for one, other in draw(st.lists(st.tuples(*[st.sampled_from(dpids)] * 2), max_size=16)):
        if one != other:
            a, b, capacity = port(one), port(other), draw(st.sampled_from([1, 3, 10, 25, 40, 400])) * GBPS
            links += [Link(a, b, capacity), Link(b, a, capacity)]
    hosts = [replace(host, at=port(draw(st.sampled_from(dpids)))) for host in draw(host_sets())]
    edge_ports = [host.at for host in hosts]
    return topology(1, [_switch(dpid, range(1, used[dpid] + 1)) for dpid in dpids], links, hosts, edge_ports)


def fabrics() -> st.SearchStrategy[Topology]:
    """Any fabric."""
    return st.one_of(planned_fabrics(), random_fabrics())


def macs() -> st.SearchStrategy[Mac]:
    """Unicast MAC addresses, some close together and some anywhere."""
    anywhere = st.integers(1, 2**48 - 1).map(lambda number: number & ~(1 << 40))
    close = st.integers(0, 15).map(lambda number: 0x02_00_0A_00_00_00 | number)
    return st.one_of(close, anywhere.filter(bool)).map(Mac)


def addresses() -> st.SearchStrategy[IpAddress]:
    """IPv4 and IPv6 addresses, most of them close together, so that prefixes are shared and cut up."""
    near = st.integers(0, 31).map(lambda number: IPv4Address(0x0A_00_00_00 | number))
    far = st.integers(0, 2**24 - 1).map(lambda number: IPv4Address(0x0A_00_00_00 | number))
    other = st.sampled_from(
        [IPv4Address("172.16.0.1"), IPv4Address("192.168.0.77"), IPv4Address("9.255.255.255")]
    )
    local = macs().map(autoconfigured)
    site = st.integers(0, 2**16).map(lambda number: IPv6Address((0xFD00 << 112) | number))
    return st.one_of(near, far, other, local, site)


def host_sets() -> st.SearchStrategy[list[Host]]:
    """Hosts that share no MAC and no address; each still has to be plugged in."""

    def shared_out(given: tuple[list[Mac], list[IpAddress]]) -> list[Host]:
        stations, owned = given
        return [
            Host(mac, port_ref(1, 1), _sorted(owned[number :: len(stations)]))
            for number, mac in enumerate(stations)
        ]

    stations = st.lists(macs(), min_size=1, max_size=8, unique=True)
    return st.tuples(stations, st.lists(addresses(), max_size=16, unique=True)).map(shared_out)


def _sorted(owned: list[IpAddress]) -> tuple[IpAddress, ...]:
    return tuple(sorted(owned, key=lambda address: (address.version, int(address))))

"""The commands that make a fabric: pure functions from a blueprint to lines for `ip`, `tc`, `ovs-vsctl` and
a host's shell.

Choices that are not Open vSwitch's defaults, and why:

- `fail_mode=secure`: without its controller a switch goes on with the rules that it has and never learns by
  flooding.
- `ofport_request`: port numbers are those of the blueprint, or a crossed cable could not be told from a
  straight one.
- `max_backoff=1000` ms: a restarted controller is found within a second, not within eight.
- `inactivity_probe=5000` ms: long enough that two busy cores don't count as a dead controller.
- `disable-in-band`: no hidden rules for a controller that is reached over loopback.
- interfaces on the switches' side have no IPv6 (build.py), or the kernel itself would speak on every cable,
  and have routes that every `ovs-vswitchd` reads again whenever an interface changes.
- a host sends with checksums made in software: through the userspace switch a TCP segment with an
  unfinished checksum never arrives, while ping works.
- a host asks again for an unanswered neighbour after 200 ms, not 1 s, so that the lab measures the fabric
  and not that timer.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Address

from controller.model.blueprint import Blueprint, HostPlan
from controller.model.identity import Dpid, PortRef, mac_text
from mininet_scenarios.names import Names

INACTIVITY_PROBE_MS = 5000
MAX_BACKOFF_MS = 1000
NEIGHBOUR_RETRY_MS = 200
ETHERNET_MTU = 1500
JUMBO_MTU = 9000
"""As datacenters have it. Where userspace forwards, a packet costs some 20 microseconds at each hop, whatever
its size: with large ones a fabric carries six times as much."""
_QUEUE_PACKETS = 100


def host_interface(host: HostPlan) -> str:
    """The host's end of its cable, within its namespace."""
    return f"{host.name}-eth0" if len(host.name) <= 10 else "eth0"


def cable_lines(
    names: Names, group: int, namespaces: dict[str, int], mtu: int = ETHERNET_MTU
) -> Iterator[str]:
    """Make every cable, ends down. `namespaces` gives the process of each host by name."""
    for cable in names.blueprint.cables:
        one, other = names.port(cable.a), names.port(cable.b)
        yield f"link add {one} mtu {mtu} group {group} type veth peer name {other} mtu {mtu} group {group}"
    for host in names.blueprint.hosts:
        yield host_cable_line(names.port(host.at), group, host, namespaces[host.name], mtu)


def host_cable_line(port: str, group: int, host: HostPlan, namespace: int, mtu: int) -> str:
    """Make the cable of one host, its own end with the right MAC address in its namespace."""
    far = f"peer name {host_interface(host)} mtu {mtu} address {mac_text(host.mac)} netns {namespace}"
    return f"link add {port} mtu {mtu} group {group} type veth {far}"


def bridge_actions(names: Names, dpid: Dpid, bridge_type: str, controller: str | None) -> Iterator[str]:
    """Make the bridge of a switch, with its ports; `bridge_type` and `controller` are Open vSwitch's words,
    such as `netdev` (daemons.py) and `tcp:127.0.0.1:6653`.
    """
    bridge, name = names.bridge(dpid), names.blueprint.switch_by_dpid[dpid].name
    yield f"add-br {bridge}"
    yield (
        f"set Bridge {bridge} datapath_type={bridge_type} fail_mode=secure protocols=OpenFlow13"
        f" other_config:datapath-id={dpid:016x} other_config:dp-desc={names.lab}.{name}"
        f" other_config:disable-in-band=true"
    )
    if controller is not None:
        yield from controller_actions(bridge, controller)
    for end in names.ports:
        if end.dpid == dpid:
            yield from port_actions(bridge, names.port(end), end)


def port_actions(bridge: str, port: str, end: PortRef) -> Iterator[str]:
    yield f"add-port {bridge} {port}"
    yield f"set Interface {port} ofport_request={end.port}"


def controller_actions(bridge: str, target: str) -> Iterator[str]:
    """Tell a bridge its controller, in place of the one that it has."""
    row = f"@{bridge}"
    patience = f"max_backoff={MAX_BACKOFF_MS} inactivity_probe={INACTIVITY_PROBE_MS}"
    yield f'--id={row} create Controller target="{target}" {patience}'
    yield f"set Bridge {bridge} controller={row}"


def rate_lines(port: str, capacity_bps: int) -> Iterator[str]:
    """Limit what an interface sends. The queue holds 100 packets: at 10 Mbit/s a full one is 120 ms."""
    yield f"qdisc replace dev {port} root handle 5: htb default 1"
    yield f"class replace dev {port} parent 5: classid 5:1 htb rate {capacity_bps}bit burst 15k"
    yield f"qdisc replace dev {port} parent 5:1 handle 10: pfifo limit {_QUEUE_PACKETS}"


def port_rates(blueprint: Blueprint, names: Names) -> Iterator[str]:
    """The rate limits of all switch ports that have a capacity."""
    for end, capacity_bps in sorted(blueprint.capacity_bps.items()):
        yield from rate_lines(names.port(end), capacity_bps)


def ipv6_of(host: HostPlan) -> IPv6Address:
    """The IPv6 address of a host: fd00::/64 with its IPv4 address as the last 32 bits."""
    return IPv6Address((0xFD << 120) | int(host.address))


def host_commands(host: HostPlan, ipv6: bool) -> str:
    """What a host's shell does when its cable is there; one line, so that all hosts do it at once."""
    port = host_interface(host)
    steps = [
        "ip link set lo up",
        f"ethtool -K {port} tx off >/dev/null",
        f"ip address add {host.address}/{host.prefix_len} dev {port}",
        *(
            f"echo {NEIGHBOUR_RETRY_MS} >/proc/sys/net/{ip}/neigh/{port}/retrans_time_ms"
            for ip in ("ipv4", "ipv6")
        ),
        *([f"ip address add {ipv6_of(host)}/64 dev {port}"] if ipv6 else []),
        *(f"tc {line}" for line in (rate_lines(port, host.capacity_bps) if host.capacity_bps else ())),
        f"ip link set {port} up",
    ]
    return " && ".join(steps)

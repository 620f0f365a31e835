"""The hosts that somebody means by `--only`: of a pod, of a switch, or one by name."""

from __future__ import annotations

from collections.abc import Iterable

from controller.graph.pieces import pieces
from controller.graph.tiers import tiers
from controller.graph.wiring import wiring
from controller.model.errors import OperatorError
from controller.model.identity import Dpid, IpAddress
from treadle.ground import Fabric


def hosts_of(fabric: Fabric, names: Iterable[str]) -> tuple[IpAddress, ...]:
    """The addresses of all hosts that these names mean: `pod:1`, `s3`, `h7`. Raises `OperatorError`."""
    found: list[IpAddress] = []
    for name in names:
        found += _meant(fabric, name)
    return tuple(dict.fromkeys(found))


def _meant(fabric: Fabric, name: str) -> list[IpAddress]:
    kind, _, number = name.partition(":")
    known = pods(fabric)
    if kind == "pod" and number.isdigit() and 1 <= int(number) <= len(known):
        return _at(fabric, known[int(number) - 1])
    switches = [dpid for dpid, each in fabric.switches.items() if each == name]
    if switches:
        return _at(fabric, switches)
    hosts = [host for host in fabric.topology.hosts if fabric.host_name(host) == name]
    if hosts:
        return [address for host in hosts for address in host.addresses if not address.is_link_local]
    raise OperatorError(
        f"'{name}' is no pod, switch or host", mend=f"pod:1 to pod:{len(known)}, a switch's or a host's name"
    )


def _at(fabric: Fabric, switches: Iterable[Dpid]) -> list[IpAddress]:
    chosen = set(switches)
    return [
        address
        for host in fabric.topology.hosts
        if host.at.dpid in chosen
        for address in host.addresses
        if not address.is_link_local
    ]


def pods(fabric: Fabric) -> list[list[Dpid]]:
    """The switches with hosts, by what is joined below the highest tier, in the order of switches."""
    shown = fabric.topology
    tier = tiers(shown)
    top = max(tier.values(), default=0)
    alone = [dpid for dpid, each in tier.items() if each == top and top > 0]
    graph = wiring(shown)
    labels = pieces(graph, (), alone).tolist()
    found: dict[int, list[Dpid]] = {}
    for dpid, label in zip(graph.dpids, labels, strict=True):
        if dpid in shown.hosts_at:
            found.setdefault(label, []).append(dpid)
    return [found[label] for label in sorted(found)]

"""What may be broken while expectations are judged: cables, and whole switches, one or several at once.

A switch that is dead has no cables left, and its hosts are nobody's business: what is expected of them is not
asked. With two at once there are many cases, and whoever asks says when it is enough; then the order is a
random one, with a seed, so that what was looked at is a sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb
from random import Random

from controller.model.identity import Dpid, PortRef
from controller.model.topology import Topology

SEED = 1


@dataclass(frozen=True, slots=True)
class Broken:
    """A cable or a switch that is down: its ends with links, and which switch."""

    name: str
    ends: frozenset[PortRef]
    switch: Dpid | None = None


Case = tuple[Broken, ...]
WHOLE: Case = ()


def parts(topology: Topology, names: Mapping[Dpid, str], *, switches: bool) -> tuple[Broken, ...]:
    """All that may break, cables first."""
    cables = sorted((link.src, link.dst) for link in topology.links if link.src < link.dst)
    found = [Broken(f"{_port(a, names)} - {_port(b, names)}", frozenset((a, b))) for a, b in cables]
    if switches:
        for dpid, links in sorted(topology.out_links.items()):
            ends = frozenset(end for link in links for end in (link.src, link.dst))
            found.append(Broken(f"switch {names.get(dpid, f'{dpid:016x}')}", ends, dpid))
    return tuple(found)


def _port(at: PortRef, names: Mapping[Dpid, str]) -> str:
    return f"{names.get(at.dpid, f'{at.dpid:016x}')}:{at.port}"


def count(some: tuple[Broken, ...], most: int) -> int:
    """How many cases there are with at most so many broken."""
    return sum(comb(len(some), broken) for broken in range(most + 1))


def cases(some: tuple[Broken, ...], most: int, enough: Callable[[], bool]) -> Iterator[Case]:
    """Nothing broken, each of them, each two ...: all of them, or from the pairs on as many as there is time
    for, drawn at random.
    """
    yield WHOLE
    for broken in range(1, most + 1):
        drawn = list(combinations(some, broken))
        if broken > 1:
            Random(SEED).shuffle(drawn)
        for case in drawn:
            if broken > 1 and enough():
                return
            yield case


def without(topology: Topology, case: Case) -> Topology:
    """The next snapshot, in which all that is down."""
    if not case:
        return topology
    gone = {end for each in case for end in each.ends}
    left = tuple(link for link in topology.links if link.src not in gone)
    return Topology(topology.version + 1, topology.switches, left, topology.hosts, topology.edge_ports)

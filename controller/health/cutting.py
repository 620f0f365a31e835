"""Who would be cut off if something were unplugged: the question before a drain.

A drain says that something is about to be touched. So what is asked is not whether routes can avoid it, but
what is left when it is gone: the links of a cable, or a switch with the hosts that live on it. What is
drained already counts as gone before, because whoever drained it may unplug it at any moment, and two
drains that are harmless each may not be so together.

Damped cables count as there: they are used again before a host is cut off.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from controller.graph.pieces import pieces
from controller.graph.wiring import Numbers, wiring
from controller.model.health import Drains
from controller.model.topology import Host, Topology

Hosts = tuple[Host, ...]


@dataclass(frozen=True, slots=True)
class CutOff:
    """Hosts that live on a switch that would go, and groups of hosts that would lose all others, each with
    those that it would lose; in the order of their ports."""

    residents: Hosts = ()
    severed: tuple[tuple[Hosts, Hosts], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.residents or self.severed)


def cut_off(topology: Topology, drained: Drains, asked: Drains) -> CutOff:
    """What else is cut off, beyond what `drained` would cut off already, if what is asked goes too."""
    before, after = _labels(topology, drained), _labels(topology, drained.with_more(asked))
    number_of = wiring(topology).number_of
    gone, going = set(drained.switches), set(asked.switches) - set(drained.switches)
    groups: dict[int, dict[int, list[Host]]] = defaultdict(lambda: defaultdict(list))
    residents: list[Host] = []
    for host in sorted(topology.hosts, key=lambda host: (host.at, host.mac)):
        number = number_of.get(host.at.dpid)
        if number is None or host.at.dpid in gone:
            continue
        if host.at.dpid in going:
            residents.append(host)
        else:
            groups[int(before[number])][int(after[number])].append(host)
    severed = [split for parts in groups.values() for split in _split(list(parts.values()))]
    return CutOff(tuple(residents), tuple(severed))


def _labels(topology: Topology, drained: Drains) -> Numbers:
    cut = [end for cable in drained.cables if topology.peer.get(cable[0]) == cable[1] for end in cable]
    return pieces(wiring(topology), cut, drained.switches)


def _split(parts: list[list[Host]]) -> list[tuple[Hosts, Hosts]]:
    """Each part but the largest, with all hosts of the others; the first of those that are equally large
    counts as the largest."""
    largest = max(parts, key=len)
    everybody = [host for part in parts for host in part]
    return [
        (tuple(part), tuple(host for host in everybody if host not in part))
        for part in parts
        if part is not largest
    ]

"""Avoidance: links that exist and should carry no transit.

    topology  - cables that are damped or drained, unless they are needed -->  routable
    switches that are drained, or that have just come back empty, unless
    they must carry transit                                               -->  stubs

A link that is avoided stays in the topology. Discovery goes on saying hello over it, admission keeps its
doors open at both ends, and the planner knows its wiring, so that traffic leaves it, and comes back to it,
without loss. Only who chooses routes is shown another snapshot, `routable`, in which it is missing; and is
told through which switches no path may lead (`stubs`).

`routable` is the topology itself where nothing is avoided. Otherwise it follows from the routable snapshot
before by what differs, so that who follows it from one to the next pays for differences alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from controller.graph.wiring import wiring
from controller.health.needed import Needed, Reluctance, needed
from controller.model.delta import TopologyDelta, delta
from controller.model.health import Drains, Ends, ends_of
from controller.model.identity import Dpid
from controller.model.succession import difference, successor
from controller.model.topology import Link, Topology

_DAMPED, _DRAINED = 1, 2


@dataclass(frozen=True)
class Avoidance:
    """What is avoided in a snapshot, and what would be if it were not needed.

    `avoided` are cables of the snapshot that are missing in `routable`. `needed` are those that should be,
    and the drained switches that carry transit, because hosts would be cut off otherwise. `drains`,
    `suppressed` (cables, and until when) and `empty` (switches that are not programmed yet) are what was
    asked for, whether it is in the snapshot or not.
    """

    topology: Topology = field(default_factory=Topology)
    drains: Drains = Drains()
    suppressed: Mapping[Ends, float] = field(default_factory=dict)
    empty: frozenset[Dpid] = frozenset()
    routable: Topology = field(default_factory=Topology)
    avoided: frozenset[Ends] = frozenset()
    stubs: frozenset[Dpid] = frozenset()
    needed: Needed = Needed()


def avoiding(
    before: Avoidance,
    topology: Topology,
    drains: Drains,
    suppressed: Mapping[Ends, float],
    empty: frozenset[Dpid] = frozenset(),
) -> Avoidance:
    """The avoidance of this snapshot. `before` is that of an earlier one: it saves work and changes nothing,
    but that what is equal is the same object."""
    asked = drains, suppressed, empty
    if before.topology is topology and (before.drains, before.suppressed, before.empty) == asked:
        return before
    known = topology.switch_by_dpid
    reluctant = dict.fromkeys((*sorted(empty), *drains.switches))  # the empty ones are needed last of all
    switches = [dpid for dpid in reluctant if dpid in known]
    cables = {
        cable: reluctance
        for cable, reluctance in _reluctances(drains, suppressed).items()
        if _is_there(topology, cable)
    }
    if not (cables or switches):
        return Avoidance(topology, *asked, topology)
    change = difference(before.topology, topology)
    if topology is not before.topology:
        wiring.know(topology, wiring(before.topology).followed(change, topology))
    kept = needed(topology, cables, switches)
    avoided = frozenset(cables) - kept.cables
    routable = _routable(before, change, topology, avoided)
    stubs = frozenset(switches) - kept.transit
    return Avoidance(topology, *asked, routable, avoided, stubs, kept)


def _reluctances(drains: Drains, suppressed: Mapping[Ends, float]) -> dict[Ends, Reluctance]:
    """How unwillingly each is used. Drained weighs more: a cable that is both may be unplugged any moment."""
    return {
        **{cable: (_DAMPED, until_s) for cable, until_s in suppressed.items()},
        **{cable: (_DRAINED, -float(age)) for age, cable in enumerate(drains.cables)},
    }


def _is_there(topology: Topology, cable: Ends) -> bool:
    return topology.peer.get(cable[0]) == cable[1]


def _routable(
    before: Avoidance, change: TopologyDelta, topology: Topology, avoided: frozenset[Ends]
) -> Topology:
    """The snapshot without these cables, made from the routable one before; the same if nothing differs."""
    if not avoided:
        return topology
    gone, new = list(_without(change.gone_links, before.avoided)), list(_without(change.new_links, avoided))
    fresh = set(change.new_links)
    gone += _lasting(topology, avoided - before.avoided, fresh)
    new += _lasting(topology, before.avoided - avoided, fresh)
    shown = delta(
        topology.version,
        gone_switches=change.gone_switches,
        new_switches=change.new_switches,
        gone_links=gone,
        new_links=new,
        gone_hosts=change.gone_hosts,
        new_hosts=change.new_hosts,
        gone_edge_ports=change.gone_edge_ports,
        new_edge_ports=change.new_edge_ports,
    )
    return successor(before.routable, shown) if len(shown) else before.routable


def _without(links: Iterable[Link], cables: frozenset[Ends]) -> Iterator[Link]:
    return (link for link in links if ends_of(link.src, link.dst) not in cables)


def _lasting(topology: Topology, cables: frozenset[Ends], fresh: set[Link]) -> Iterator[Link]:
    """Both links of each of these cables, where they are in the snapshot and not new in it."""
    for near, far in cables:
        for end, other in ((near, far), (far, near)):
            if topology.peer.get(end) == other:
                link = next(link for link in topology.out_links[end.dpid] if link.src == end)
                if link not in fresh:
                    yield link

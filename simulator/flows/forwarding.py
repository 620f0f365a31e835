"""Which path a flow takes: its pin, or what the hash makes of the next hops.

    pin whose whole path is offered now       the pin
    otherwise                                 at each switch: weighted choice among the next hops by hash

Next hops are the equal-cost ones of the live snapshot, or those of a route table that an app has given, less
the ports that are dead: a switch leaves these out by itself, before anybody has told it. So a pin whose path
dies falls back at once to the default route, and when the cable is back, the pin holds again until it is
withdrawn.

A pin counts only where the equal-cost routes offer each of its hops (contract.Pins): others would not have
been installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from controller.model.demand import Flow, FlowKey, Path
from controller.model.identity import Dpid, PortRef
from controller.model.routing import NextHops, Pair, next_hops
from controller.model.topology import Topology
from controller.placement.ecmp import choose, hashed_path
from controller.placement.network import network


class Forwarding:
    """What all switches do with packets now. `seed` is the fabric's: one seed, one set of hash functions."""

    def __init__(self, topology: Topology, seed: int = 0) -> None:
        self.topology = topology
        self.pins: Mapping[FlowKey, Path] = {}
        self._seed = seed
        self._routes: Mapping[Pair, NextHops] | None = None

    def follow(self, topology: Topology) -> None:
        """The fabric is another one now."""
        self.topology = topology

    def route(self, hops: Mapping[Pair, NextHops]) -> None:
        """Take next hops from this table; where it has none that live, the equal-cost ones."""
        self._routes = hops

    def pin(self, paths: Mapping[FlowKey, Path]) -> set[FlowKey]:
        """These are pinned and no others; the keys of which that is news."""
        before, self.pins = self.pins, paths
        keys = before.keys() | paths.keys()
        return {key for key in keys if before.get(key) != paths.get(key)}

    def prepare(self, flows: Iterable[Flow]) -> None:
        """Work out the ways of many flows at once: cheaper than one after the other."""
        network(self.topology).know({flow.dst.dpid for flow in flows})

    def path(self, flow: Flow) -> Path | None:
        """The path of a flow; None: there is none."""
        pinned = self.pins.get(flow.key)
        if pinned is not None and self._holds(flow, pinned):
            return pinned
        return self.default(flow)

    def default(self, flow: Flow) -> Path | None:
        """The path that a flow would take without a pin."""
        if self._routes is None:
            return hashed_path(network(self.topology), flow, self._seed)
        at, target, path = flow.src.dpid, flow.dst.dpid, list[PortRef]()
        while at != target:
            hops = self._hops(self._routes.get((target, at)), target, at)
            if not hops or len(path) == len(self.topology.switches):
                return None
            end = PortRef(at, choose(hops, flow.key, at, self._seed))
            path.append(end)
            at = self.topology.peer[end].dpid
        return tuple(path)

    def _hops(self, told: NextHops | None, target: Dpid, at: Dpid) -> NextHops:
        if told:
            peer = self.topology.peer
            live = [(port, weight) for port, weight in told.weights if PortRef(at, port) in peer]
            if len(live) == len(told.weights):
                return told
            if live:
                return next_hops(live)
        return network(self.topology).next_hops(target, at)

    def _holds(self, flow: Flow, path: Path) -> bool:
        peer = self.topology.peer
        return all(end in peer for end in path) and network(self.topology).is_way(flow, path)

"""Where blueprint and snapshot differ, followed from snapshot to snapshot.

A fabric of thousands of cables differs from its blueprint in a few. They are found once, by looking at
everything; from then on a snapshot that differs from the last one in a cable costs a cable. What is found by
following equals what is found by looking.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controller.model.blueprint import Blueprint
from controller.model.delta import TopologyDelta
from controller.model.identity import IpAddress, Mac, PortRef
from controller.model.topology import Host, Topology

Ends = tuple[PortRef, PortRef]
"""A cable by its two ports, the smaller one first."""


@dataclass(frozen=True, slots=True)
class Differences:
    """`unlinked`: planned, and no link is seen there. `unplanned`: a link, and no cable was planned there.
    `misplaced`: hosts that are elsewhere than planned, by their numbers in the blueprint.
    """

    unlinked: frozenset[Ends]
    unplanned: frozenset[Ends]
    misplaced: frozenset[int]


class Intent:
    """A blueprint, prepared to be compared with."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self._cables = frozenset(ends_of(cable.a, cable.b) for cable in blueprint.cables)
        self._by_mac: Mapping[Mac, int] = {plan.mac: number for number, plan in enumerate(blueprint.hosts)}
        self._by_address: Mapping[IpAddress, int] = {
            plan.address: number for number, plan in enumerate(blueprint.hosts)
        }

    def compare(self, topology: Topology) -> Differences:
        """All differences; linear in the fabric."""
        found = {(link.src, link.dst) for link in topology.links if link.src < link.dst}
        numbers = range(len(self.blueprint.hosts))
        return Differences(
            self._cables - found,
            frozenset(found - self._cables),
            frozenset(number for number in numbers if self._is_misplaced(number, topology)),
        )

    def follow(self, before: Differences, delta: TopologyDelta, topology: Topology) -> Differences:
        """The differences of this snapshot, to which the delta has led from one that differed so."""
        touched = {ends_of(link.src, link.dst) for link in (*delta.gone_links, *delta.new_links)}
        linked = {ends for ends in touched if topology.peer.get(ends[0]) == ends[1]}
        planned = touched & self._cables
        numbers = self._numbers((*delta.gone_hosts, *delta.new_hosts))
        misplaced = {number for number in numbers if self._is_misplaced(number, topology)}
        after = Differences(
            (before.unlinked - touched) | (planned - linked),
            (before.unplanned - touched) | (linked - planned),
            (before.misplaced - numbers) | misplaced,
        )
        return before if after == before else after

    def seen(self, number: int, topology: Topology) -> Host | None:
        """The planned host of this number: by its MAC address, or by its IP address where nobody has that
        MAC (a replaced network card).
        """
        plan = self.blueprint.hosts[number]
        return topology.host_by_mac.get(plan.mac) or topology.host_by_address.get(plan.address)

    def _is_misplaced(self, number: int, topology: Topology) -> bool:
        host = self.seen(number, topology)
        return host is not None and host.at != self.blueprint.hosts[number].at

    def _numbers(self, hosts: Iterable[Host]) -> set[int]:
        """The planned hosts that these may be."""
        by_mac = (self._by_mac.get(host.mac) for host in hosts)
        by_address = (self._by_address.get(address) for host in hosts for address in host.addresses)
        return {number for number in (*by_mac, *by_address) if number is not None}


def ends_of(a: PortRef, b: PortRef) -> Ends:
    """The cable between two ports."""
    return (a, b) if a < b else (b, a)

"""Law 11, said aloud: what coverage calls healed is delivered, and what it calls bare is lost."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.compiler.assemble import assemble
from controller.contract import FabricSettings, Routes
from controller.dataplane.trace import trace
from controller.graph.coverage import Failure, coverage
from controller.model.health import ends_of
from controller.model.identity import PortRef
from controller.model.packet import udp_packet
from controller.model.topology import Topology
from tests.fabrics import fabrics
from tests.laws.compiled import admission, with_detours
from tests.searching import examples

pytestmark = pytest.mark.law

search = settings(max_examples=examples(60), deadline=None)


def dead_ports(topology: Topology) -> dict[Failure, frozenset[PortRef]]:
    """The ports that each failure kills."""
    dead: dict[Failure, frozenset[PortRef]] = {
        ends_of(link.src, link.dst): frozenset((link.src, link.dst)) for link in topology.links
    }
    for switch in topology.switches:
        mine = {link.src for link in topology.out_links[switch.dpid]}
        dead[switch.dpid] = frozenset(mine | {topology.peer[port] for port in mine})
    return dead


@search
@given(fabrics(), st.randoms(use_true_random=False))
def test_what_is_healed_is_delivered_and_what_is_bare_is_lost(topology: Topology, random: Random) -> None:
    table, _ = with_detours(topology)
    program = assemble([*admission(topology), Routes(table)], topology, FabricSettings()).program
    found = coverage(topology, table)
    bare = {(each.failure, each.at, target) for each in found.bare for target in each.targets}
    every = dead_ports(topology)
    for failure in random.sample(sorted(every, key=str), min(6, len(every))):
        dead, met = every[failure], 0
        for (target, at), hops in table.hops.items():
            if failure in (target, at) or not {PortRef(at, port) for port in hops.ports} & dead:
                continue
            met += 1
            src = next(iter(topology.hosts_at.get(at, ())), None)
            dst = next((host for host in topology.hosts_at[target] if host.addresses), None)
            if src and dst:
                packet = udp_packet(src.mac, dst.mac, dst.addresses[0], dst.addresses[0])
                arrives = trace(program, topology.peer, packet, src.at, dead=dead).always_delivered
                assert arrives == ((failure, at, target) not in bare)
        tally = found.switches.get(failure) if isinstance(failure, int) else found.cables.get(failure)
        assert (tally.decisions if tally else 0) == met

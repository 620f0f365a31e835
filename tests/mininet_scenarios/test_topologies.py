"""The topologies for plain Mininet."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, mesh, ring
from mininet_scenarios.topologies import topos


@pytest.mark.parametrize(
    ("name", "shape", "numbers"),
    [
        ("fattree", fat_tree, (4,)),
        ("leafspine", leaf_spine, (3, 2)),
        ("ring", ring, (4,)),
        ("mesh", mesh, (4,)),
    ],
)
def test_plain_mininet_gets_the_ports_of_the_blueprint(
    name: str, shape: Callable[..., Blueprint], numbers: tuple[int, ...]
) -> None:
    topo, plan = topos[name](*numbers), shape(*numbers)
    names = {switch.dpid: switch.name for switch in plan.switches}
    wanted: set[frozenset[tuple[str, int]]]
    wanted = {frozenset([(names[c.a.dpid], c.a.port), (names[c.b.dpid], c.b.port)]) for c in plan.cables}
    wanted |= {frozenset([(host.name, 0), (names[host.at.dpid], host.at.port)]) for host in plan.hosts}
    made = {
        frozenset([(link["node1"], link["port1"]), (link["node2"], link["port2"])])
        for _, _, link in topo.links(withInfo=True)
    }
    assert made == wanted
    assert {topo.nodeInfo(switch)["protocols"] for switch in topo.switches()} == {"OpenFlow13"}


def test_a_wrong_number_ends_mininet_with_one_line() -> None:
    with pytest.raises(SystemExit, match="even k"):
        topos["fattree"](3)

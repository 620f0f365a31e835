"""The controller stops, dies, is cut off and comes back, and traffic does not notice.

One fat tree carries 1 kHz probes on several pairs meanwhile; not one of them may be lost. What was changed
behind the controller's back while it was away is put right when it is back.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest

from controller.model.blueprint import fat_tree
from mininet_scenarios import wiring
from mininet_scenarios.controller import free_port
from mininet_scenarios.lab import Lab
from tests.emulation.watch import (
    REACH_S,
    brought_up,
    eventually,
    groups,
    links,
    lost_meanwhile,
    place,
    planned_links,
    planned_place,
    rules,
    settled,
    told,
)

pytestmark = pytest.mark.emulation

_PAIRS = (("h1", "h16"), ("h2", "h3"), ("h9", "h6"), ("h16", "h1"))
_AFTERMATH_S = 5.0
"""A returned controller asks the hosts that it adopted for three seconds; what it got wrong shows then."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with brought_up(fat_tree(4)) as running:
        yield running


@pytest.fixture(autouse=True)
def _whole(lab: Lab) -> Iterator[None]:
    """Each test leaves the fabric, its controller and its hosts as they were."""
    yield
    assert eventually(lambda: links(lab) == planned_links(lab))
    assert all(place(lab, name) == planned_place(lab, name) for name in lab.hosts)
    assert lab.ping_all(timeout_s=REACH_S).complete


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_controller_that_goes_and_returns_costs_no_packet_and_changes_no_rule(lab: Lab, kill: bool) -> None:
    before = rules(lab)

    def go_and_return() -> None:
        lab.stop_controller(kill=kill)
        time.sleep(1.0)
        assert rules(lab) == before
        _return(lab)
        time.sleep(_AFTERMATH_S)

    assert lost_meanwhile(lab, _PAIRS, go_and_return) == {}
    assert rules(lab) == before


def test_what_was_changed_while_the_controller_was_away_is_put_right(lab: Lab) -> None:
    """A route is gone, a foreign rule drops what it should not, and a group has lost a bucket."""
    before = rules(lab), groups(lab)
    lab.stop_controller()
    lab.ofctl("s17", "del-flows", "table=5,ip,nw_dst=10.0.0.0/16")
    lab.ofctl("s20", "add-flow", "table=5,priority=9999,ip,nw_dst=10.1.0.0/16,actions=drop")
    lab.ofctl("s2", "add-flow", "table=0,priority=2000,in_port=1,actions=output:2")
    group = re.search(r"group_id=(\d+)", lab.ofctl("s1", "dump-groups"))
    assert group
    lab.ofctl("s1", "mod-group", f"group_id={group[1]},type=select,bucket=watch_port:3,actions=output:3")
    assert (rules(lab), groups(lab)) != before
    _return(lab)
    assert eventually(lambda: (rules(lab), groups(lab)) == before, every_s=0.5)


def test_a_cable_that_was_cut_while_the_controller_was_away_is_routed_round(lab: Lab) -> None:
    lab.stop_controller(kill=True)
    lab.cut("s3", "s17")
    lab.cut("s1", "s4")
    _return(lab)
    assert lab.ping_all(timeout_s=REACH_S).complete
    assert eventually(lambda: told(lab, "status")["links"] == 30)
    lab.restore("s3", "s17")
    lab.restore("s1", "s4")


def test_a_host_that_left_while_the_controller_was_away_is_forgotten(lab: Lab) -> None:
    lab.stop_controller()
    lab.cut("h4", "s2")
    _return(lab)
    assert eventually(lambda: place(lab, "h4") is None)
    lab.restore("h4", "s2")
    assert lab.ping("h4", "h1")
    assert eventually(lambda: place(lab, "h4") == planned_place(lab, "h4"))


def test_a_switch_that_is_cut_off_from_its_controller_goes_on_and_stays_in_the_graph(lab: Lab) -> None:
    before, whole = rules(lab), planned_links(lab)

    def cut_off_and_back() -> None:
        _control(lab, "s3", f"tcp:127.0.0.1:{free_port()}")
        assert eventually(lambda: told(lab, "status")["switches_connected"] == 19)
        assert not eventually(lambda: links(lab) != whole, within_s=3.0)
        _control(lab, "s3", lab.controller.target)
        assert eventually(lambda: told(lab, "status")["switches_connected"] == 20)
        assert not eventually(lambda: links(lab) != whole, within_s=3.0)

    assert lost_meanwhile(lab, _PAIRS, cut_off_and_back, own_changes=2) == {}
    assert settled(lab)
    assert rules(lab) == before


# --- how it is shown ----------------------------------------------------------------------------------------


def _return(lab: Lab) -> None:
    """The controller is started again, all switches find it, and it has done what it wants to do."""
    lab.start_controller()
    lab.wait_until_connected(timeout_s=REACH_S)
    assert eventually(lambda: told(lab, "status")["switches_connected"] == len(lab.blueprint.switches))
    assert settled(lab)


def _control(lab: Lab, switch: str, target: str) -> None:
    bridge = lab.fabric.bridge(lab.fabric.switch_plan(switch).dpid)
    lab.vsctl(switch, *wiring.controller_actions(bridge, target))

"""Links, switches and the controller itself fail, and come back."""

from __future__ import annotations

import time

from mininet_scenarios.lab import Lab
from mininet_scenarios.measure import Damage, across, begin_probes, busiest_cable, damage, transit_switch
from mininet_scenarios.scenario import Report, scenario


@scenario("link-failure", "A link dies under traffic and the fabric heals; it returns and nothing is lost.")
def link_failure(lab: Lab) -> Report:
    """The cable that carries most is the one that is cut."""
    lab.wait_until_reachable()
    flows = begin_probes(lab, across(lab))
    a, b = busiest_cable(lab)
    cut = damage(lab, flows, lab.cut(a, b))
    repair = damage(lab, flows, lab.restore(a, b))
    return _healed(lab, cut, repair)


@scenario("switch-failure", "A whole core switch dies under traffic and comes back empty.")
def switch_failure(lab: Lab) -> Report:
    """All its neighbours must route round it at once, and not use it again before it has its rules."""
    lab.wait_until_reachable()
    flows = begin_probes(lab, across(lab))
    name = transit_switch(lab)
    died = damage(lab, flows, lab.kill_switch(name))
    back = damage(lab, flows, lab.restart_switch(name), settle_s=4.0)
    return _healed(lab, died, back)


@scenario("controller-restart", "The controller is restarted, then killed, under traffic; no packet is lost.")
def controller_restart(lab: Lab) -> Report:
    """Switches keep their rules; the new controller adopts what it finds."""
    lab.wait_until_reachable()
    flows = begin_probes(lab, across(lab))
    report = Report()
    for kill in (False, True):
        stopped = lab.stop_controller(kill=kill)
        time.sleep(1.0)
        lab.start_controller()
        lab.wait_until_connected()
        lost = damage(lab, flows, stopped, settle_s=6.0)
        report["killed" if kill else "restarted"] = lost.as_json()
        assert lost.packets_lost == 0, f"after '{stopped.what}' {lost.packets_lost} packets were lost"
    return report


def _healed(lab: Lab, broke: Damage, mended: Damage) -> Report:
    assert not broke.unrecovered, f"{len(broke.unrecovered)} flows stayed dark after '{broke.what}'"
    assert not mended.unrecovered, f"{len(mended.unrecovered)} flows stayed dark after '{mended.what}'"
    assert mended.packets_lost == 0, f"'{mended.what}' cost {mended.packets_lost} packets"
    found = lab.ping_all()
    assert found.complete, f"{len(found.missing)} pairs are not reached in the end"
    return {"failures": [{**broke.as_json(), "packets_lost_on_repair": mended.packets_lost}]}

"""Hosts that move, and hosts that lie about who they are."""

from __future__ import annotations

import json
import time

from controller.model.blueprint import HostPlan
from controller.model.identity import BROADCAST
from mininet_scenarios.lab import Lab
from mininet_scenarios.measure import begin_probes
from mininet_scenarios.scenario import Report, scenario

_ARP_REPLY = bytes.fromhex("0806 0001 0800 06 04 0002")


@scenario("host-move", "A host moves to another switch and is followed.")
def host_move(lab: Lab) -> Report:
    """It keeps its addresses, as a virtual machine does; from then on everybody finds it in its new place."""
    lab.wait_until_reachable()
    moving, others = lab.hosts[0], lab.hosts[1:]
    last = lab.blueprint.switch_by_dpid[lab.host(lab.hosts[-1]).plan.at.dpid].name
    moved = lab.move_host(moving, last)
    pairs = [(moving, other) for other in others] + [(other, moving) for other in others]
    found = lab.traffic.reach(pairs)
    assert found.complete, f"{len(found.missing)} pairs with the moved host are not reached"
    assert _place(lab, moving) == last, (
        f"the controller sees {moving} at {_place(lab, moving)}, not at {last}"
    )
    return {"moved_to": last, "seconds_to_reachable": found.seconds_since(moved.began_s)}


@scenario("arp-spoofing", "A host claims the address of another, which lives: nobody believes it.")
def arp_spoofing(lab: Lab) -> Report:
    """The liar says so a hundred times, as answer and as question, in its own name and in the victim's."""
    lab.wait_until_reachable()
    victim, liar, witness = lab.hosts[0], lab.hosts[-1], lab.hosts[len(lab.hosts) // 2]
    flows = begin_probes(lab, [(witness, victim)], flows=4)
    began_s = time.monotonic()
    lies = _lies(lab.host(victim).plan, lab.host(liar).plan)
    for _ in range(25):
        lab.traffic.inject(liar, lies)
        time.sleep(0.04)
    time.sleep(2.0)
    lost = sum(
        window.lost
        for window in lab.traffic.window(flows, since_s=began_s, until_s=time.monotonic() - 0.1).values()
    )
    place = lab.blueprint.switch_by_dpid[lab.host(victim).plan.at.dpid].name
    assert _place(lab, victim) == place, f"the controller believes that {victim} is at {_place(lab, victim)}"
    assert lost == 0, f"{lost} packets for {victim} went astray"
    findings = json.loads(lab.ask("findings", "--json"))["findings"]
    assert findings, "nobody was told who tried"
    return {"packets_lost": lost, "findings": findings}


def _lies(victim: HostPlan, liar: HostPlan) -> list[bytes]:
    """ARP announcements of the victim's address with the liar's MAC, and with the victim's own."""
    frames = []
    for mac in (liar.mac.to_bytes(6, "big"), victim.mac.to_bytes(6, "big")):
        body = mac + victim.address.packed + BROADCAST.to_bytes(6, "big") + victim.address.packed
        frames.append(BROADCAST.to_bytes(6, "big") + mac + _ARP_REPLY + body)
        frames.append(frames[-1].replace(_ARP_REPLY, _ARP_REPLY[:-1] + b"\1"))
    return frames


def _place(lab: Lab, name: str) -> str:
    hosts = json.loads(lab.ask("hosts", "--json"))["hosts"]
    return next((str(host["switch"]) for host in hosts if host["name"] == name), "nowhere")

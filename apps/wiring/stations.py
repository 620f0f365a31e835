"""Switches and hosts: those that should be there, and whether they are where they should be.

A host that is silent is not missing: nobody has to speak. One that speaks at another port than the blueprint
gives it is reported; it is known by its MAC address, or by its IP address when the MAC is not the blueprint's
(a replaced network card).
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.wiring.differences import Differences, Intent
from apps.wiring.names import port_name
from controller.model.blueprint import Blueprint
from controller.model.finding import Finding, Severity
from controller.model.identity import dpid_text, mac_text
from controller.model.topology import Topology

_IS_IT_HEARD = "see whether it runs, and whether its controller is this one"
_IS_IT_OURS = "add it to the blueprint, or turn it away"


def switch_findings(blueprint: Blueprint, topology: Topology) -> Iterator[Finding]:
    """Switches that are missing, then switches that nobody planned, each sorted by identifier.

    Where no planned switch is there at all, one finding says it for all: then it is not the switches.
    """
    planned, present = blueprint.switch_by_dpid, topology.switch_by_dpid
    missing = sorted(planned.keys() - present.keys())
    if len(missing) == len(planned) > 1:
        evidence = f"none of the blueprint's {len(planned)} switches is connected"
        yield Finding(Severity.ERROR, "missing-switch", blueprint.name, evidence, _IS_IT_HEARD)
        missing = []
    for dpid in missing:
        evidence = f"{planned[dpid].name} ({dpid_text(dpid)}) is in the blueprint and is not connected"
        yield Finding(Severity.ERROR, "missing-switch", dpid_text(dpid), evidence, _IS_IT_HEARD)
    for dpid in sorted(present.keys() - planned.keys()):
        evidence = f"a switch {dpid_text(dpid)} is connected that the blueprint does not have"
        yield Finding(Severity.WARNING, "unknown-switch", dpid_text(dpid), evidence, _IS_IT_OURS)


def host_findings(intent: Intent, topology: Topology, differences: Differences) -> Iterator[Finding]:
    """Hosts at a port that is not theirs, in the order of the blueprint."""
    blueprint = intent.blueprint
    for number in sorted(differences.misplaced):
        plan, host = blueprint.hosts[number], intent.seen(number, topology)
        if host is not None:
            evidence = (
                f"{plan.name} ({plan.address}, {mac_text(host.mac)}) is at {port_name(blueprint, host.at)}; "
                f"its place is {port_name(blueprint, plan.at)}"
            )
            yield Finding(
                Severity.WARNING,
                "host-at-wrong-port",
                plan.name,
                evidence,
                "move its cable, or the blueprint",
            )

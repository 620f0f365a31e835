"""Everybody reaches everybody, on any topology."""

from __future__ import annotations

from mininet_scenarios.lab import Lab
from mininet_scenarios.scenario import Report, scenario


@scenario("reachability", "Every host reaches every other.")
def reachability(lab: Lab) -> Report:
    """The controller starts, and from then on the clock runs."""
    seconds = lab.wait_until_reachable(timeout_s=60)
    return {
        "pairs_total": len(lab.pairs),
        "pairs_reachable": len(lab.pairs),
        "seconds_to_reachable": round(seconds, 3),
    }


@scenario("reachability-ipv6", "Every host reaches every other over IPv6.", ipv6=True)
def reachability_ipv6(lab: Lab) -> Report:
    """As with IPv4; neighbours are found by ND instead of ARP."""
    lab.wait_until_reachable(timeout_s=60)
    found = lab.ping_all(ipv6=True)
    assert found.complete, f"{len(found.missing)} pairs are not reached over IPv6, first {found.missing[0]}"
    return {"pairs_total": found.pairs, "pairs_reachable": found.reached}


@scenario("mininet-tree", "What `mn --topo tree,3` builds: a tree without a second path.", topology="tree:3")
def mininet_tree(lab: Lab) -> Report:
    """Addresses 10.0.0.x tell nothing of the place; every host has its own rules."""
    return reachability(lab)


@scenario("mininet-linear", "What `mn --topo linear,4` builds: switches in a row.", topology="linear:4")
def mininet_linear(lab: Lab) -> Report:
    """The longest paths that a few switches can give."""
    return reachability(lab)

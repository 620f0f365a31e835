"""Wiring: what is said about a fabric that is not as it was meant to be, and when."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from apps.wiring.app import SETTLED_S, Wiring
from controller.contract import Decision, Report
from controller.model.finding import Finding
from controller.model.identity import Dpid, Mac, PortRef, port_ref
from controller.model.succession import difference, successor
from controller.model.topology import Link, Topology, topology
from tests.apps.views import FABRIC, H1, H2, PLAN, view
from tests.fabrics import with_hosts, without
from tests.searching import examples

CABLES = sorted((link.src, link.dst) for link in FABRIC.links if link.src < link.dst)


def _kinds_of(decisions: tuple[Decision, ...]) -> list[str]:
    return [f.kind for decision in decisions if isinstance(decision, Report) for f in decision.findings]


def _findings(fabric: Topology) -> tuple[Finding, ...]:
    """What is said of this fabric once it has settled."""
    app = Wiring()
    memory, _ = app.decide(view(fabric, blueprint=PLAN, now_s=0.0), None)
    _, (report,) = app.decide(view(fabric, blueprint=PLAN, now_s=SETTLED_S), memory)
    assert isinstance(report, Report)
    return report.findings


def _kinds(fabric: Topology) -> list[str]:
    return [finding.kind for finding in _findings(fabric)]


def _with_cables(fabric: Topology, cables: Iterable[tuple[PortRef, PortRef]]) -> Topology:
    links = [link for a, b in cables for link in (Link(a, b), Link(b, a))]
    ports = {link.src for link in links}
    kept = [link for link in fabric.links if link.src not in ports and link.dst not in ports]
    return topology(2, fabric.switches, [*kept, *links], fabric.hosts, fabric.edge_ports)


def test_a_fabric_as_it_was_meant_gives_no_findings() -> None:
    assert _findings(FABRIC) == ()


def test_a_missing_cable_is_named_with_both_its_ends() -> None:
    a, b = CABLES[0]
    (finding,) = _findings(without(FABRIC, [a, b]))
    assert finding.kind == "missing-cable"
    assert finding.subject == str(a)
    assert f"s{a.dpid} port {a.port} should lead to s{b.dpid} port {b.port}" in finding.evidence
    assert "both ports are up" in finding.advice


def test_a_missing_cable_without_carrier_is_to_be_plugged_in() -> None:
    a, b = CABLES[0]
    cut = without(FABRIC, [a, b])
    dark = [
        replace(switch, ports=tuple(replace(p, live=p.number != a.port) for p in switch.ports))
        if switch.dpid == a.dpid
        else switch
        for switch in cut.switches
    ]
    (finding,) = _findings(topology(3, dark, cut.links, cut.hosts, cut.edge_ports))
    assert f"no carrier at s{a.dpid} port {a.port}" in finding.evidence


def test_two_swapped_cables_are_one_finding() -> None:
    (a, b), (c, d) = CABLES[0], CABLES[5]
    (finding,) = _findings(_with_cables(FABRIC, [(a, d), (c, b)]))
    assert finding.kind == "crossed-cable"
    for end in (a, b, c, d):
        assert f"s{end.dpid} port {end.port}" in finding.evidence
    assert f"s{a.dpid} port {a.port} to s{b.dpid} port {b.port}" in finding.advice


def test_two_pairs_of_swapped_cables_are_two_findings() -> None:
    (a, b), (c, d), (e, f), (g, h) = CABLES[0], CABLES[5], CABLES[10], CABLES[15]
    assert _kinds(_with_cables(FABRIC, [(a, d), (c, b), (e, h), (g, f)])) == ["crossed-cable"] * 2


def test_a_cable_in_the_port_beside_is_crossed_and_not_missing_and_extra() -> None:
    a, b = CABLES[0]
    beside = port_ref(b.dpid, 40)
    (finding,) = _findings(_with_cables(without(FABRIC, [a, b]), [(a, beside)]))
    assert finding.kind == "crossed-cable"
    assert f"s{a.dpid} port {a.port} leads to s{b.dpid} port 40" in finding.evidence


def test_a_cable_that_nobody_planned_is_extra() -> None:
    spare = port_ref(1, 40), port_ref(2, 40)
    (finding,) = _findings(_with_cables(FABRIC, [spare]))
    assert finding.kind == "extra-cable"
    assert "s1 port 40 leads to s2 port 40" in finding.evidence


def _without_switch(dpid: Dpid, fabric: Topology = FABRIC) -> Topology:
    switches = [switch for switch in fabric.switches if switch.dpid != dpid]
    links = [link for link in fabric.links if dpid not in (link.src.dpid, link.dst.dpid)]
    hosts = [host for host in fabric.hosts if host.at.dpid != dpid]
    return topology(2, switches, links, hosts, fabric.edge_ports)


def test_a_missing_switch_says_it_for_all_its_cables() -> None:
    (finding,) = _findings(_without_switch(Dpid(20)))
    assert finding.kind == "missing-switch"
    assert "s20" in finding.evidence


def test_where_no_switch_is_there_one_finding_says_it_for_all() -> None:
    (finding,) = _findings(Topology())
    assert (finding.kind, finding.subject) == ("missing-switch", "fat_tree(4)")
    assert "none of the blueprint's 20 switches" in finding.evidence


def test_a_switch_that_nobody_planned_is_unknown() -> None:
    stranger = replace(FABRIC.switches[0], dpid=Dpid(0xABC), ports=())
    fabric = topology(2, [*FABRIC.switches, stranger], FABRIC.links, FABRIC.hosts, FABRIC.edge_ports)
    (finding,) = _findings(fabric)
    assert (finding.kind, finding.subject) == ("unknown-switch", "0000000000000abc")


def test_hosts_that_have_changed_places_are_both_told() -> None:
    moved = {H1.mac: H2.at, H2.mac: H1.at}
    hosts = [replace(host, at=moved.get(host.mac, host.at)) for host in FABRIC.hosts]
    first, second = _findings(with_hosts(FABRIC, hosts))
    assert (first.kind, first.subject, second.subject) == ("host-at-wrong-port", "h1", "h2")
    assert "h1 (10.0.0.2" in first.evidence
    assert f"its place is s1 port {H1.at.port}" in first.evidence


def test_a_silent_host_is_not_missing() -> None:
    assert _findings(with_hosts(FABRIC, [])) == ()


def test_nothing_is_said_while_the_fabric_comes_up() -> None:
    app = Wiring()
    memory, (report,) = app.decide(view(_without_switch(Dpid(20)), blueprint=PLAN, now_s=0.0), None)
    assert report == Report(())
    memory, _ = app.decide(view(FABRIC, blueprint=PLAN, now_s=1.5), memory)
    memory, (report,) = app.decide(view(FABRIC, blueprint=PLAN, now_s=3.0), memory)
    assert report == Report(())
    assert app.due_s(memory) == 3.5


def test_what_was_said_stays_said_until_the_next_comparison() -> None:
    app = Wiring()
    cut = without(FABRIC, CABLES[0])
    memory, _ = app.decide(view(cut, blueprint=PLAN, now_s=0.0), None)
    memory, said = app.decide(view(cut, blueprint=PLAN, now_s=2.0), memory)
    assert _kinds_of(said) == ["missing-cable"]
    memory, still = app.decide(view(FABRIC, blueprint=PLAN, now_s=5.0), memory)
    assert still is said
    _, over = app.decide(view(FABRIC, blueprint=PLAN, now_s=7.0), memory)
    assert over == (Report(()),)


def test_a_host_that_comes_or_goes_does_not_delay_the_comparison() -> None:
    app = Wiring()
    memory, _ = app.decide(view(without(FABRIC, CABLES[0]), blueprint=PLAN, now_s=0.0), None)
    fewer = with_hosts(without(FABRIC, CABLES[0]), FABRIC.hosts[1:])
    _, decisions = app.decide(view(fewer, blueprint=PLAN, now_s=2.0), memory)
    assert _kinds_of(decisions) == ["missing-cable"]


def test_without_a_blueprint_nothing_is_compared_and_nobody_has_to_wake_up() -> None:
    app = Wiring()
    memory, _ = app.decide(view(now_s=0.0), None)
    memory, (report,) = app.decide(view(now_s=2.0), memory)
    assert report == Report(())
    assert app.due_s(memory) is None


def test_an_unchanged_fabric_gives_the_same_objects() -> None:
    app = Wiring()
    memory, _ = app.decide(view(blueprint=PLAN, now_s=0.0), None)
    memory, said = app.decide(view(blueprint=PLAN, now_s=2.0), memory)
    again, same = app.decide(view(blueprint=PLAN, now_s=60.0), memory)
    assert again is memory
    assert same is said


@given(st.randoms(use_true_random=False), st.integers(1, 12), st.booleans())
@settings(max_examples=examples(40), deadline=None)
def test_following_the_fabric_says_the_same_as_looking_at_all_of_it(
    random: Random, length: int, related: bool
) -> None:
    app, now_s, fabric = Wiring(), 0.0, FABRIC
    memory, _ = app.decide(view(fabric, blueprint=PLAN, now_s=now_s), None)
    memory, said = app.decide(view(fabric, blueprint=PLAN, now_s=SETTLED_S), memory)
    for _ in range(length):
        other = _disarranged(random)
        fabric = successor(fabric, difference(fabric, other)) if related else other
        now_s += random.choice([1.0, 2 * SETTLED_S])
        memory, said = app.decide(view(fabric, blueprint=PLAN, now_s=now_s), memory)
    _, said = app.decide(view(fabric, blueprint=PLAN, now_s=now_s + SETTLED_S), memory)
    assert said == (Report(_findings(fabric)),)


def _disarranged(random: Random) -> Topology:
    """The fabric with some far ends, some hosts and perhaps a switch in the wrong place."""
    chosen = random.sample(CABLES, random.choice([0, 2, 4]))
    shuffled = random.sample([b for _, b in chosen], len(chosen))
    mixed = [_sorted(a, b) for (a, _), b in zip(chosen, shuffled, strict=True) if random.random() < 0.8]
    fabric = _with_cables(without(FABRIC, [end for ends in chosen for end in ends]), mixed)
    places = random.sample([host.at for host in FABRIC.hosts], len(FABRIC.hosts))
    mistaken = random.sample(range(len(FABRIC.hosts)), random.choice([0, 0, 2]))
    hosts = [
        replace(host, at=places[n], mac=Mac(host.mac + random.choice([0, 0x1000]))) if n in mistaken else host
        for n, host in enumerate(FABRIC.hosts)
        if random.random() < 0.9
    ]
    fabric = with_hosts(fabric, hosts)
    return fabric if random.random() < 0.7 else _without_switch(random.choice(FABRIC.switches).dpid, fabric)


def _sorted(a: PortRef, b: PortRef) -> tuple[PortRef, PortRef]:
    return (a, b) if a < b else (b, a)


@given(st.permutations(range(6)))
def test_any_mix_of_six_far_ends_leaves_no_wrong_cable_unsaid(order: list[int]) -> None:
    chosen = CABLES[::5][:6]
    mixed = [_sorted(chosen[i][0], chosen[j][1]) for i, j in enumerate(order)]
    findings = _findings(_with_cables(without(FABRIC, [end for ends in chosen for end in ends]), mixed))
    assert {finding.kind for finding in findings} <= {"crossed-cable"}
    told = " ".join(finding.evidence for finding in findings)
    wrong = [ends for ends in mixed if ends not in chosen]
    assert all(f"s{a.dpid} port {a.port} leads to s{b.dpid} port {b.port}" in told for a, b in wrong)
    assert bool(findings) == bool(wrong)

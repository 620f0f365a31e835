"""The proof of all pairs, judged by tracing each pair on its own: it may never be surer than the trace."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from controller.dataplane.pipeline import Table
from controller.dataplane.trace import Disposition, trace
from controller.model.blueprint import Blueprint, fat_tree, linear, ring
from controller.model.flow import (
    Bucket,
    Field,
    FlowRule,
    Group,
    GroupKind,
    Output,
    SetField,
    ToGroup,
    match,
)
from controller.model.identity import Dpid, PortRef, port_ref
from controller.model.program import FabricProgram, SwitchProgram
from simulator.fabric.snapshot import Snapshot, Station
from simulator.proof import prove
from simulator.proof.solution import Solution
from simulator.proof.universe import Kind, sample
from tests.searching import examples
from tests.simulator.accidents import FABRICS, Accident, accidents, altered
from tests.simulator.programmed import both_ends, program_of, programmed, some_wire

KINDS = tuple(Kind)


def pairs(snapshot: Snapshot, kind: Kind) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The pairs that the proof holds for good, and those that the trace does."""
    stations = [each for each in snapshot.stations if each.at not in snapshot.dead]
    solution = Solution(snapshot, stations, kind)
    numbered = list(enumerate(solution.universe.stations))
    every = [(s, d) for s in numbered for d in numbered if s != d]
    program, wires, dead = snapshot.program(), snapshot.wires(), snapshot.dead_ports()

    def arrives(source: Station, to: Station) -> bool:
        """Whether every alternative of the trace ends at the destination's port, with its MAC."""
        found = trace(program, wires, sample(kind, source, to), port_ref(*source.at), dead=dead)
        ends = [branch for hop in found.hops for branch in hop.branches if branch.disposition is not None]
        return all(
            branch.disposition is Disposition.DELIVERED
            and branch.out == port_ref(*to.at)
            and branch.packet.get(Field.ETH_DST) == to.mac
            for branch in ends
        )

    proven = {(source.name, to.name) for (s, source), (d, to) in every if solution.starts[s] >> d & 1}
    traced = {(source.name, to.name) for (_, source), (_, to) in every if arrives(source, to)}
    return proven, traced


@pytest.mark.parametrize("blueprint", FABRICS, ids=lambda blueprint: blueprint.name)
def test_a_fabric_whose_tables_are_right_is_proven_whole(blueprint: Blueprint) -> None:
    snapshot = programmed(blueprint)
    proof = prove(snapshot)
    n = len(blueprint.hosts)
    assert proof.complete
    assert proof.counterexample is None
    assert proof.pairs == proof.expected == n * (n - 1)
    for kind in KINDS:
        proven, by_trace = pairs(snapshot, kind)
        assert proven == by_trace


def test_paths_are_as_long_as_they_can_be() -> None:
    (verdict, *_) = prove(programmed(fat_tree(4))).verdicts
    assert verdict.rounds == 4
    (verdict, *_) = prove(programmed(linear(9))).verdicts
    assert verdict.rounds == 8


# --- what must be found -------------------------------------------------------------------------------------

TREE = fat_tree(4)
RIGHT = program_of(TREE)


def _host_rule(dpid: int, field: str) -> FlowRule:
    """A rule of an edge switch that delivers to a host of its own."""
    return next(
        rule
        for rule in RIGHT[Dpid(dpid)].table(Table.ROUTES)
        if any(isinstance(each, SetField) for each in rule.actions)
        and any(term.field.name.lower() == field for term in rule.match)
    )


def _why(program: FabricProgram, *dead: PortRef) -> str:
    proof = prove(programmed(TREE, program, dead))
    assert not proof.complete
    assert proof.counterexample is not None
    return str(proof.counterexample)


@pytest.mark.parametrize(("field", "kind"), [("ipv4_dst", Kind.IPV4), ("arp_tpa", Kind.ARP)])
def test_a_missing_rule_is_found(field: str, kind: Kind) -> None:
    proof = prove(programmed(TREE, altered(RIGHT, 1, drop=_host_rule(1, field))))
    assert proof.expected - proof.pairs == 15
    assert {verdict.kind: verdict.proven for verdict in proof.verdicts} == dict.fromkeys(Kind, 240) | {
        kind: 225
    }
    assert proof.counterexample is not None
    assert proof.counterexample.kind is kind
    assert proof.counterexample.destination in ("h1", "h2")


def test_a_wrong_port_is_found() -> None:
    rule = _host_rule(1, "eth_dst")
    ports = [host.at.port for host in TREE.hosts if host.at.dpid == 1]
    other = next(port for port in ports if Output(port) not in rule.actions)
    wrong = replace(rule, actions=(*rule.actions[:-1], Output(other)))
    program = altered(RIGHT, 1, add=(wrong,))
    proof = prove(programmed(TREE, program))
    assert proof.expected - proof.pairs == 15
    assert "where it came in" in _why(program)
    elsewhere = [host.name for host in TREE.hosts if host.at.dpid != 1]
    solution = Solution(programmed(TREE, program), list(programmed(TREE).stations), Kind.ETHERNET)
    wanted = [solution.universe.everybody if s.name in elsewhere else 0 for s in solution.universe.stations]
    found = solution.counterexample(wanted)
    assert found is not None
    assert f"comes to somebody else, by port {other}" in found.why


def test_a_wrong_mac_is_found() -> None:
    rule = _host_rule(1, "ipv4_dst")
    wrong = replace(rule, actions=(SetField(Field.ETH_DST, 0x02_00_00_00_00_77), *rule.actions[1:]))
    assert "020000000077 written into it" in _why(altered(RIGHT, 1, add=(wrong,)))


def test_a_loop_is_found() -> None:
    up, down = some_wire(TREE, "s1", "s3"), some_wire(TREE, "s3", "s1")
    far = match(eth_type=0x800, ipv4_dst=(0x0A030000, 0xFFFF0000))
    program = altered(RIGHT, 1, add=(FlowRule(Table.ROUTES, 9000, far, (Output(up.port),)),))
    program = altered(program, 3, add=(FlowRule(Table.ROUTES, 9000, far, (Output(down.port),)),))
    why = _why(program)
    assert "it is sent out by port" in why
    assert "where it came in" in why


def test_a_longer_loop_is_found() -> None:
    circle = ring(4)
    everything = match(eth_type=0x800, ipv4_dst=(0x0A000000, 0xFF000000))
    program = program_of(circle)
    for here, there in (("s1", "s2"), ("s2", "s3"), ("s3", "s4"), ("s4", "s1")):
        port = some_wire(circle, here, there)
        rule = FlowRule(Table.ROUTES, 9000, everything, (Output(port.port),))
        program = altered(program, int(port.dpid), add=(rule,))
    proof = prove(programmed(circle, program))
    assert (proof.verdicts[0].proven, proof.verdicts[1].proven) == (0, 12)
    assert proof.counterexample is not None
    assert proof.counterexample.why == "it goes round in a loop"
    assert len(proof.counterexample.path) == 6


def test_a_link_port_that_is_not_admitted_is_found() -> None:
    port = some_wire(TREE, "s3", "s1").port
    rule = next(
        rule
        for rule in RIGHT[Dpid(3)].table(Table.ADMISSION)
        if rule.match == match(in_port=int(port), eth_dst=(0, 1 << 40))
    )
    assert "goes to the controller" in _why(altered(RIGHT, 3, drop=rule))


def test_a_station_that_is_not_admitted_is_found() -> None:
    host = TREE.hosts[0]
    station = match(in_port=int(host.at.port), eth_src=int(host.mac))
    rule = next(rule for rule in RIGHT[host.at.dpid].table(Table.ADMISSION) if rule.match == station)
    proof = prove(programmed(TREE, altered(RIGHT, int(host.at.dpid), drop=rule)))
    assert proof.expected - proof.pairs == 15
    assert proof.counterexample is not None
    assert proof.counterexample.source == host.name


def test_a_dead_port_that_rules_still_use_is_found_and_a_program_without_it_is_proven() -> None:
    port = some_wire(TREE, "s3", "s1")
    dead = both_ends(TREE, port)
    assert "which is down" in _why(RIGHT, *dead)
    proof = prove(programmed(TREE, program_of(TREE, [port]), dead))
    assert proof.complete
    assert proof.expected == 240


def test_a_bucket_that_watches_a_dead_port_is_left_out_and_one_that_does_not_is_a_hole() -> None:
    port = some_wire(TREE, "s1", "s3")
    uplinks = [end.port for end in TREE.peer if end.dpid == 1]
    away = match(eth_type=0x800, ipv4_dst=(0x0A030000, 0xFFFF0000))
    rule = FlowRule(Table.ROUTES, 1300, away, (ToGroup(5),))
    watching = tuple(Bucket((Output(up),), 1, up) for up in uplinks)
    blind = tuple(Bucket((Output(up),), 1) for up in uplinks)
    for buckets, hole in ((watching, False), (blind, True)):
        group = Group(5, GroupKind.SELECT, buckets)
        program = altered(program_of(TREE, [port]), 1, add=(rule,), groups=(group,))
        proof = prove(programmed(TREE, program, both_ends(TREE, port)), (Kind.IPV4,))
        assert proof.complete is not hole


def test_hosts_that_no_wire_leads_to_are_not_expected() -> None:
    line = linear(4)
    cut = some_wire(line, "s2", "s3")
    proof = prove(programmed(line, program_of(line, [cut]), both_ends(line, cut)))
    assert (proof.pairs, proof.expected) == (4, 4)
    host = line.hosts[0]
    proof = prove(programmed(line, None, [host.at]))
    assert (proof.pairs, proof.expected) == (6, 6)


def test_a_rule_on_some_sources_makes_the_proof_careful_and_never_wrong() -> None:
    line = linear(4)
    denied = FlowRule(Table.POLICY, 50, match(eth_src=int(line.hosts[0].mac), eth_dst=int(line.hosts[3].mac)))
    program = altered(program_of(line), 3, add=(denied,))
    for kind in KINDS:
        proven, by_trace = pairs(programmed(line, program), kind)
        assert ("h1", "h4") not in by_trace
        assert by_trace - proven == {("h2", "h4")}


# --- whatever is done to the tables -------------------------------------------------------------------------


@settings(max_examples=examples(150))
@given(accidents())
def test_what_is_proven_is_true_whatever_was_done_to_the_tables(case: Accident) -> None:
    snapshot = programmed(case.blueprint, case.program, case.dead)
    for kind in KINDS:
        proven, by_trace = pairs(snapshot, kind)
        assert proven <= by_trace
        if case.exact:
            assert proven == by_trace


@settings(max_examples=examples(100))
@given(accidents())
def test_a_pair_that_is_not_proven_comes_with_a_way_that_leads_astray(case: Accident) -> None:
    snapshot = programmed(case.blueprint, case.program, case.dead)
    home = {station.name: station.at for station in snapshot.stations}
    for verdict in prove(snapshot).verdicts:
        found = verdict.counterexample
        assert (found is None) == (verdict.proven == verdict.expected)
        if found is not None:
            assert found.path[0] == home[found.source]
            assert all(at in snapshot.peer for at in found.path[1:])
            assert found.why


def test_no_rule_at_all_is_no_mystery() -> None:
    empty: FabricProgram = {dpid: SwitchProgram() for dpid in RIGHT}
    proof = prove(programmed(TREE, empty))
    assert proof.pairs == 0
    assert proof.counterexample is not None
    assert proof.counterexample.why == "no rule of table 0 matches"

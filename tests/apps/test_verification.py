"""What verification objects to, and to what it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from apps.verification.inspector import Verification
from controller.contract import FabricSettings, FabricView, Proposal
from controller.dataplane.pipeline import Table
from controller.model.blueprint import leaf_spine
from controller.model.finding import Finding, Severity
from controller.model.flow import TO_CONTROLLER, Field, FlowRule, Output
from controller.model.identity import Dpid, IpAddress, PortNo, PortRef
from controller.model.program import FabricProgram, SwitchProgram, switch_program
from controller.model.topology import Topology
from policies.canonical import write
from policies.language.load import parse_policy
from tests.fabrics import without
from treadle.ground import inventory_of, planned
from treadle.offline import program_of

LEAVES = planned(leaf_spine(2, 2, 2))
SHOWN = LEAVES.topology
SOUND = program_of(SHOWN)
LEAF, SPINE = Dpid(1), Dpid(3)
NOTHING: FabricProgram = {dpid: SwitchProgram() for dpid in SOUND}


def found(
    wanted: FabricProgram,
    installed: FabricProgram = SOUND,
    shown: Topology = SHOWN,
    policy: str = "",
    settings: FabricSettings | None = None,
) -> tuple[Finding, ...]:
    view = FabricView(0.0, shown, settings=settings or FabricSettings(), policy=policy)
    return Verification().inspect(None, Proposal(view, installed, wanted))[1]


def denying() -> str:
    one, other = (str(SHOWN.hosts[number].addresses[0]) for number in (0, 3))
    text = f"kind: access\nname: wall\nclauses: [deny: {{from: {one}, to: {other}}}]\n"
    return write(parse_policy({"wall.yaml": text}, inventory_of(LEAVES)))


def changed(dpid: Dpid, gone: tuple[FlowRule, ...], come: tuple[FlowRule, ...] = ()) -> FabricProgram:
    kept = [rule for rule in SOUND[dpid].rules.values() if rule not in gone]
    return {**SOUND, dpid: switch_program([*kept, *come], SOUND[dpid].groups.values())}


def route_to(dpid: Dpid, address: IpAddress) -> FlowRule:
    """The rule by which a switch forwards IPv4 packets to an address."""
    rules = [
        rule
        for rule in SOUND[dpid].table(Table.ROUTES)
        for term in rule.match.terms
        if term.field is Field.IPV4_DST and int(address) & term.mask == term.value
    ]
    return rules[0]


@pytest.mark.parametrize("policy", ["", denying()])
def test_a_sound_program_is_let_pass(policy: str) -> None:
    assert found(program_of(SHOWN, policy), policy=policy) == ()


def test_a_loop_is_stopped_with_a_packet_that_goes_round() -> None:
    """The far leaf sends packets for a host of the near one up to a spine, which sends them down again."""
    target = SHOWN.hosts[3].addresses[0]
    near = route_to(Dpid(2), target)
    up = [port for port in (3, 4) if SHOWN.peer[PortRef(Dpid(2), PortNo(port))].dpid == SPINE]
    other = [port for port in (3, 4) if port not in up]
    wanted = {
        **SOUND,
        Dpid(2): changed(Dpid(2), (near,), (replace(near, actions=(Output(PortNo(other[0])),)),))[Dpid(2)],
        Dpid(4): changed(
            Dpid(4),
            (route_to(Dpid(4), target),),
            (replace(route_to(Dpid(4), target), actions=(Output(PortNo(1)),)),),
        )[Dpid(4)],
    }
    at_leaf = route_to(LEAF, target)
    wanted[LEAF] = changed(LEAF, (at_leaf,), (replace(at_leaf, actions=(Output(PortNo(up[0])),)),))[LEAF]
    objections = found(wanted)
    assert {each.kind for each in objections} == {"plan-refused"}
    assert {each.severity for each in objections} == {Severity.ERROR}
    assert objections[0].evidence.startswith("loop: ")
    assert f"nw_dst={target}" in objections[0].evidence


def test_a_rule_that_is_missing_is_a_black_hole() -> None:
    objections = found(changed(LEAF, tuple(SOUND[LEAF].table(Table.ROUTES))))
    assert any("black hole" in each.evidence and "no rule" in each.evidence for each in objections)


def test_packets_that_a_policy_denies_do_not_pass() -> None:
    (first, *_) = found(SOUND, policy=denying())
    assert "denied, and may arrive" in first.evidence


def test_packets_that_no_policy_denies_are_not_dropped() -> None:
    (first, *_) = found(program_of(SHOWN, denying()))
    assert "allowed, and does not arrive" in first.evidence


def expecting(must: str) -> str:
    one, other = (str(SHOWN.hosts[number].addresses[0]) for number in (0, 3))
    text = f"kind: expect\nname: hope\nexpect: [{{from: {one}, to: {other}, must: {must}}}]\n"
    return write(parse_policy({"hope.yaml": text}, inventory_of(LEAVES)))


def test_what_is_expected_is_proven_with_every_plan() -> None:
    hosts = [host.addresses[0] for host in SHOWN.hosts]
    told = replace(route_to(Dpid(2), hosts[3]), actions=(TO_CONTROLLER,))
    worse = changed(Dpid(2), (route_to(Dpid(2), hosts[3]),), (told,))
    (objection,) = found(worse, policy=expecting("reach"))
    assert objection.evidence.startswith("not as expected (hope")
    assert found(SOUND, policy=expecting("reach")) == ()
    assert found(SOUND, installed=worse, policy=expecting("not-reach")) != ()
    assert found(worse, policy=expecting("not-reach")) == ()


def test_a_plan_that_mends_one_of_two_things_is_let_pass() -> None:
    target = SHOWN.hosts[3].addresses[0]
    broken = changed(SPINE, (route_to(SPINE, target),), (replace(route_to(SPINE, target), actions=()),))
    worse = {**broken, Dpid(4): SwitchProgram()}
    assert found(broken, installed=worse) == ()
    assert found(worse, installed=broken) != ()


def test_what_a_failure_has_broken_may_be_mended() -> None:
    shown = without(SHOWN, [SHOWN.links[0].src])
    assert found(program_of(shown), installed=SOUND, shown=shown) == ()


def test_one_proposal_after_another_is_judged_as_if_it_were_the_first() -> None:
    inspector, memory = Verification(), None
    policy = denying()
    shown = without(SHOWN, [SHOWN.links[0].src])
    steps = [
        (SHOWN, SOUND, "", False),
        (SHOWN, SOUND, policy, True),
        (SHOWN, program_of(SHOWN, policy), policy, False),
        (shown, program_of(shown, policy), policy, False),
        (shown, program_of(shown), policy, True),
        (SHOWN, SOUND, "", False),
    ]
    for topology, wanted, text, is_bad in steps:
        view = FabricView(0.0, topology, policy=text)
        memory, said = inspector.inspect(memory, Proposal(view, {}, wanted))
        assert bool(said) == is_bad
        assert bool(found(wanted, {}, topology, text)) == is_bad


def test_a_fabric_that_is_too_large_is_said_to_be_unverified() -> None:
    few = FabricSettings(verified_switches=3)
    (said,) = found(NOTHING, settings=few)
    assert said.severity is Severity.INFO
    assert "4 switches" in said.evidence
    assert found(NOTHING, settings=FabricSettings(verified_switches=0)) == ()


def test_switches_too_small_for_everything_may_leave_packets_unserved_but_not_loop_them() -> None:
    view = FabricView(0.0, SHOWN)
    lost = changed(LEAF, tuple(SOUND[LEAF].table(Table.ROUTES)))
    assert Verification().inspect(None, Proposal(view, SOUND, lost, whole=False))[1] == ()
    assert Verification().inspect(None, Proposal(view, SOUND, lost))[1] != ()

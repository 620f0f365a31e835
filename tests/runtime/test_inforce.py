"""A policy in force on a fabric in memory: set, refused, not confirmed, and under way with failures."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from apps.policy.app import Policing
from controller.dataplane.pipeline import Table
from controller.dataplane.trace import Disposition, trace
from controller.model.blueprint import fat_tree, leaf_spine
from controller.model.command import Command, SetRule
from controller.model.event import PolicyAsked, PolicyConfirmed, Refused
from controller.model.flow import FlowRule
from controller.model.identity import Dpid
from controller.model.limits import Limits
from controller.southbound.fake import FakeSouthbound
from policies.canonical import write
from policies.language.load import parse_policy
from policies.policy import Policy
from policies.witness import as_packet, between
from tests.policies.inventory import INVENTORY
from tests.runtime.driving import Drive

WIRING = leaf_spine(2, 2, 2)


def policy(text: str) -> Policy:
    return parse_policy({"test.yaml": f"kind: access\nname: a\nclauses: [{text}]\n"}, INVENTORY)


H = [host.address for host in WIRING.hosts]
DENY = policy(f"deny: {{from: {H[0]}, to: {H[3]}}}")
OTHER = policy(f"deny: {{from: {H[1]}, to: {H[3]}}}")
_DENIED, _DELIVERED = {Disposition.DENIED}, {Disposition.DELIVERED}


def driven(fabric: FakeSouthbound | None = None) -> Drive:
    return Drive(WIRING, fabric=fabric, more=(Policing(),)).come_up()


def ask(drive: Drive, wanted: Policy, confirm_within_s: float | None = None) -> None:
    drive.fabric.events.put(PolicyAsked(write(wanted), wanted.version, confirm_within_s))


def fates(drive: Drive, src: int, dst: int) -> frozenset[Disposition]:
    """What becomes of a packet between two hosts."""
    one, other = (WIRING.hosts[number] for number in (src, dst))
    sent = as_packet(between(one.address, other.address, 6, None, 80), one.mac, other.mac)
    programs = {switch.dpid: drive.fabric.program(switch.dpid) for switch in WIRING.switches}
    return trace(programs, WIRING.peer, sent, one.at).dispositions


def kinds(drive: Drive) -> list[str]:
    return [each.kind for each in drive.news if each.kind.startswith("policy")]


def test_a_policy_denies_what_it_denies_and_nothing_else() -> None:
    drive = driven()
    ask(drive, DENY)
    drive.run(1.0)
    assert drive.engine.idle
    assert fates(drive, 0, 3) == _DENIED
    assert all(
        fates(drive, a, b) == _DELIVERED for a in range(4) for b in range(4) if a != b and (a, b) != (0, 3)
    )


def test_no_policy_leaves_no_rule() -> None:
    drive = driven()
    before = {switch.dpid: drive.fabric.program(switch.dpid) for switch in WIRING.switches}
    ask(drive, DENY)
    drive.run(1.0)
    drive.fabric.events.put(PolicyAsked("", ""))
    drive.run(1.0)
    after = {switch.dpid: drive.fabric.program(switch.dpid) for switch in WIRING.switches}
    assert after == before


class Unwilling(FakeSouthbound):
    """A fabric in which the second leaf takes no rule that drops IPv4, once it is told to."""

    unwilling = False

    def send(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        for command in commands:
            if self.unwilling and dpid == 2 and isinstance(command, SetRule) and _drops(command.rule):
                self.events.put(Refused(dpid, 5, 0, "no such rules here", command))
            else:
                super().send(dpid, [command])


def _drops(rule: FlowRule) -> bool:
    return rule.table == Table.POLICY and rule.goto is None


def test_a_policy_that_one_switch_refuses_is_taken_back_from_all() -> None:
    fabric = Unwilling(WIRING)
    drive = driven(fabric)
    ask(drive, DENY)
    drive.run(1.0)
    fabric.unwilling = True
    host = next(plan for plan in WIRING.hosts if plan.at.dpid == 2)
    refused = policy(f"deny: {{from: {host.address}, to: {H[0]}}}")
    ask(drive, refused)
    drive.run(2.0)
    fabric.unwilling = False
    assert drive.engine.policy.now.version == DENY.version
    assert "policy-returned" in kinds(drive)
    drive.run(120.0)
    assert fates(drive, 0, 3) == _DENIED
    assert fates(drive, WIRING.hosts.index(host), 0) == _DELIVERED
    ask(drive, refused)
    drive.run(2.0)
    assert fates(drive, WIRING.hosts.index(host), 0) == _DENIED, "what is wanted anew is asked for anew"


def test_a_policy_that_nobody_confirms_returns_the_one_before() -> None:
    drive = driven()
    ask(drive, DENY)
    drive.run(1.0)
    ask(drive, OTHER, confirm_within_s=10.0)
    drive.run(5.0)
    assert fates(drive, 0, 3) == _DELIVERED
    assert fates(drive, 1, 3) == _DENIED
    drive.run(10.0)
    assert drive.engine.policy.now.version == DENY.version
    assert fates(drive, 0, 3) == _DENIED
    assert fates(drive, 1, 3) == _DELIVERED


def test_what_takes_the_place_of_an_unconfirmed_policy_returns_the_one_before_both() -> None:
    drive = driven()
    ask(drive, DENY)
    drive.run(1.0)
    ask(drive, OTHER, confirm_within_s=60.0)
    drive.run(1.0)
    ask(drive, policy(f"deny: {{from: {H[2]}}}"), confirm_within_s=5.0)
    drive.run(10.0)
    assert drive.engine.policy.now.version == DENY.version


def test_a_policy_that_is_confirmed_stays() -> None:
    drive = driven()
    ask(drive, OTHER, confirm_within_s=10.0)
    drive.run(1.0)
    drive.fabric.events.put(PolicyConfirmed("another"))
    drive.fabric.events.put(PolicyConfirmed(OTHER.version))
    drive.run(30.0)
    assert drive.engine.policy.now.version == OTHER.version
    assert kinds(drive) == ["policy", "policy-confirmed"]


def test_a_policy_that_cannot_be_read_changes_nothing_and_is_told() -> None:
    drive = driven()
    ask(drive, DENY)
    drive.run(1.0)
    drive.fabric.events.put(PolicyAsked("{}", "broken"))
    drive.run(1.0)
    assert fates(drive, 0, 3) == _DENIED
    assert "policy-refused" in [entry.finding.kind for entry in drive.engine.findings.entries()]


def test_no_packet_is_denied_or_let_pass_that_neither_policy_denies_or_lets_pass() -> None:
    """After every single command of a change from one policy to the other."""
    drive = driven()
    ask(drive, DENY)
    drive.run(1.0)
    pairs = [(a, b) for a in range(4) for b in range(4) if a != b]
    before = {pair: fates(drive, *pair) for pair in pairs}
    seen: list[dict[tuple[int, int], frozenset[Disposition]]] = []
    send = drive.fabric.send

    def one_by_one(dpid: Dpid, commands: Sequence[Command]) -> None:
        for command in commands:
            send(dpid, [command])
            seen.append({pair: fates(drive, *pair) for pair in pairs})

    drive.fabric.send = one_by_one  # type: ignore[method-assign]
    ask(drive, OTHER)
    drive.run(1.0)
    after = {pair: fates(drive, *pair) for pair in pairs}
    assert before != after
    assert len(seen) > 2
    assert all(each[pair] in (before[pair], after[pair]) for each in seen for pair in pairs)


def test_a_fabric_under_a_policy_heals_as_any_other() -> None:
    wiring = fat_tree(4)
    drive = Drive(wiring, more=(Policing(),)).come_up()
    denied = policy("deny: {from: h1, to: h16}")
    ask(drive, denied)
    drive.run(1.0)
    drive.fabric.cut(wiring.cables[0].a)
    drive.run(1.0)
    programs = {switch.dpid: drive.fabric.program(switch.dpid) for switch in wiring.switches}
    one, others = wiring.hosts[0], wiring.hosts[1:]
    for other in others:
        sent = as_packet(between(one.address, other.address, 17), one.mac, other.mac)
        fate = trace(programs, drive.engine.topology.peer, sent, one.at).dispositions
        assert fate == (_DENIED if other.name == "h16" else _DELIVERED)


@pytest.mark.parametrize("room", [4, 6, 8, 12])
def test_a_policy_holds_on_switches_that_are_too_small_for_the_rest(room: int) -> None:
    drive = Drive(WIRING, limits={None: Limits(rules={Table.ROUTES: room})}, more=(Policing(),))
    drive.run(3.0)
    for host in WIRING.hosts:
        drive.speak(host)
    drive.run(1.0)
    ask(drive, DENY)
    drive.run(3.0)
    told = [entry.finding.kind for entry in drive.engine.findings.entries()]
    assert room > 8 or any(kind.startswith("switch-") or kind.startswith("host") for kind in told), told
    assert _DELIVERED.isdisjoint(fates(drive, 0, 3))
    judged = [rule for rule in drive.fabric.program(Dpid(1)).rules.values() if rule.table == Table.POLICY]
    assert len(judged) > 1 or not fates(drive, 0, 1) & _DELIVERED

"""What becomes of plans to which an inspector objects."""

from __future__ import annotations

from dataclasses import replace

from apps.policy.app import Policing
from controller.contract import Proposal
from controller.model.blueprint import leaf_spine
from controller.model.command import SetRule
from controller.model.event import PolicyAsked
from controller.model.finding import Finding, Severity
from controller.runtime.inspection import Inspection
from policies.canonical import write
from policies.language.load import parse_policy
from tests.policies.inventory import INVENTORY
from tests.runtime.driving import Drive

WIRING = leaf_spine(2, 2, 2)
OBJECTION = Finding(Severity.ERROR, "plan-refused", "fabric", "it does harm")
NOTE = replace(OBJECTION, severity=Severity.INFO)


class Objector:
    """Objects as long as he is told to, and remembers what he was shown."""

    name = "objector"

    def __init__(self, said: tuple[Finding, ...]) -> None:
        self.said = said
        self.shown: list[Proposal] = []

    def inspect(self, memory: None, proposal: Proposal) -> tuple[None, tuple[Finding, ...]]:
        self.shown.append(proposal)
        return memory, self.said


def driven(objector: Objector) -> Drive:
    drive = Drive(WIRING, more=(Policing(),)).come_up()
    drive.engine._inspection = Inspection(objector)
    return drive


def deny(drive: Drive) -> None:
    one, other = (host.address for host in WIRING.hosts[:2])
    text = f"kind: access\nname: a\nclauses: [deny: {{from: {one}, to: {other}}}]\n"
    wanted = parse_policy({"test.yaml": text}, INVENTORY)
    drive.fabric.events.put(PolicyAsked(write(wanted), wanted.version))


def test_nothing_is_sent_of_a_plan_that_does_harm_and_its_policy_returns() -> None:
    objector = Objector((OBJECTION,))
    drive = driven(objector)
    deny(drive)
    sent = drive.run(1.0)
    assert not any(isinstance(each.command, SetRule) for each in sent)
    assert objector.shown
    assert drive.engine.policy.now.version == ""
    assert "it does harm" in drive.engine.policy.returned
    assert "finding-plan-refused" in {each.kind for each in drive.news}
    assert drive.engine.idle


def test_what_is_only_noted_stops_nothing() -> None:
    drive = driven(Objector((NOTE,)))
    deny(drive)
    assert any(isinstance(each.command, SetRule) for each in drive.run(1.0))


def test_a_plan_that_mends_a_failure_is_looked_at_once_it_is_carried_out() -> None:
    objector = Objector((OBJECTION,))
    drive = driven(objector)
    drive.fabric.cut(WIRING.cables[0].a)
    sent = drive.run(1.0)
    assert any(isinstance(each.command, SetRule) for each in sent)
    assert objector.shown
    assert "finding-plan-refused" in {each.kind for each in drive.news}


def test_a_controller_that_starts_is_looked_at_only_when_it_knows_the_fabric() -> None:
    objector = Objector(())
    drive = Drive(WIRING)
    drive.engine._inspection = Inspection(objector)
    drive.come_up()
    assert objector.shown
    known = {len(each.view.topology.switches) for each in objector.shown}
    assert known == {len(WIRING.switches)}

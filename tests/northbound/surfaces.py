"""A real surface to ask: a fat tree whose rules the compiler made from what the apps decide, and a feed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from apps.admission.app import Admission
from apps.routing.app import Routing
from controller.compiler.assemble import assemble
from controller.contract import FabricSettings, FabricView, Gateway
from controller.health.avoidance import Avoidance, avoiding
from controller.model.blueprint import Blueprint, fat_tree
from controller.model.event import PolicyAsked, PolicyConfirmed
from controller.model.finding import Finding, Severity
from controller.model.health import Drains
from controller.model.identity import Dpid
from controller.model.topology import Topology
from controller.model.traffic import Load
from controller.northbound.surface import Applied, Audited, Seen, Snapshot
from controller.runtime.feed import Feed, Subscription
from controller.runtime.policybook import PolicyBook, Record
from tests.fabrics import snapshot

PLAN = fat_tree(4)
H1, H2, H3, H16 = PLAN.hosts[0], PLAN.hosts[1], PLAN.hosts[2], PLAN.hosts[15]


def running(
    plan: Blueprint = PLAN,
    *,
    fabric: Topology | None = None,
    gateway: Gateway | None = None,
    avoidance: Avoidance | None = None,
) -> Snapshot:
    """What a controller shows of this fabric once every switch has confirmed its program."""
    fabric = fabric or snapshot(plan)
    shown = avoidance or Avoidance(fabric, routable=fabric)
    settings = FabricSettings(gateway=gateway or Gateway())
    view = FabricView(0.0, fabric, plan, settings, stubs=shown.stubs, without_avoided=shown.routable)
    decisions = [decision for app in (Admission(), Routing()) for decision in app.decide(view, None)[1]]
    assembly = assemble(decisions, fabric, settings, 7)
    link = fabric.links[0]
    return Snapshot(
        now_s=83.5,
        running_s=83.5,
        topology=fabric,
        avoidance=shown,
        blueprint=plan,
        gateway=settings.gateway,
        installed=assembly.program,
        wanted=assembly,
        connected=frozenset(fabric.switch_by_dpid),
        findings=(
            Seen(
                Finding(Severity.WARNING, "missing-cable", "a:1", "no link [there]", "plug it in"),
                2.0,
                3.0,
                2,
            ),
        ),
        loads={link.src: Load(link.src, 5e9, 0.0, 0.5)},
        counters={"messages sent": 12},
        settings={"listen": "127.0.0.1:6653"},
        journal="/var/lib/treadle/monday turn 3",
        idle=True,
    )


class Shown:
    """A `Surface` whose snapshot the test sets, with the runtime's own feed."""

    def __init__(self, shown: Snapshot) -> None:
        self.shown = shown
        self.feed = Feed()
        self.mute: frozenset[Dpid] = frozenset()
        self._folder = TemporaryDirectory()
        self._book = PolicyBook(Path(self._folder.name) / "policies", self._hear)

    def snapshot(self) -> Snapshot:
        return self.shown

    def audit(self, dpids: tuple[Dpid, ...]) -> None:
        """Everybody answers at once, and all is as it was set."""
        later_s = self.shown.now_s + 1.0
        found = {dpid: self.shown.audited[dpid].found for dpid in dpids if dpid in self.shown.audited}
        fresh = {dpid: Audited(later_s, found.get(dpid, ())) for dpid in dpids if dpid not in self.mute}
        self.set(now_s=later_s, audited={**self.shown.audited, **fresh})

    def drain(self, drains: Drains) -> None:
        """The routes avoid it at once, and every switch has confirmed."""
        self._drained(self.shown.avoidance.drains.with_more(drains))

    def undrain(self, drains: Drains) -> None:
        self._drained(self.shown.avoidance.drains.without(drains))

    def policies(self) -> PolicyBook:
        return self._book

    def apply_policy(self, applied: Applied) -> Record:
        draft = Record(0, applied.version, applied.who, applied.when, applied.why)
        wait_s = applied.confirm_within_s
        return self._book.apply(
            draft, applied.policy, applied.documents, base=applied.base, confirm_within_s=wait_s
        )

    def confirm_policy(self) -> Record:
        return self._book.confirm()

    def _hear(self, event: PolicyAsked | PolicyConfirmed) -> None:
        """It is in force at once."""
        if isinstance(event, PolicyAsked):
            wait_s = event.confirm_within_s
            due_s = None if wait_s is None else self.shown.now_s + wait_s
            self.set(policy=event.policy, policy_version=event.version, policy_due_s=due_s)
        else:
            self.set(policy_due_s=None)

    def _drained(self, drains: Drains) -> None:
        after = avoiding(self.shown.avoidance, self.shown.topology, drains, self.shown.avoidance.suppressed)
        self.shown = running(avoidance=after)

    def set(self, **changed: Any) -> None:
        self.shown = replace(self.shown, **changed)

    def subscribe(self) -> Subscription:
        return self.feed.subscribe()

    def unsubscribe(self, subscription: Any) -> None:
        self.feed.unsubscribe(subscription)

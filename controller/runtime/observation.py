"""What others may see of the running controller: a snapshot that the loop renews, and the feed.

The loop calls `refresh` at the end of each turn. It only notes that there is something new to see, and
whether all is as wanted, which nobody could say in the middle of a turn. The snapshot itself is put together
when somebody asks, from values that are immutable each, so that nobody who watches costs a turn anything."""

from __future__ import annotations

import queue
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Thread
from typing import Any, Protocol

from controller.discovery.silence import sessions
from controller.health.avoidance import Avoidance
from controller.model.blueprint import Blueprint
from controller.model.event import AuditAsked, Event
from controller.model.health import Drains
from controller.model.identity import Dpid
from controller.northbound.surface import Applied, Snapshot
from controller.runtime.drainfile import DrainFile
from controller.runtime.engine import Engine
from controller.runtime.feed import Feed, Subscription
from controller.runtime.inforce import Held
from controller.runtime.journal import Journal
from controller.runtime.policybook import PolicyBook, Record
from controller.runtime.settings import Settings, plain


class _Counted(Protocol):
    @property
    def totals(self) -> tuple[int, int]: ...


class Wire(Protocol):
    """What is counted at the seam, and where events wait for the loop."""

    @property
    def events(self) -> queue.Queue[Event]: ...

    def counters(self) -> Mapping[Dpid, _Counted]: ...


@dataclass(frozen=True, slots=True)
class _Ended:
    """What was true together when the latest turn ended, and nobody could say in the middle of one."""

    idle: bool = False
    avoidance: Avoidance = field(default_factory=Avoidance)
    policy: Held = Held()
    policy_due_s: float | None = None

    @classmethod
    def of(cls, engine: Engine) -> _Ended:
        policy = engine.policy
        return cls(engine.idle, engine.avoiding.avoidance, policy.now, policy.due_s)


class Observation:
    """The northbound's `Surface`, on the engine of a running loop."""

    def __init__(
        self,
        engine: Engine,
        wire: Wire,
        feed: Feed,
        journal: Journal | None,
        blueprint: Blueprint | None,
        settings: Settings,
        began_s: float,
        drains: DrainFile,
        policies: PolicyBook,
    ) -> None:
        """`began_s` (monotonic) is when the controller started."""
        self._drains = drains
        self._policies = policies
        self._returned = ""
        self._engine = engine
        self._wire = wire
        self._feed = feed
        self._journal = journal
        self._blueprint = blueprint
        self._settings = settings
        self._gateway = settings.gateway
        self._began_s = began_s
        self._now_s = 0.0
        self._turns = 0
        self._ended = _Ended()
        self._sessions = engine.fabric.bfd
        self._bfd = sessions(engine.fabric)

    def refresh(self, now_s: float) -> None:
        """A turn has ended."""
        self._now_s = now_s
        self._turns += 1
        self._ended = _Ended.of(self._engine)
        if self._engine.fabric.bfd is not self._sessions:  # not when asked: it may be written to then
            self._sessions = self._engine.fabric.bfd
            self._bfd = sessions(self._engine.fabric)
        reason = self._engine.policy.returned
        if reason != self._returned:
            self._returned = reason
            if reason:  # the loop never waits for the disk
                Thread(target=self._policies.returned, args=(reason,), name="policy book").start()

    def snapshot(self) -> Snapshot:
        """What is true now; what it holds is never changed afterwards."""
        engine, ended = self._engine, self._ended
        return Snapshot(
            now_s=self._now_s,
            topology=engine.topology,
            blueprint=self._blueprint,
            gateway=self._gateway,
            installed=engine.ledger.copy(),
            wanted=engine.assembly,
            connected=frozenset(engine.connected),
            audited=engine.audit.audited(),
            findings=engine.findings.entries(),
            loads=engine.loads.by_port,
            queues=engine.loads.queues,
            bfd=self._bfd,
            counters=self._counters(),
            timings=engine.timings.shown(),
            settings=plain(self._settings),
            journal=self._journal.position if self._journal else "",
            idle=ended.idle,
            avoidance=ended.avoidance,
            health=engine.avoiding.health(self._now_s),
            changing=0 if ended.idle else engine.changing,
            running_s=time.monotonic() - self._began_s,
            traffic=engine.traffic.shown,
            pins=engine.pins,
            histories=engine.histories,
            policy=ended.policy.text,
            policy_version=ended.policy.version,
            policy_due_s=ended.policy_due_s,
        )

    def audit(self, dpids: tuple[Dpid, ...]) -> None:
        """The wish enters the loop as an event, like everything."""
        self._wire.events.put(AuditAsked(dpids))

    def drain(self, drains: Drains) -> None:
        self._drains.drain(drains)

    def undrain(self, drains: Drains) -> None:
        self._drains.undrain(drains)

    def policies(self) -> PolicyBook:
        return self._policies

    def apply_policy(self, applied: Applied) -> Record:
        draft = Record(0, applied.version, applied.who, applied.when, applied.why)
        wait_s = applied.confirm_within_s
        return self._policies.apply(
            draft, applied.policy, applied.documents, base=applied.base, confirm_within_s=wait_s
        )

    def confirm_policy(self) -> Record:
        return self._policies.confirm()

    def subscribe(self) -> Subscription:
        return self._feed.subscribe()

    def unsubscribe(self, subscription: Any) -> None:
        self._feed.unsubscribe(subscription)

    def _counters(self) -> dict[str, int]:
        sent = received = 0
        for counted in self._wire.counters().values():
            out, back = counted.totals
            sent, received = sent + out, received + back
        discovery = {
            f"discovery {name}": count for name, count in sorted(self._engine.fabric.counters.items())
        }
        audits = {f"audit {name}": count for name, count in sorted(self._engine.audit.counters.items())}
        crossed = {"messages sent": sent, "messages received": received}
        return {"turns": self._turns, **crossed, **discovery, **audits}

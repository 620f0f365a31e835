"""The engine: events in, commands out, one turn at a time.

    events --fold--> topology --apps--> decisions --assemble--> wanted --plan--> steps --barriers-->
    installed

A turn is deterministic: the same events at the same times give the same commands, because nothing in here
reads a clock, a socket or a random number. That is what makes a journal replayable (law 8), and a bug
report a file.

    turn(now, events)
      1. each event is taken into the ledger (what switches hold) and folded into the fabric (what there is)
      2. each app is shown the view and gives its decisions
      3. if anything that matters has changed: assemble, plan, begin
      4. the steps of the plan that wait for no answer any longer
      5. what apps want to send; while a plan is under way it waits, for a moment at most, and until the start
         is over: a host that is told of another must find its route installed

A switch that is held back (readiness.py) is only given what it lacks to be heard at all: its admission
rules. Nothing that it holds is changed or removed until its surroundings are known.

A plan may take the place of one that is under way, when few switches still owe answers: each answer that is
missing is something that a plan has to be right with and without. After a failure it does so at once;
otherwise it gives the one before a moment to end, as most do, and then goes ahead beside the switches that
are slow. What cannot even wait for the next turn is the fast lane's business (`fast_lane`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

from controller.compiler.adopt import endpoints
from controller.compiler.assemble import Assembly
from controller.compiler.pins import without_pins
from controller.contract import (
    App,
    Arrival,
    Decision,
    FabricSettings,
    FabricView,
    Inspector,
    Pins,
    Proposal,
    Report,
    Routes,
    Rules,
    Sample,
    SendFrames,
    TrafficView,
    Watch,
)
from controller.dataplane.render import command_text
from controller.discovery.fold import Effects, adopt, fold_all, next_due_s, start
from controller.discovery.settings import DiscoverySettings
from controller.health.damping import Damping
from controller.model.blueprint import Blueprint
from controller.model.command import (
    Addressed,
    Command,
    FrameOut,
    ModifyGroup,
    ReadProgram,
    SampleFlows,
    SendFrame,
    WatchPort,
)
from controller.model.event import (
    AuditAsked,
    BarrierDone,
    CountersRead,
    DrainAsked,
    Event,
    FastLaneTaken,
    FlowsCounted,
    FlowsSampled,
    Incident,
    PolicyAsked,
    PolicyConfirmed,
    ProgramRead,
    ProgramUnchanged,
    Refused,
    SwitchDown,
    SwitchUp,
    Tick,
    is_failure,
)
from controller.model.finding import Finding, Severity
from controller.model.flow import Output
from controller.model.identity import Dpid, PortNo, PortRef, dpid_text
from controller.model.limits import UNLIMITED, Limits, with_room
from controller.model.plan import UpdatePlan
from controller.model.program import FabricProgram, SwitchProgram
from controller.model.topology import SwitchProfile, Topology
from controller.planner.apply import apply_commands
from controller.planner.fastlane import spare
from controller.planner.plan import plan
from controller.runtime.audit import AGAIN_S, Audit
from controller.runtime.avoiding import Avoiding
from controller.runtime.deviation import deviations
from controller.runtime.execution import Execution, expected
from controller.runtime.feed import Change, changes
from controller.runtime.findings import FindingsBook
from controller.runtime.fitting import Fitting
from controller.runtime.guard import Guard, has_detours
from controller.runtime.inforce import InForce
from controller.runtime.inspection import Inspection
from controller.runtime.ledger import Ledger
from controller.runtime.lessons import Lessons, lesson
from controller.runtime.loads import Loads
from controller.runtime.pincounts import PinCounts
from controller.runtime.readiness import Patience, Readiness, with_admission
from controller.runtime.restraint import heal_alone
from controller.runtime.timings import Timings
from controller.runtime.traffic import TrafficMeter
from controller.telemetry.histories import Histories

_LONGEST_WAIT_S = 0.5
_PATIENCE_S = 0.1
_FEW = 32
_MOST_ANSWERS = 4096


@dataclass(frozen=True)
class Setup:
    """All that an engine is made of. `life` is the start of the controller as cookies have it (minutes);
    `limits` are the operator's, by switch, or for each under None."""

    discovery: DiscoverySettings
    apps: tuple[App, ...]
    fabric: FabricSettings = FabricSettings()
    blueprint: Blueprint | None = None
    life: int = 0
    patience: Patience = Patience()
    barrier_timeout_s: float = 5.0
    counters_interval_s: float = 5.0
    pin_counters_interval_s: float = 1.0
    audit_interval_s: float = 60.0
    limits: Mapping[Dpid | None, Limits] = field(default_factory=dict)
    step_pause_s: float = 0.02
    damping: Damping = Damping()
    inspector: Inspector | None = None


class Engine:
    """The state of the controller; see the module's essay. Not thread-safe: one loop owns it."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self.fabric = start(setup.discovery)
        self.findings = FindingsBook()
        self.ledger = Ledger()
        self.loads = Loads(setup.counters_interval_s)
        self.pin_counts = PinCounts(setup.pin_counters_interval_s)
        self.traffic = TrafficMeter()
        self.pins = Pins()
        self.audit = Audit(setup.audit_interval_s)
        self.avoiding = Avoiding(setup.damping)
        self.policy = InForce()
        self.connected: set[Dpid] = set()
        self.silent: tuple[Dpid, ...] = ()
        self._view: FabricView | None = None
        self.news: list[Change] = []
        self.lessons = Lessons(setup.limits)
        self._inspection = Inspection(setup.inspector)
        self._fitting = Fitting(setup.fabric, setup.life, setup.blueprint)
        self._profiles: dict[Dpid, SwitchProfile] = {}
        self._guard = Guard()
        self.assembly = Assembly({})
        self._readiness = Readiness(setup.patience, setup.blueprint)
        self._execution = Execution(self.ledger.confirm, setup.step_pause_s)
        self._memories: dict[str, Any] = {}
        self._decisions: dict[str, tuple[Rules | Routes | Pins, ...]] = {}
        self._makes_room = False
        self._held: frozenset[Dpid] = frozenset()
        self._overdue: frozenset[Dpid] = frozenset()
        self._urgent = False
        self._patient_until_s: float | None = None
        self._now_s = 0.0
        self._answers: list[Addressed] = []
        self._watches: list[Addressed] = []
        self._answers_due_s: float | None = None
        self._dirty = False
        self._dying: set[PortRef] = set()
        self.timings = Timings()
        self.histories = Histories()

    @property
    def topology(self) -> Topology:
        return self.fabric.topology

    @property
    def wanted(self) -> FabricProgram:
        """What the switches were last asked for."""
        return self.assembly.program

    @property
    def idle(self) -> bool:
        """Whether every switch that may be programmed holds what is wanted."""
        return self._readiness.started and not (self._dirty or self._execution.at_work(self._now_s))

    @property
    def changing(self) -> int:
        """How many switches have not confirmed yet what is wanted of them; may be read from any thread."""
        wanted, installed = self.wanted, self.ledger.copy()
        return sum(installed.get(dpid) is not program for dpid, program in wanted.items())

    def turn(self, now_s: float, events: Sequence[Event]) -> tuple[Addressed, ...]:
        """Take what has happened, and say what to send. `news` and `silent` hold what else came of it."""
        self.news, self.silent, self._now_s = [], (), now_s
        before = self.topology
        out: list[Addressed] = []
        for event in events:
            out += self._take(event, now_s)
        with self.timings.phase("discover"):
            self.fabric, effects = fold_all(self.fabric, (*events, Tick()), now_s)
        out += self._carry(effects, now_s)
        for event in events:
            if isinstance(event, ProgramRead) and event.dpid not in self.ledger.installed:
                out += self._adopt(event, now_s)
            elif isinstance(event, ProgramRead | ProgramUnchanged):
                self._judge(event, now_s)
        if self.topology is not before:
            self._dirty = True
            self.news += changes(before, self.topology)
        self._check_readiness(now_s)
        self._avoid(before, now_s)
        self._return(self.policy.expire(now_s), now_s)
        with self.timings.phase("compute"):
            answers = self._decide(now_s, effects.arrivals)
        out += self._watches
        self._watches = []
        self._look_back()
        out += self._advance(now_s)
        if self.idle:
            self.policy.settled()
        out += self._answer(answers, now_s)
        out += self.loads.questions(now_s)
        out += self.pin_counts.questions(now_s)
        out += self.audit.questions(now_s, self._execution.owing)
        self._end_silent_sessions(now_s)
        return tuple(out)

    def next_due_s(self) -> float | None:
        """When the next turn is due even if nothing happens."""
        deadlines = (
            next_due_s(self.fabric),
            self._readiness.due_s(),
            self._execution.due_s(self._now_s, self._setup.barrier_timeout_s),
            self.loads.due_s(),
            self.pin_counts.due_s(),
            self.traffic.due_s(),
            self.audit.due_s(),
            self.avoiding.due_s(),
            self.policy.due_s,
            self._now_s if self._inspection.owes and not self._execution.at_work(self._now_s) else None,
            self._answers_due_s,
            self._patient_until_s,
            *(app.due_s(self._memories.get(app.name)) for app in self._setup.apps),
        )
        return min((moment for moment in deadlines if moment is not None), default=None)

    def fast_lane(self, dpid: Dpid, port: PortNo) -> tuple[ModifyGroup, ...]:
        """What takes a dead port out of service at once, by what the switch is known to hold; nothing where
        the switch has done so by itself.

        May be called from the seam's thread beside a turn: it reads immutable values only. Who sends the
        answer leaves the event `FastLaneTaken`.
        """
        held, profile = self.ledger.installed.get(dpid), self._profiles.get(dpid)
        if held is None or (profile is not None and profile.heeds_liveness):
            return ()
        dying = {at.port for at in tuple(self._dying) if at.dpid == dpid}
        changes = spare(held, port, dying)
        if changes:
            self._dying.add(PortRef(dpid, port))
        return changes

    def heal_alone(self, events: Sequence[Event]) -> bool:
        """Whether these failures may be answered in a moment, as switches carry packets round them."""
        if self._execution.at_work(self._now_s):
            return False
        return heal_alone(
            events,
            self.topology,
            self.assembly.routes.hops,
            self._profiles,
            self.ledger.installed,
            self.wanted,
        )

    # --- 1. taking events ------------------------------------------------------------------------------

    def _take(self, event: Event, now_s: float) -> list[Addressed]:
        match event:
            case SwitchUp(dpid=dpid, profile=profile):
                self._forget(dpid)
                self._profiles[dpid] = profile
                self.connected.add(dpid)
                self.loads.came(dpid, now_s)
                self.pin_counts.came(dpid, now_s)
                return [Addressed(dpid, ReadProgram())]
            case SwitchDown(dpid=dpid, reason=reason):
                self._forget(dpid)
                self.connected.discard(dpid)
                self.loads.went(dpid)
                self.pin_counts.went(dpid)
                self.news.append(Change("session-lost", dpid_text(dpid), (("reason", reason),)))
            case BarrierDone(dpid=dpid, token=token):
                self._execution.answered(dpid, token, now_s)
            case Refused():
                self._refused(event, now_s)
            case FastLaneTaken(dpid=dpid, port=port, commands=commands):
                self._dying.discard(PortRef(dpid, port))
                self.ledger.confirm(dpid, commands)
                self._execution.touched(dpid)
                self.audit.touched(dpid)
                self._dirty = True
            case CountersRead():
                self.loads.take(event, self.topology, now_s)
                self.histories.read(self.loads.of(event.dpid), now_s)
                self._report("counters", self.loads.findings, now_s)
            case FlowsSampled():
                self.traffic.take(event, self.topology, now_s)
            case FlowsCounted():
                self.pin_counts.take(event, now_s)
            case AuditAsked(dpids=dpids):
                for dpid in dpids:
                    self.audit.touched(dpid)
                    self.audit.suspect(dpid, now_s)
            case DrainAsked(drains=drains):
                self.news += self.avoiding.ask(drains)
            case PolicyAsked():
                self.news.append(self.policy.ask(event, now_s))
            case PolicyConfirmed():
                self.news += self.policy.confirm(event)
            case Incident(kind=kind, subject=subject, text=text):
                self._note((Finding(Severity.WARNING, kind, subject, text),), now_s)
            case _:
                pass
        if is_failure(event):
            self._urgent = True
        return []

    def _forget(self, dpid: Dpid) -> None:
        self._execution.gone(dpid)
        self.ledger.forget(dpid)
        self._readiness.went(dpid)
        self.audit.went(dpid)
        self._dying.difference_update([at for at in tuple(self._dying) if at.dpid == dpid])
        self._dirty = True

    def _adopt(self, event: ProgramRead, now_s: float) -> list[Addressed]:
        if event.dpid not in self.connected:
            return []
        self.ledger.read(event.dpid, event.program)
        self._readiness.came(event.dpid, event.program, now_s)
        self.audit.came(event.dpid, event.program, now_s)
        self.lessons.came(event.dpid, self._profiles[event.dpid], event.program)
        self._dirty = True
        self.fabric, effects = adopt(self.fabric, endpoints(event.dpid, event.program), now_s)
        return self._carry(effects, now_s)

    def _judge(self, event: ProgramRead | ProgramUnchanged, now_s: float) -> None:
        """Compare what a switch holds with what it had confirmed; what is otherwise is told and repaired."""
        dpid = event.dpid
        read = self.audit.answered(dpid, getattr(event, "program", None), now_s)
        if read is None:
            return
        found = deviations(dpid, self.ledger.installed[dpid], read)
        if found:
            self.ledger.correct(dpid, read)
            self._execution.drop()
            self._dirty = True
        if read.dangling():
            self.audit.suspect(dpid, now_s + AGAIN_S)  # it was written to while it answered
        self._dirty |= dpid in self.audit.doubted
        self.audit.judged(dpid, self.ledger.installed[dpid], found)
        if not found and read == self.wanted.get(dpid):
            self.audit.repaired(dpid)
        self._report("audit", self.audit.findings(), now_s)

    def _refused(self, event: Refused, now_s: float) -> None:
        refusal = f"{dpid_text(event.dpid)} refused a rule: {event.text}"
        returned = self.policy.refused(event.command, refusal)
        if returned is None and not self.policy.is_straggler(event.command):
            self._learn(event, now_s)
        else:  # there is nothing to learn: what it could not hold is not wanted any longer
            self._stop(event, now_s)
            self._return(returned, now_s)
        numbers = f"OpenFlow error type {event.error_type}, code {event.error_code}"
        what = command_text(event.command) if event.command else "what it was can no longer be told"
        evidence = f"{event.text} ({numbers}): {what}"
        self._note((Finding(Severity.ERROR, "command-refused", dpid_text(event.dpid), evidence),), now_s)

    def _stop(self, event: Refused, now_s: float) -> None:
        """Stop the plan, and leave the switch as it is until it has been read."""
        self.audit.doubt(event.dpid, now_s)
        self._execution.refused(event.dpid, event.command)
        self._execution.drop()
        self._dirty = True

    def _return(self, returned: tuple[Change, Finding] | None, now_s: float) -> None:
        """The policy before is in force again."""
        if returned is not None:
            change, found = returned
            self.news.append(change)
            self._note((found,), now_s)

    def _learn(self, event: Refused, now_s: float) -> None:
        """Stop the plan, which was proved with what is now refused. Learn what the switch cannot hold, or, if
        the refusal tells nothing of that, leave it as it is until it has been read.
        """
        dpid, command, held = event.dpid, event.command, self.ledger.installed.get(event.dpid)
        if held is not None:
            before = self._execution.sent_before(dpid, command) if command else ()
            taught = lesson(event, apply_commands(held, before))
            if taught is not None:
                self.lessons.learn(dpid, taught)
            else:
                self.ledger.refuse(dpid, command)
                self.audit.doubt(dpid, now_s)
        self._execution.refused(dpid, command)
        self._execution.drop()
        self._dirty = True

    def _carry(self, effects: Effects, now_s: float) -> list[Addressed]:
        self._note(effects.findings, now_s)
        return self._frames(effects.frames)

    def _note(self, found: Sequence[Finding], now_s: float) -> None:
        self.news += [_as_change(finding) for finding in self.findings.note(found, now_s)]

    def _report(self, name: str, found: Sequence[Finding], now_s: float) -> None:
        self.news += [_as_change(finding) for finding in self.findings.report(name, found, now_s)]

    def _frames(self, frames: Sequence[FrameOut]) -> list[Addressed]:
        """The frames as commands; one that leaves a switch through several ports is sent there once."""
        return [
            Addressed(dpid, SendFrame(data, tuple([Output(frame.at.port) for frame in same])))
            for (dpid, data), same in groupby(frames, key=lambda frame: (frame.at.dpid, frame.data))
            if dpid in self.connected
        ]

    # --- 2. deciding -----------------------------------------------------------------------------------

    def _avoid(self, before: Topology, now_s: float) -> None:
        """Follow which links are to be avoided."""
        self.news += self.avoiding.follow(before, self.topology, self._readiness.empty, now_s)
        if self._readiness.started:
            self._report("health", self.avoiding.findings, now_s)

    def _decide(self, now_s: float, arrivals: tuple[Arrival, ...]) -> list[Addressed]:
        avoidance = self.avoiding.avoidance
        view = FabricView(
            now_s,
            self.topology,
            self._setup.blueprint,
            self._setup.fabric,
            arrivals,
            avoidance.stubs,
            avoidance.routable if avoidance.avoided else None,
            self._measured(now_s),
            self.policy.now.text,
        )
        self._view = view
        out: list[Addressed] = []
        for app in self._setup.apps:
            with self.timings.asked(app.name):
                self._memories[app.name], decisions = app.decide(view, self._memories.get(app.name))
            out += self._hear(app.name, decisions, now_s)
        return out

    def _measured(self, now_s: float) -> TrafficView:
        counts = self.pin_counts
        shown = self.traffic.view(
            self.topology, now_s, self.loads.by_port, counts.rates, counts.version, self.pins
        )
        self.histories.watched(shown, now_s)
        self._report("traffic", self.traffic.findings, now_s)
        return shown

    def _hear(self, name: str, decisions: Sequence[Decision], now_s: float) -> list[Addressed]:
        lasting = tuple(decision for decision in decisions if isinstance(decision, Rules | Routes | Pins))
        known = self._decisions.get(name, ())
        if len(lasting) != len(known) or any(a is not b for a, b in zip(lasting, known, strict=True)):
            self._decisions[name] = lasting
            self._dirty = True
        reports = [decision.findings for decision in decisions if isinstance(decision, Report)]
        self._report(name, reports[0] if len(reports) == 1 else tuple(chain(*reports)), now_s)
        self.pins = next((each for each in decisions if isinstance(each, Pins)), self.pins)
        self._watches += chain(*(_set_up(each) for each in decisions if isinstance(each, Watch | Sample)))
        return self._frames(
            [f for decision in decisions if isinstance(decision, SendFrames) for f in decision.frames]
        )

    # --- 3 and 4. planning and carrying out ------------------------------------------------------------

    def _answer(self, frames: list[Addressed], now_s: float) -> list[Addressed]:
        """The frames of apps, once the switches hold what the apps believed, or after waiting enough."""
        self._answers = (self._answers + frames)[-_MOST_ANSWERS:]
        if not self._answers or not self._readiness.started:
            return []
        if self._answers_due_s is None:
            self._answers_due_s = now_s + _LONGEST_WAIT_S
        if now_s < self._answers_due_s and not self.idle:
            return []
        ready, self._answers, self._answers_due_s = self._answers, [], None
        return ready

    def _check_readiness(self, now_s: float) -> None:
        held = self._readiness.held(self.topology, now_s)
        if held != self._held:
            self._held, self._dirty = held, True

    def _advance(self, now_s: float) -> list[Addressed]:
        if self._may_plan(now_s):
            self._replan()
        sent = self._execution.ready(now_s)
        for addressed in sent:
            self.audit.touched(addressed.dpid)
        return list(sent)

    def _may_plan(self, now_s: float) -> bool:
        """Whether to plan anew now: something has changed, and the plan before has ended; or few switches are
        late, and either something has failed or the plan before has had its moment.
        """
        if not self._execution.at_work(now_s):
            return self._dirty or self._makes_room or (self._readiness.started and self._guard.step())
        if not self._dirty or len(self._execution.owing) > _FEW:
            return False
        if self._patient_until_s is None:
            self._patient_until_s = now_s + _PATIENCE_S
        return self._urgent or now_s >= self._patient_until_s

    def _replan(self) -> None:
        self._dirty = self._makes_room = False
        self._patient_until_s = None
        with self.timings.phase("compile"):
            self._guard.reconsider()
            self.assembly = self._assembled()
            unsure = self._readiness.started and self._guard.is_unsure
            if unsure and not self._guard.recognise(self.ledger.installed, self.wanted):
                self.assembly = self._assembled()
        self.pin_counts.follow(self.assembly.pins.walks, self._now_s)
        self.lessons.heeded()
        self._report("fitting", self._fitting.findings, self._now_s)
        installed = {dpid: held for dpid, held in self.ledger.installed.items() if dpid in self.wanted}
        under_way = self._execution.under_way(installed)
        goals = {dpid: self._goal(dpid, held) for dpid, held in expected(installed, under_way).items()}
        with self.timings.phase("plan"):
            whole = plan(installed, goals, self.topology.peer, under_way, self.topology.out_links)
        steps = self._without_refused(whole)
        if steps and self._objects(installed, goals):
            return
        self._makes_room &= bool(steps)
        self._execution.begin(steps, goals if steps is whole else {}, urgent=self._urgent)
        self._urgent = False
        if steps:
            self._tell(steps)

    def _objects(self, installed: FabricProgram, goals: FabricProgram) -> bool:
        """Whether what is wanted does harm. Then nothing is sent, and a policy on trial is taken back."""
        view, known = self._view, self.topology.switch_by_dpid
        if not self._readiness.started or self._held or view is None or not known.keys() <= goals.keys():
            return False
        whole = not self._fitting.findings and all(self.wanted.get(d) is each for d, each in goals.items())
        proposal = Proposal(view, {**goals, **installed}, goals, whole)
        if self._urgent:
            self._inspection.later(proposal)
            return False
        with self.timings.phase("verify"):
            objections = self._inspection.objections(proposal)
        self._report("verification", self._inspection.findings, self._now_s)
        if not objections:
            return False
        self._makes_room = False
        returned = self.policy.objected(objections[0].evidence)
        self._return(returned, self._now_s)
        self._dirty |= returned is not None
        return True

    def _look_back(self) -> None:
        """Verify what could not wait, once it is done."""
        if self._inspection.owes and not self._execution.at_work(self._now_s):
            with self.timings.phase("verify"):
                self._inspection.look()
            self._report("verification", self._inspection.findings, self._now_s)

    def _assembled(self) -> Assembly:
        """What the fabric may be asked for now."""
        said = [(app, decision) for app in self._setup.apps for decision in self._decisions.get(app.name, ())]
        decisions = tuple([self._guarded(decision) for _, decision in said])
        routing = [app for app, decision in said if not isinstance(decision, Pins)]
        deciding = list({app.name: app for app in routing}.values())
        seen = self.lessons.limits, self._now_s, self.avoiding.avoidance, self.policy.now.text
        return self._fitting.assemble(deciding, decisions, self.topology, *seen)

    def _tell(self, steps: UpdatePlan) -> None:
        """What the feed says of a plan."""
        count = len(steps.switches)
        details = (("stages", steps.depth), ("switches", count), ("commands", len(steps)))
        self.news.append(Change("plan", f"version {self.topology.version}", details))
        if steps.pauses:
            evidence = (
                f"{count} switches change in a way that has no order; what they route waits until all have"
            )
            self._note((Finding(Severity.WARNING, "update-paused", "fabric", evidence),), self._now_s)

    def _goal(self, dpid: Dpid, held: SwitchProgram) -> SwitchProgram:
        """What this switch should hold after the next plan."""
        wanted = self.wanted[dpid]
        if held is wanted:
            return wanted
        if dpid in self.audit.doubted:
            return held
        if dpid in self._held or (self._guard.waits and has_detours(held)):
            return with_admission(held, wanted)
        wanted = self._guard.goal(held, wanted)
        goal = with_room(held, wanted, self.lessons.limits.get(dpid, UNLIMITED))
        self._makes_room |= goal is not wanted
        return goal if goal is wanted else without_pins(goal)

    def _guarded(self, decision: Rules | Routes | Pins) -> Rules | Routes | Pins:
        """The decision, as far as switches may be asked for it now."""
        if not isinstance(decision, Routes):
            return decision
        allowed = self._guard.allows(decision.table)
        return decision if allowed is decision.table else Routes(allowed)

    def _without_refused(self, steps: UpdatePlan) -> UpdatePlan:
        """The plan without the commands that a switch has refused already: asking again would give the
        same answer."""
        if not self.ledger.any_refused:
            return steps
        return steps.only(lambda dpid, command: not self.ledger.refuses(dpid, command))

    def _end_silent_sessions(self, now_s: float) -> None:
        """A switch is silent when its answer is overdue in two turns, one after the other: what arrived while
        the first was being worked out has been heard by the end of the second.
        """
        overdue = self._execution.late(now_s, self._setup.barrier_timeout_s)
        self.silent = tuple(dpid for dpid in overdue if dpid in self._overdue)
        self._overdue = frozenset(overdue) - frozenset(self.silent)
        for dpid in self.silent:
            evidence = (
                f"no answer to a barrier within {self._setup.barrier_timeout_s} s; its session is ended"
            )
            self._note((Finding(Severity.ERROR, "switch-silent", dpid_text(dpid), evidence),), now_s)
            self._execution.gone(dpid)
            self._dirty = True


def _set_up(decision: Watch | Sample) -> list[Addressed]:
    """What becomes of ports that are watched and switches that sample, by switch and number; also of those
    that are not connected: they are set up where they can be, not over OpenFlow.
    """
    if isinstance(decision, Sample):
        return [Addressed(dpid, SampleFlows(n)) for dpid, n in sorted(decision.one_in.items())]
    interval_ms = decision.interval_ms
    return [
        Addressed(at.dpid, WatchPort(at.port, far, interval_ms if far else 0))
        for at, far in sorted(decision.far.items(), key=itemgetter(0))
    ]


def _as_change(finding: Finding) -> Change:
    details = (
        ("severity", finding.severity.value),
        ("evidence", finding.evidence),
        ("advice", finding.advice),
    )
    return Change(f"finding-{finding.kind}", finding.subject, details)


def sendable(commands: Sequence[Addressed]) -> dict[Dpid, list[Command]]:
    """Commands by switch, each switch's in order."""
    by_switch: dict[Dpid, list[Command]] = {}
    for addressed in commands:
        by_switch.setdefault(addressed.dpid, []).append(addressed.command)
    return by_switch

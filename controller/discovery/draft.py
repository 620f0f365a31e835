"""One turn's working copy: a state that may be written to, and what the turn says to the outside.

The rules of discovery (links.py, stations.py, inquiries.py, sightings.py, ports.py) are functions on a
`Draft`. It never leaves the turn: `finish` turns it into the next state and the effects, so that seen from
outside a turn is a pure function.

Rules write evidence and `touch` the ports and stations concerned; they never write the graph. When the turn
ends, what was touched is derived anew (derive.py), and the version rises if the graph then differs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from controller.contract import Arrival
from controller.discovery.sheet import Sheet
from controller.discovery.state import AlarmKey, AlarmKind, Alarms, FabricState, Graph, Subject
from controller.model.command import FrameOut
from controller.model.finding import Finding, Severity
from controller.model.identity import Mac, PortRef


@dataclass(frozen=True, slots=True)
class Effects:
    """What a turn says: frames to send now, findings (events, not conditions), and frames handed on to the
    apps.
    """

    frames: tuple[FrameOut, ...] = ()
    findings: tuple[Finding, ...] = ()
    arrivals: tuple[Arrival, ...] = ()


class Draft:
    """The sheets are named as the fields of `FabricState` and `Graph`."""

    def __init__(self, state: FabricState, now_s: float) -> None:
        self._before = state
        self.now_s = now_s
        self.settings = state.settings
        self.switches = Sheet(state.graph.switches)
        self.links = Sheet(state.graph.links)
        self.hosts = Sheet(state.graph.hosts)
        self.edge = Sheet(state.graph.edge)
        self.lost = Sheet(state.lost)
        self.port_macs = Sheet(state.port_macs)
        self.ports = Sheet(state.ports)
        self.early = Sheet(state.early)
        self.heard = Sheet(state.heard)
        self.nonces = Sheet(state.nonces)
        self.hellos_sent = state.hellos_sent
        self.stations = Sheet(state.stations)
        self.residents = Sheet(state.residents)
        self.owners = Sheet(state.owners)
        self.inquiries = Sheet(state.inquiries)
        self.refused = Sheet(state.refused)
        self.touched_ports: set[PortRef] = set()
        self.touched_macs: set[Mac] = set()
        self._reported = Sheet(state.reported)
        self._counters = Sheet(state.counters)
        self._alarms = Sheet(state.alarms.times_s)
        self._frames: list[FrameOut] = []
        self._findings: list[Finding] = []
        self._arrivals: list[Arrival] = []

    def is_own(self, mac: Mac) -> bool:
        """Whether it is Treadle that speaks with this address, or a switch port."""
        return mac in self.settings.own_macs or mac in self.port_macs

    # --- what the turn says ---------------------------------------------------------------------------------

    def send(self, at: PortRef, data: bytes) -> None:
        self._frames.append(FrameOut(at, data))

    def hand_on(self, arrival: Arrival) -> None:
        self._arrivals.append(arrival)

    def count(self, what: str) -> None:
        self._counters.set(what, (self._counters.get(what) or 0) + 1)

    def find(self, severity: Severity, kind: str, subject: str, evidence: str, advice: str = "") -> None:
        self._findings.append(Finding(severity, kind, subject, evidence, advice))

    def find_once(self, at: PortRef, severity: Severity, kind: str, evidence: str, advice: str = "") -> None:
        """A finding about a port, made once for as long as the port stays alive; a flood of frames is one
        finding.
        """
        known = self._reported.get(at) or frozenset()
        label = f"{kind} {evidence}" if kind == "malformed-frame" else kind
        if label not in known:
            self._reported.set(at, known | {label})
            self.find(severity, kind, str(at), evidence, advice)

    def report_anew(self, at: PortRef) -> None:
        """What was found about this port may be found again."""
        self._reported.drop(at)

    # --- alarms ---------------------------------------------------------------------------------------------

    def wake_at(self, when_s: float, kind: AlarmKind, subject: PortRef | Subject) -> None:
        self._alarms.set((kind, subject), when_s)

    def let_sleep(self, kind: AlarmKind, subject: PortRef | Subject) -> None:
        self._alarms.drop((kind, subject))

    def due(self) -> list[AlarmKey]:
        """The alarms whose time has come: by time, kind, and subject."""
        times = [(when_s, key) for key, when_s in self._alarms.items() if when_s <= self.now_s]
        return [key for _, key in sorted(times, key=lambda item: (item[0], _alarm_order(item[1])))]

    def ring(self, key: AlarmKey) -> bool:
        """Take the alarm off the list; false when a rule has cleared or moved it meanwhile."""
        when_s = self._alarms.get(key)
        if when_s is None or when_s > self.now_s:
            return False
        self._alarms.drop(key)
        return True

    # --- the end of the turn --------------------------------------------------------------------------------

    def finish(self) -> tuple[FabricState, Effects]:
        after = replace(
            self._before,
            graph=self._graph(),
            lost=self.lost.freeze(),
            port_macs=self.port_macs.freeze(),
            ports=self.ports.freeze(),
            early=self.early.freeze(),
            heard=self.heard.freeze(),
            nonces=self.nonces.freeze(),
            hellos_sent=self.hellos_sent,
            stations=self.stations.freeze(),
            residents=self.residents.freeze(),
            owners=self.owners.freeze(),
            inquiries=self.inquiries.freeze(),
            refused=self.refused.freeze(),
            reported=self._reported.freeze(),
            counters=self._counters.freeze(),
            alarms=self._alarms_after(),
        )
        return after, Effects(tuple(self._frames), tuple(self._findings), tuple(self._arrivals))

    def _graph(self) -> Graph:
        before = self._before.graph
        parts = (self.switches, self.links, self.hosts, self.edge)
        if not any(part.changed for part in parts):
            return before
        return Graph(
            before.version + 1,
            self.switches.freeze(),
            self.links.freeze(),
            self.hosts.freeze(),
            self.edge.freeze(),
        )

    def _alarms_after(self) -> Alarms:
        before, times_s = self._before.alarms, self._alarms.freeze()
        return before if times_s is before.times_s else Alarms(times_s)


def _alarm_order(key: AlarmKey) -> tuple[int, int, int, int]:
    kind, subject = key
    if isinstance(subject, PortRef):
        return kind, 0, subject.dpid, subject.port
    if isinstance(subject, int):
        return kind, 1, subject, 0
    return kind, subject.version, int(subject), 0

"""One turn's working copy: a state that may be written to, and what the turn says to the outside.

The rules of discovery (links.py, stations.py, inquiries.py, sightings.py, ports.py) are functions on a
`Draft`. It never leaves the turn: `finish` turns it into the next state and the effects, so that seen from
outside a turn is a pure function.

Rules write evidence and `touch` the ports and stations concerned; they never write the graph. When the turn
ends, what was touched is derived anew (derive.py), and the snapshot of the graph follows from the one before
by what then differs.

A draft writes into the dictionaries of the newest state (sheet.py): there is one at a time, and it ends with
`finish` or with `abandon`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from controller.contract import Arrival
from controller.discovery.alarms import AlarmKey
from controller.discovery.sheet import Sheet
from controller.discovery.state import FabricState, Graph
from controller.model.command import FrameOut
from controller.model.delta import delta
from controller.model.finding import Finding, Severity
from controller.model.identity import Dpid, Mac, PortRef
from controller.model.succession import successor


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
        self.bfd = Sheet(state.bfd)
        self.nonces = Sheet(state.nonces)
        self.hellos_sent = state.hellos_sent
        self.hellos_said = 0
        """In this turn."""
        self.looked_s = state.looked_s
        self.stations = Sheet(state.stations)
        self.residents = Sheet(state.residents)
        self.owners = Sheet(state.owners)
        self.inquiries = Sheet(state.inquiries)
        self.involved = Sheet(state.involved)
        self.booked_until_s = state.booked_until_s
        self.refused = Sheet(state.refused)
        self.touched_ports: set[PortRef] = set()
        self.touched_macs: set[Mac] = set()
        self.unvouched: set[Dpid] = set()
        """Switches that something may no longer lead to: a link is gone, or a session."""
        self._reported = Sheet(state.reported)
        self._alarms = state.alarms.open()
        self.wake_at = self._alarms.set
        self.let_sleep = self._alarms.drop
        self._counters: dict[str, int] = {}
        self._swept_s = state.swept_s
        self._own_macs = state.settings.own_macs
        self._frames: list[FrameOut] = []
        self._findings: list[Finding] = []
        self._arrivals: list[Arrival] = []

    def is_own(self, mac: Mac) -> bool:
        """Whether it is Treadle that speaks with this address, or a switch port."""
        return mac in self._own_macs or mac in self.port_macs

    def is_time_to_sweep(self, what: str, every_s: float) -> bool:
        """True once in so many seconds: then what has lasted for longer is to be looked for and forgotten."""
        swept_s = self._swept_s.get(what)
        if swept_s is not None and self.now_s < swept_s + every_s:
            return False
        self._swept_s = {**self._swept_s, what: self.now_s}
        return True

    # --- what the turn says ---------------------------------------------------------------------------------

    def send(self, at: PortRef, data: bytes) -> None:
        self._frames.append(FrameOut(at, data))

    def hand_on(self, arrival: Arrival) -> None:
        self._arrivals.append(arrival)

    def count(self, what: str) -> None:
        self._counters[what] = self._counters.get(what, 0) + 1

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

    def due(self, most: int) -> list[AlarmKey]:
        """The alarms whose time has come, so many at most: by time, kind, and subject."""
        return self._alarms.due(self.now_s, most)

    def ring(self, key: AlarmKey) -> bool:
        """Take the alarm off the list; false when a rule has cleared or moved it meanwhile."""
        return self._alarms.ring(key, self.now_s)

    # --- the end of the turn --------------------------------------------------------------------------------

    def finish(self) -> tuple[FabricState, Effects]:
        after = replace(
            self._before,
            graph=self._graph(),
            hellos_sent=self.hellos_sent,
            looked_s=self.now_s,
            booked_until_s=self.booked_until_s,
            swept_s=self._swept_s,
            counters=self._counted(),
            alarms=self._alarms.freeze(),
            reported=self._reported.freeze(),
            **{name: getattr(self, name).freeze() for name in _EVIDENCE},
        )
        return after, Effects(tuple(self._frames), tuple(self._findings), tuple(self._arrivals))

    def abandon(self) -> None:
        """The turn has failed: the state before is as it was."""
        for name in (*_GRAPH, *_EVIDENCE):
            getattr(self, name).abandon()
        self._reported.abandon()
        self._alarms.abandon()

    def _graph(self) -> Graph:
        """The graph after this turn; the same one if nothing in it differs."""
        before = self._before.graph
        changes = {name: getattr(self, name).changes() for name in _GRAPH}
        if not any(gone or new for gone, new in changes.values()):
            return before
        (gone_switches, new_switches), (gone_links, new_links), (gone_hosts, new_hosts), edge = (
            changes.values()
        )
        change = delta(
            before.topology.version + 1,
            gone_switches=gone_switches,
            new_switches=new_switches,
            gone_links=gone_links,
            new_links=new_links,
            gone_hosts=gone_hosts,
            new_hosts=new_hosts,
            gone_edge_ports=edge[0],
            new_edge_ports=edge[1],
        )
        topology = successor(before.topology, change)
        return Graph(
            self.switches.freeze(), self.links.freeze(), self.hosts.freeze(), self.edge.freeze(), topology
        )

    def _counted(self) -> Mapping[str, int]:
        before = self._before.counters
        counted = {what: before.get(what, 0) + count for what, count in self._counters.items()}
        return {**before, **counted} if counted else before


_GRAPH = ("switches", "links", "hosts", "edge")
_EVIDENCE = (
    "lost",
    "port_macs",
    "ports",
    "early",
    "heard",
    "bfd",
    "nonces",
    "stations",
    "residents",
    "owners",
    "inquiries",
    "involved",
    "refused",
)

"""A fabric in memory: switches wired as a blueprint says, that obey commands and forward frames.

It keeps the promises of `interface.Southbound` without a socket, a thread or a framework: a command takes
effect, and a frame has arrived everywhere, before the call that caused it returns. So a test of the whole
controller is a loop of `events`, `send` and assertions, and the same events come in the same order in every
run.

    fabric = FakeSouthbound(fat_tree(4))
    fabric.start()                  SwitchUp of each switch
    fabric.send(dpid, commands)     BarrierDone, Refused, ProgramRead, ...
    fabric.host_sends(port, frame)  FrameIn where a rule sends it to the controller; elsewhere `delivered`
    fabric.cut(port)                both ends of the cable report it; the fast lane is asked
    fabric.repair(port)             both ends report it
    fabric.lose_power(dpid)         the same of all its cables, its session ends, its program is gone

Left out: time (no timeouts, no meters that drop), queues, and the wire format, which law 9 looks after.
"""

from __future__ import annotations

import threading
from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from zlib import crc32

from controller.dataplane import headers
from controller.dataplane.lookup import Sent, lookup
from controller.model.blueprint import Blueprint
from controller.model.command import (
    Barrier,
    Command,
    ReadCounters,
    ReadFlowCounters,
    ReadProgram,
    SampleFlows,
    SendFrame,
    WatchPort,
)
from controller.model.event import (
    BarrierDone,
    BfdChanged,
    CountersRead,
    Event,
    FastLaneTaken,
    FlowsCounted,
    FrameIn,
    PortChanged,
    ProgramRead,
    ProgramUnchanged,
    Refused,
    SwitchDown,
    SwitchUp,
)
from controller.model.flow import FlowRule, Group, ReservedPort
from controller.model.identity import Dpid, Mac, PortNo, PortRef
from controller.model.limits import NOBODY_LIMITED, UNLIMITED, Limits
from controller.model.packet import Packet
from controller.model.program import SwitchProgram
from controller.model.topology import DEFAULT_CAPACITY_BPS, Port
from controller.model.traffic import PortCounters
from controller.southbound.counters import SwitchCounters
from controller.southbound.fake.sessions import FakeSessions
from controller.southbound.fake.switch import FakeSwitch, Refusal
from controller.southbound.interface import EventQueue, PortDownHook, no_fast_lane

MOST_HOPS = 4_000
"""A frame that has been forwarded this often, copies included, is in a loop: it is dropped, and `storms`
counts it.
"""


class FakeSouthbound:
    """See the module. All methods may be called from any thread; each is one step."""

    def __init__(
        self,
        blueprint: Blueprint,
        events: EventQueue | None = None,
        on_port_down: PortDownHook = no_fast_lane,
        limits: Mapping[Dpid, Limits] = NOBODY_LIMITED,
    ) -> None:
        self.blueprint = blueprint
        self.delivered: dict[PortRef, list[bytes]] = defaultdict(list)
        self.storms = 0
        self._events: EventQueue = EventQueue() if events is None else events
        self._on_port_down = on_port_down
        self._switches = {
            switch.dpid: FakeSwitch(switch.dpid, {}, limits=limits.get(switch.dpid, UNLIMITED))
            for switch in blueprint.switches
        }
        self._counters = {dpid: SwitchCounters() for dpid in self._switches}
        self._crossed: dict[PortRef, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self._read: dict[Dpid, SwitchProgram] = {}
        self._step = threading.RLock()
        self._sessions = FakeSessions(blueprint.peer, self.is_live)
        for end in sorted([*blueprint.peer, *blueprint.host_at]):
            self._switches[end.dpid].ports[end.port] = self._port(end)

    # --- the promises of a southbound -----------------------------------------------------------------------

    @property
    def events(self) -> EventQueue:
        return self._events

    def start(self) -> None:
        """All switches connect, in the order of their names."""
        for dpid in sorted(self._switches):
            self.connect(dpid)

    def stop(self) -> None:
        """The switches keep their rules, and go on forwarding."""
        for switch in self._switches.values():
            switch.connected = False

    def send(self, dpid: Dpid, commands: Sequence[Command]) -> None:
        """Carry out commands in order; what they cause has happened when this returns."""
        with self._step:
            switch = self._switches.get(dpid)
            if switch is None or not switch.connected:
                return
            for command in commands:
                self._counters[dpid].sent[type(command).__name__] += 1
                self._carry_out(switch, command)

    def send_many(self, batches: Mapping[Dpid, Sequence[Command]]) -> None:
        """One switch after another."""
        for dpid, commands in batches.items():
            self.send(dpid, commands)

    def disconnect(self, dpid: Dpid, reason: str) -> None:
        """The session of a switch ends; it goes on forwarding until `connect`."""
        with self._step:
            if self._switches[dpid].connected:
                self._report(SwitchDown(dpid, reason))
                self._switches[dpid].connected = False

    def counters(self) -> Mapping[Dpid, SwitchCounters]:
        """Commands and events by class; there are no messages here."""
        return self._counters

    # --- what happens to a fabric ---------------------------------------------------------------------------

    def connect(self, dpid: Dpid) -> None:
        """A switch connects (again); what it holds is what it held."""
        with self._step:
            switch = self._switches[dpid]
            switch.connected = True
            self._read.pop(dpid, None)
            self._report(
                SwitchUp(dpid, tuple(switch.ports[number] for number in sorted(switch.ports)), address="fake")
            )

    def host_sends(self, at: PortRef, frame: bytes) -> None:
        """A host sends a frame into the port that it is plugged into."""
        with self._step:
            if self._switches[at.dpid].ports[at.port].live:
                self._forward([(at, frame)])

    def cut(self, at: PortRef) -> None:
        """The cable at this port breaks: both ends lose their carrier."""
        self._set_live(at, False)

    def repair(self, at: PortRef) -> None:
        """The cable is mended."""
        self._set_live(at, True)

    def lose_power(self, dpid: Dpid) -> None:
        """A switch dies: its neighbours lose their carrier, and all that it held is gone. It comes back by
        `connect`, with its ports down; `repair` gives them their carrier.
        """
        with self._step:
            self.disconnect(dpid, "power lost")
            for number in sorted(self._switches[dpid].ports):
                self.cut(PortRef(dpid, PortNo(number)))
            before = self._switches[dpid]
            self._switches[dpid] = FakeSwitch(dpid, before.ports, connected=False, limits=before.limits)

    def silence(self, at: PortRef) -> None:
        """What leaves this port gets lost on the cable, and no port notices."""
        with self._step:
            self._report_all(self._sessions.silence(at, mute=True))

    def unsilence(self, at: PortRef) -> None:
        """The cable carries again what leaves this port."""
        with self._step:
            self._report_all(self._sessions.silence(at, mute=False))

    def program(self, dpid: Dpid) -> SwitchProgram:
        """What a switch holds."""
        return self._switches[dpid].program

    # --- commands -------------------------------------------------------------------------------------------

    def _carry_out(self, switch: FakeSwitch, command: Command) -> None:
        match command:
            case Barrier(token):
                if token:
                    self._report(BarrierDone(switch.dpid, token))
            case SendFrame():
                self._send_frame(switch, command)
            case ReadProgram():
                self._report(self._held(switch))
            case ReadCounters():
                self._report(CountersRead(switch.dpid, self._counted(switch)))
            case ReadFlowCounters(owner, table):
                self._report(FlowsCounted(switch.dpid, switch.flow_counts(owner, table)))
            case SampleFlows():
                pass  # nobody looks at single frames here
            case WatchPort(port, far):
                self._report_all(self._sessions.watch(PortRef(switch.dpid, port), runs=far is not None))
            case _:
                try:
                    switch.obey(command)
                except Refusal as why:
                    self._report(Refused(switch.dpid, why.error_type, why.error_code, why.text, command))

    def _send_frame(self, switch: FakeSwitch, command: SendFrame) -> None:
        """A packet-out is a packet that meets one rule, with the packet-out's actions."""
        once = FlowRule(0, 0, actions=command.actions)
        program = SwitchProgram({once.key: once}, switch.program.groups)
        leaving = self._through(switch, program, command.in_port, command.data)
        self._forward(leaving)

    def _held(self, switch: FakeSwitch) -> ProgramRead | ProgramUnchanged:
        before, self._read[switch.dpid] = self._read.get(switch.dpid), switch.program
        unchanged = before is switch.program
        return ProgramUnchanged(switch.dpid) if unchanged else ProgramRead(switch.dpid, switch.program)

    def _counted(self, switch: FakeSwitch) -> tuple[PortCounters, ...]:
        ends = [PortRef(switch.dpid, PortNo(number)) for number in sorted(switch.ports)]
        return tuple(PortCounters(end.port, *self._crossed[end]) for end in ends)

    # --- frames ---------------------------------------------------------------------------------------------

    def _forward(self, arriving: Sequence[tuple[PortRef, bytes]]) -> None:
        """Let frames run until each copy has arrived or is gone; first come, first served."""
        under_way, hops = deque(arriving), 0
        while under_way:
            at, frame = under_way.popleft()
            hops += 1
            if hops > MOST_HOPS:
                self.storms += 1
                return
            switch = self._switches[at.dpid]
            self._count(at, frame, received=True)
            under_way.extend(self._through(switch, switch.program, at.port, frame))

    def _through(
        self, switch: FakeSwitch, program: SwitchProgram, in_port: int, frame: bytes
    ) -> list[tuple[PortRef, bytes]]:
        """One switch: what leaves it, as what arrives at the next ones. Hosts and the controller get theirs
        here.
        """
        dead = switch.dead | self._sessions.dead(switch.dpid)
        verdict = lookup(program, headers.read(frame), in_port, dead=dead, choose=_choose)
        switch.count(verdict.met, len(frame))
        arriving = []
        for outcome in verdict.outcomes:
            if not isinstance(outcome, Sent):
                continue
            after = headers.rewrite(frame, outcome.packet)
            last = verdict.met[-1]
            if outcome.port == ReservedPort.CONTROLLER:
                cookie = 0 if last.rule is None else last.rule.cookie
                self._report(FrameIn(switch.dpid, PortNo(in_port), after, last.table, cookie))
                continue
            flood = [port for port in sorted(switch.ports) if port != in_port]
            for port in flood if outcome.port == ReservedPort.ALL else [outcome.port]:
                arriving += self._leave(switch, port, after)
        return arriving

    def _leave(self, switch: FakeSwitch, port: int, frame: bytes) -> list[tuple[PortRef, bytes]]:
        end = PortRef(switch.dpid, PortNo(port))
        if port not in switch.ports or not switch.ports[port].live:
            return []
        self._count(end, frame, received=False)
        far = self.blueprint.peer.get(end)
        if far is not None:
            return [] if self._sessions.is_mute(end) else [(far, frame)]
        self.delivered[end].append(frame)
        return []

    def _count(self, end: PortRef, frame: bytes, *, received: bool) -> None:
        crossed = self._crossed[end]
        crossed[0 if received else 1] += 1
        crossed[2 if received else 3] += len(frame)

    # --- ports ----------------------------------------------------------------------------------------------

    def _set_live(self, at: PortRef, live: bool) -> None:
        with self._step:
            far = self.blueprint.peer.get(at)
            for end in [at] if far is None else sorted([at, far]):
                self._set_end(end, live)

    def _set_end(self, end: PortRef, live: bool) -> None:
        switch = self._switches[end.dpid]
        before = switch.ports[end.port]
        if before.live == live:
            return
        switch.ports[end.port] = replace(before, live=live)
        told = self._sessions.judge(end)
        if not switch.connected:
            self._report_all(told)
            return
        commands = () if live else tuple(self._on_port_down(end.dpid, end.port))
        for command in commands:
            self._carry_out(switch, command)
        if commands:
            self._report(FastLaneTaken(end.dpid, end.port, commands))
        self._report(PortChanged(end.dpid, switch.ports[end.port]))
        self._report_all(told)

    def _port(self, end: PortRef) -> Port:
        name = f"{self.blueprint.switch_by_dpid[end.dpid].name}-eth{end.port}"
        mac = Mac(0x0600_0000_0000 | (end.dpid & 0xFFFFFF) << 16 | end.port & 0xFFFF)
        capacity_bps = self.blueprint.capacity_bps.get(end, DEFAULT_CAPACITY_BPS)
        return Port(end.port, name, mac, capacity_bps=capacity_bps)

    def is_live(self, end: PortRef) -> bool:
        return self._switches[end.dpid].ports[end.port].live

    def _report_all(self, events: Sequence[BfdChanged]) -> None:
        """What is said of sessions does not come over OpenFlow, and arrives whether a switch is connected."""
        for event in events:
            self._events.put(event)

    def _report(self, event: Event) -> None:
        dpid = getattr(event, "dpid", None)
        if dpid is None or not self._switches[dpid].connected:
            return
        self._counters[dpid].received[type(event).__name__] += 1
        self._events.put(event)


def _choose(group: Group, packet: Packet) -> int:
    """A hash that every run computes alike; which bucket it falls on is for the group's weights to say."""
    return crc32(repr((group.group_id, [(field.number, value) for field, value in packet.fields])).encode())

"""The wires, and the way of a frame through them.

    packet-out --> leaves a port --> the wire --> arrives at a port --> tables --> leaves ports --> ...
                                               \\-> a host, which may answer

Frames go through the tables of every switch on their way, by the data-plane model's `lookup`; what the rules
say happens, packet-ins and lost packets included. One kind of frame comes by the ten thousand and is made
short work of: an LLDP frame, where the highest rule of the entry table hands all LLDP to the controller, is
a packet-in without a lookup (glance.py). A bucket is chosen by a hash of the frame's fields.

A wire is alive when the ports at both ends are; a switch without power neither takes nor gives. A frame that
has been forwarded `MOST_HOPS` times, copies included, is in a loop: it is dropped and `storms` counts it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from zlib import crc32

from controller.dataplane import headers
from controller.dataplane.lookup import Sent, Verdict, lookup
from controller.model.blueprint import Blueprint
from controller.model.flow import Action, FlowRule, Group, Output, ReservedPort, ToGroup
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.packet import Packet
from controller.model.program import SwitchProgram
from controller.model.topology import DEFAULT_CAPACITY_BPS
from simulator.fabric.hosts import Host, planned
from simulator.switch.ports import Port
from simulator.switch.profile import Profile
from simulator.switch.switch import Switch
from simulator.switch.wire import PORT_TABLE, Error, Reason, Refusal

MOST_HOPS = 4_000
_LLDP = b"\x88\xcc"

_Arriving = deque[tuple[Switch, int, bytes]]


class Fabric:
    """Switches wired as a blueprint says. Times are seconds of the monotonic clock; `now_s` is set by whoever
    drives the fabric.
    """

    def __init__(
        self,
        blueprint: Blueprint,
        profile: Profile | None = None,
        profiles: Mapping[Dpid, Profile] | None = None,
        now_s: float = 0.0,
    ) -> None:
        self.blueprint = blueprint
        self.now_s = now_s
        self.storms = 0
        ports: dict[Dpid, dict[int, Port]] = {plan.dpid: {} for plan in blueprint.switches}
        for end in sorted([*blueprint.peer, *blueprint.host_at]):
            ports[end.dpid][end.port] = self._port(end)
        self.switches: dict[Dpid, Switch] = {}
        for plan in blueprint.switches:
            make = (profiles or {}).get(plan.dpid, profile or Profile())
            self.switches[plan.dpid] = Switch(plan.dpid, plan.name, ports[plan.dpid], make, self, now_s)
        self.hosts: dict[str, Host] = {plan.name: planned(plan) for plan in blueprint.hosts}
        self._host_at: dict[tuple[int, int], Host] = {
            (host.at.dpid, host.at.port): host for host in self.hosts.values()
        }
        self._broken: set[tuple[int, int]] = set()
        self._far: dict[tuple[int, int], tuple[Switch, Port, int]] = {}
        for a, b in blueprint.peer.items():
            self._far[a.dpid, a.port] = (self.switches[b.dpid], ports[b.dpid][b.port], b.port)

    def _port(self, end: PortRef) -> Port:
        name = f"{self.blueprint.switch_by_dpid[end.dpid].name}-eth{end.port}"
        mac = 0x0600_0000_0000 | (end.dpid & 0xFFFFFF) << 16 | end.port & 0xFFFF
        return Port(end.port, name, mac, self.blueprint.capacity_bps.get(end, DEFAULT_CAPACITY_BPS))

    # --- what is true ---------------------------------------------------------------------------------------

    @property
    def dead(self) -> frozenset[PortRef]:
        """The ports that are down, those of switches without power among them."""
        return frozenset(
            PortRef(dpid, PortNo(number))
            for dpid, switch in self.switches.items()
            for number, port in switch.ports.items()
            if not port.live or not switch.powered
        )

    def host_at(self, end: PortRef) -> Host | None:
        """Who is plugged in there."""
        return self._host_at.get((end.dpid, end.port))

    # --- what happens to the wires --------------------------------------------------------------------------

    def set_carrier(self, end: PortRef, alive: bool, *, both_ends: bool = True) -> None:
        """The cable at a port breaks or is mended; both its switches see it, or only this one."""
        far = self.blueprint.peer.get(end) if both_ends else None
        for each in [end] if far is None else sorted([end, far]):
            (self._broken.discard if alive else self._broken.add)((each.dpid, each.port))
            self._look_at_carrier(each.dpid, each.port)

    def set_power(self, dpid: Dpid, powered: bool, *, keep_tables: bool) -> None:
        """A switch loses its power, or has it back; its neighbours see its wires die, or come back."""
        switch = self.switches[dpid]
        switch.powered = powered
        if not powered and not keep_tables:
            switch.tables.clear()
        for number in switch.ports:
            self._look_at_carrier(dpid, number)
            far = self._far.get((dpid, number))
            if far is not None:
                self._look_at_carrier(far[0].dpid, far[2])

    def _look_at_carrier(self, dpid: int, number: int) -> None:
        """A switch with power sees whether there is light at a port, and tells when that has changed."""
        switch, far = self.switches[Dpid(dpid)], self._far.get((dpid, number))
        if not switch.powered:
            return
        port = switch.ports[number]
        carrier = (dpid, number) not in self._broken and (far is None or far[0].powered)
        if port.carrier != carrier:
            port.carrier = carrier
            switch.tell_port(port)

    def move(self, host: Host, to: PortRef) -> list[Host]:
        """Plug a host in at another port; who was there takes its place. All who have moved, to be announced.

        Both switches see their ports go down and come up again.
        """
        there, before = self.host_at(to), host.at
        moved = [host] if there is None else [host, there]
        for end in (before, to):
            self.set_carrier(end, False)
            self._host_at.pop((end.dpid, end.port), None)
        for each, end in zip(moved, (to, before), strict=False):
            each.at, each.announced = end, False
            self._host_at[end.dpid, end.port] = each
        for end in (before, to):
            self.set_carrier(end, True)
        return moved

    # --- frames ---------------------------------------------------------------------------------------------

    def leave(self, switch: Switch, port: int, frame: bytes) -> None:
        """A frame leaves a switch by a port, on the controller's word."""
        under_way: _Arriving = deque()
        self._leave(switch, port, frame, under_way)
        if under_way:
            self._forward(under_way)

    def act(self, switch: Switch, in_port: int, frame: bytes, actions: tuple[Action, ...]) -> None:
        """Carry out the actions of a packet-out. Raises `Refusal`."""
        if any(isinstance(each, Output) and each.port == PORT_TABLE for each in actions):
            if len(actions) > 1:
                raise Refusal(Error.BAD_OUT_PORT)  # the model has no word for a table among other actions
            self._forward(deque([(switch, in_port, frame)]))
            return
        groups = switch.tables.program().groups
        if any(isinstance(each, ToGroup) and each.group_id not in groups for each in actions):
            raise Refusal(Error.BAD_OUT_GROUP)
        once = FlowRule(0, 0, actions=actions)
        verdict = lookup(
            SwitchProgram({once.key: once}, groups),
            headers.read(frame),
            in_port,
            dead=switch.dead,
            choose=_choose,
        )
        under_way: _Arriving = deque()
        self._carry_out(switch, in_port, frame, verdict, under_way)
        self._forward(under_way)

    def host_says(self, host: Host, frame: bytes) -> bool:
        """A host sends a frame into its port; whether a switch handed it (or a copy) to the controller."""
        switch = self.switches[host.at.dpid]
        if not switch.powered or not switch.ports[host.at.port].live:
            return False
        return self._forward(deque([(switch, int(host.at.port), frame)]))

    def _forward(self, under_way: _Arriving) -> bool:
        """Let frames run until each copy has arrived or is gone; first come, first served."""
        hops, punted = 0, False
        while under_way:
            switch, in_port, frame = under_way.popleft()
            hops += 1
            if hops > MOST_HOPS:
                self.storms += 1
                break
            port = switch.ports.get(in_port)
            if port is not None:
                port.rx_packets += 1
                port.rx_bytes += len(frame)
            if not switch.tables.rules:
                continue
            verdict = lookup(
                switch.tables.program(), headers.read(frame), in_port, dead=switch.dead, choose=_choose
            )
            punted |= self._carry_out(switch, in_port, frame, verdict, under_way)
        return punted

    def _carry_out(
        self, switch: Switch, in_port: int, frame: bytes, verdict: Verdict, under_way: _Arriving
    ) -> bool:
        """What a verdict means: rules count, meters may drop, copies leave; whether one was handed up."""
        size = len(frame)
        for met in verdict.met:
            if met.rule is not None:
                switch.tables.count(met.rule, size, self.now_s)
        if not all(switch.tables.meters.lets_through(each, size, self.now_s) for each in verdict.meters):
            return False
        punted = False
        for outcome in verdict.outcomes:
            if not isinstance(outcome, Sent):
                continue
            after = headers.rewrite(frame, outcome.packet)
            if outcome.port == ReservedPort.CONTROLLER:
                punted |= self._hand_up(switch, in_port, after, verdict)
            elif outcome.port == ReservedPort.ALL:
                for number in switch.ports:
                    if number != in_port:
                        self._leave(switch, number, after, under_way)
            else:
                self._leave(switch, outcome.port, after, under_way)
        return punted

    def _hand_up(self, switch: Switch, in_port: int, frame: bytes, verdict: Verdict) -> bool:
        table, rule = verdict.met[-1]
        missed = rule is None or (not rule.priority and not rule.match.terms)
        reason = Reason.NO_MATCH if missed else Reason.ACTION
        switch.punt(in_port, frame, reason, table, 0 if rule is None else rule.cookie)
        return switch.ready

    def _leave(self, switch: Switch, number: int, frame: bytes, under_way: _Arriving) -> None:
        port = switch.ports.get(number)
        if port is None:
            return
        if not port.live:
            port.tx_dropped += 1
            return
        size = len(frame)
        port.tx_packets += 1
        port.tx_bytes += size
        far = self._far.get((switch.dpid, number))
        if far is None:
            self._to_host(switch, number, frame, under_way)
            return
        other, entry, entry_number = far
        if not entry.live or not other.powered:
            return
        if frame[12:14] == _LLDP:
            told = other.glance.lldp()
            if told is not None:
                entry.rx_packets += 1
                entry.rx_bytes += size
                other.punt(entry_number, frame, told[0], 0, told[1])
                return
        under_way.append((other, entry_number, frame))

    def _to_host(self, switch: Switch, number: int, frame: bytes, under_way: _Arriving) -> None:
        host = self._host_at.get((switch.dpid, number))
        said = None if host is None else host.take(frame)
        if said is not None:
            under_way.append((switch, number, said))


def _choose(group: Group, packet: Packet) -> int:
    """A hash that every run computes alike; on which bucket it falls is for the group's weights to say."""
    return crc32(repr((group.group_id, [(field.number, value) for field, value in packet.fields])).encode())

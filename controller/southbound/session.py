"""One switch's conversation, without socket, thread or clock.

A session is fed bytes and the time, and answers with events and bytes. Whoever owns the socket
(openflow.py) moves both; a test feeds what it likes. What may be said when is one machine:

    HELLO --version agreed--> FEATURES --FEATURES_REPLY--> WAITING --admit--> PORTS --PORT_DESC--> UP
      |                          |                            |                 |                  |
      +-------------- malformed, refused, too slow, silent, closed by the switch ------------------+--> CLOSED

In WAITING the session has a name and awaits leave to use it (admission.py). Only a session that was UP ends
with `SwitchDown`; others end with an `Incident` at most.

Every byte that arrives counts as a sign of life. But a switch may talk and not listen: when commands wait for
it (outgoing.py) and for `stalled_s` none of it moves, it is given up. One that reads slowly is not: it takes
what it takes. All methods belong to the one thread that owns the session, except `send`.

What arrives often is read by `decode` straight from the bytes, and a HELLO by `handshake`; what is rare
(features) passes the guard and then the framework. All else is dropped before it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from typing import Any

from controller.model.command import Command, ReadCounters, ReadFlowCounters, ReadProgram
from controller.model.event import (
    BarrierDone,
    Event,
    FastLaneTaken,
    Incident,
    PortChanged,
    PortRemoved,
    Refused,
    SwitchDown,
    SwitchUp,
)
from controller.model.identity import Dpid, PortNo, dpid_text
from controller.model.topology import Port, SwitchProfile
from controller.southbound import handshake, wire
from controller.southbound.asking import (
    Part,
    Question,
    TooLong,
    counters_read,
    flow_counters,
    flows_counted,
    port_counters,
    port_descriptions,
    queue_counters,
)
from controller.southbound.capabilities import Learn, capabilities
from controller.southbound.counters import MESSAGE_NAMES, SwitchCounters, message_name
from controller.southbound.decode.errors import refusal
from controller.southbound.decode.frames import frame_in
from controller.southbound.decode.ports import port_status
from controller.southbound.framework import Framework
from controller.southbound.guard import Framer, Malformed, Message, check
from controller.southbound.guard.openflow13 import ECHO_BYTES
from controller.southbound.holding import Holding
from controller.southbound.interface import PortDownHook, no_fast_lane
from controller.southbound.life import Life
from controller.southbound.outgoing import Outgoing
from controller.southbound.refusals import refused_by_us
from controller.southbound.settings import SouthboundSettings


class Stage(Enum):
    """How far a session has come."""

    HELLO = "hello"
    FEATURES = "features"
    WAITING = "waiting"
    PORTS = "ports"
    UP = "up"
    CLOSED = "closed"


class Session:
    """See the module. `peer` is the far end's address, for reports; times are seconds of one monotonic
    clock. `admitted`: it may use its name, or could while it lasted. `is_due` belongs to the owner of the
    socket: the session is already in its list of things to do.
    """

    def __init__(
        self,
        framework: Framework,
        settings: SouthboundSettings,
        peer: str,
        now_s: float,
        on_port_down: PortDownHook = no_fast_lane,
    ) -> None:
        self.stage = Stage.HELLO
        self.peer = peer
        self.dpid: Dpid | None = None
        self.admitted = False
        self.auxiliary = 0
        self.counters = SwitchCounters()
        self.life = Life(settings, now_s)
        self.is_due = False
        self._framework = framework
        self._settings = settings
        self._on_port_down = on_port_down
        self._framer = Framer()
        self._profile = SwitchProfile()
        self._ports: dict[int, Port] = {}
        self._outgoing = Outgoing(
            framework, self.counters, settings.in_flight_bytes, self._asked, self._unspeakable
        )
        self._questions: dict[int, Question] = {}
        self._ports_xid = 0
        self._noticed: list[Event] = []
        self._outgoing.write(handshake.hello(self._outgoing.next_xid()))

    # --- for the owner of the socket ------------------------------------------------------------------------

    def receive(self, data: bytes, now_s: float) -> list[Event]:
        """Take what arrived. Never raises for what a switch says: it costs at most this session."""
        self.life.heard(now_s)
        events: list[Event] = []
        try:
            for message in self._framer.feed(data):
                events += self._take(message)
                if self.stage is Stage.CLOSED:
                    break
        except Malformed as error:
            events += self._abort("malformed", f"the stream cannot be followed: {error}")
        return events

    def unsent(self) -> bytes:
        """What is to be written next, commands included; the session forgets it. Empty: nothing for now."""
        if self.stage is not Stage.UP:
            self._outgoing.forget_queued()
        return self._outgoing.unsent()

    def noticed(self) -> list[Event]:
        """What has come up while bytes were made of commands."""
        if not self._noticed:
            return []
        events, self._noticed = self._noticed, []
        return events

    @property
    def waiting(self) -> int:
        """How many commands wait for room."""
        return self._outgoing.waiting

    @property
    def has_more(self) -> bool:
        """Whether `unsent` would give something now."""
        return self._outgoing.has_more

    @property
    def is_overfull(self) -> bool:
        """Whether the switch makes us talk, and does not listen: more waits of our own words than should."""
        return self._outgoing.own_bytes > self._settings.unsent_bytes

    def wrote(self, taken: int, blocked: bool) -> None:
        """How many bytes the socket has taken; `blocked`: it takes no more for now."""
        self.life.wrote(taken, blocked)

    def tick(self, now_s: float) -> list[Event]:
        """Let time pass: ask for a sign of life, or give up."""
        self.life.now_s = now_s
        if self.stage is not Stage.UP:
            late = self.stage in _SHAKING_HANDS and now_s >= self.life.began_s + self._settings.handshake_s
            text = f"no handshake within {self._settings.handshake_s} s"
            return self._abort("handshake", text) if late else []
        why = self.life.silent()
        if why is not None:
            return self.close(why)
        if self._questions and any(now_s >= each.deadline_s for each in self._questions.values()):
            return self.close(f"no answer within {self._settings.answer_s} s")
        if self.life.stalled(self._outgoing.waiting):
            return self.give_up()
        if self.life.echo_is_due():
            self.probe()
        return []

    def excuse(self, now_s: float) -> None:
        """Let time pass in which nobody listens to the switch: it is neither silent nor late meanwhile."""
        passed_s = now_s - self.life.now_s
        for question in {id(each): each for each in self._questions.values()}.values():
            question.deadline_s += passed_s
        self.life.excuse(now_s)

    def give_up(self) -> list[Event]:
        """The switch does not read: end the session, and say so."""
        return self._abort("does-not-read", f"the switch does not read: {self._outgoing.state}")

    def close(self, reason: str) -> list[Event]:
        """End the session, for a reason on our side or because the switch has hung up."""
        was_up, self.stage = self.stage is Stage.UP, Stage.CLOSED
        self._questions.clear()
        return [SwitchDown(self.dpid, reason)] if was_up and self.dpid is not None else []

    # --- for admission --------------------------------------------------------------------------------------

    def admit(self, now_s: float) -> None:
        """The switch may use its name: configure it, and ask for what it can hold and for its ports."""
        self.admitted = True
        self.stage, self.life.began_s = Stage.PORTS, now_s
        of, switch = self._framework.messages, self._framework.switch
        constants = self._framework.constants
        self._outgoing.say(of.OFPSetConfig(switch, constants.OFPC_FRAG_NORMAL, constants.OFPCML_NO_BUFFER))
        for capability in capabilities(self._profile, self._settings.asked_tables):
            xid = self._outgoing.next_xid()
            self._outgoing.write(capability.question(xid))
            self._await([xid], [capability.part()], partial(self._capable, capability.learn))
        xid = self._outgoing.say(of.OFPPortDescStatsRequest(switch, 0))
        self._ports_xid = xid
        self._await([xid], [port_descriptions()], self._described)

    def refuse(self, kind: str, text: str) -> list[Event]:
        """The switch may not use its name."""
        return self._abort(kind, text)

    def probe(self) -> None:
        """Ask for a sign of life now; `life.heard_s` tells."""
        self.life.asked()
        self._outgoing.ask_for_echo()

    # --- for the loop ---------------------------------------------------------------------------------------

    def send(self, commands: Sequence[Command]) -> None:
        """Queue commands, in order; may be called from any thread. See `Outgoing.queue`."""
        self._outgoing.queue(commands)

    # --- what the switch says -------------------------------------------------------------------------------

    def _take(self, message: Message) -> list[Event]:
        kind = message.kind
        self.counters.received[MESSAGE_NAMES[kind]] += 1
        if kind != wire.HELLO and message.version != wire.VERSION:
            return self._wrong_version(message)
        handle = _WHEN_UP.get(kind) if self.stage is Stage.UP else _BEFORE[self.stage].get(kind)
        if handle is None:
            return self._unheard(kind)
        try:
            return handle(self, message)
        except Malformed as error:
            return self._malformed(kind, error)

    def _wrong_version(self, message: Message) -> list[Event]:
        if self.stage is Stage.HELLO:
            return self._unheard(message.kind)
        self._outgoing.write(handshake.bad_version(message.xid, message.bytes))
        return self._abort(
            "malformed", f"a message of protocol version {message.version} after agreeing on 4"
        )

    def _unheard(self, kind: int) -> list[Event]:
        if self.stage is Stage.HELLO:
            return self._abort("handshake", f"{message_name(kind)} before HELLO")
        return self._drop("unexpected" if kind in _HEARD else "unwanted")

    def _drop(self, why: str) -> list[Event]:
        self.counters.dropped[why] += 1
        return []

    def _malformed(self, kind: int, error: Malformed) -> list[Event]:
        self._drop("malformed")
        text = f"{message_name(kind)}: {error}"
        if self.stage is not Stage.UP:
            return self._abort("malformed", text)
        return [Incident("malformed", self._subject, text)]

    def _parse(self, message: Message) -> Any:
        """The framework's object for a rare message, after the guard. Raises `Malformed`."""
        data = message.bytes
        check(data)
        try:
            return self._framework.parse(data)
        except Exception as error:  # whatever a parser that was not written for hostile input raises
            raise Malformed(f"{type(error).__name__}: {error}") from None

    def _on_hello(self, message: Message) -> list[Event]:
        start = message.start + wire.HEADER_BYTES
        offered = handshake.offered_versions(message.buffer, start, message.end)
        why = handshake.objection(message.version, offered)
        if why is not None:
            self._outgoing.write(handshake.hello_failed(message.xid, why))
            return self._abort("handshake", why)
        self.stage = Stage.FEATURES
        self._outgoing.say(self._framework.messages.OFPFeaturesRequest(self._framework.switch))
        return []

    def _on_features(self, message: Message) -> list[Event]:
        features = self._parse(message)
        self.dpid = Dpid(features.datapath_id)
        self.auxiliary = features.auxiliary_id
        self._profile = SwitchProfile(tables=features.n_tables, buffers=features.n_buffers)
        self._holding = Holding(self.dpid)
        self.stage = Stage.WAITING
        return []

    def _capable(self, learn: Learn, parts: Sequence[list[Any]]) -> list[Event]:
        self._profile = learn(self._profile, parts[0])
        return []

    def _described(self, parts: Sequence[list[Any]]) -> list[Event]:
        described = [port for port in parts[0] if port is not None]
        if len(described) > self._settings.ports:
            return self._too_many_ports()
        self._ports = {port.number: port for port in sorted(described, key=lambda port: port.number)}
        self._questions = {self._ports_xid: self._questions[self._ports_xid]}  # the others come too late
        self.stage = Stage.UP
        return [SwitchUp(self._name, tuple(self._ports.values()), self._profile, self.peer)]

    def _on_echo_request(self, message: Message) -> list[Event]:
        self._outgoing.write(handshake.echo_reply(message.xid, _echo(message)))
        return []

    def _on_echo_reply(self, message: Message) -> list[Event]:
        _echo(message)
        if self._outgoing.echoed(message.xid):
            self.life.moved()
        return []

    def _on_frame(self, message: Message) -> list[Event]:
        frame = frame_in(self._name, message.buffer, message.start + wire.HEADER_BYTES, message.end)
        return self._drop("malformed") if frame is None else [frame]

    def _on_port(self, message: Message) -> list[Event]:
        removed, port = port_status(message.buffer, message.start + wire.HEADER_BYTES, message.end)
        if port is None:
            return []
        before = self._ports.pop(port.number, None)
        if not removed:
            if len(self._ports) >= self._settings.ports:
                return self._too_many_ports()
            self._ports[port.number] = port
        died = (removed or not port.live) and (before is None or before.live)
        events = self._fast_lane(port.number) if died else []
        if removed:
            return [*events, PortRemoved(self._name, port.number)]
        return events if port == before else [*events, PortChanged(self._name, port)]

    def _fast_lane(self, port: PortNo) -> list[Event]:
        """Take a dead port out of service before anything else is sent, even what was queued before."""
        commands = tuple(self._on_port_down(self._name, port))
        self._outgoing.dispatch(commands)
        return [FastLaneTaken(self._name, port, commands)] if commands else []

    def _on_barrier(self, message: Message) -> list[Event]:
        if message.end - message.start != wire.HEADER_BYTES:
            raise Malformed("a barrier reply has no body")
        barrier = self._outgoing.barrier(message.xid)
        if barrier is None:
            return self._drop("unexpected")
        return [BarrierDone(self._name, barrier.token)] if barrier.token else []

    def _on_answer(self, message: Message) -> list[Event]:
        question = self._questions.get(message.xid)
        if question is None:
            return self._drop("unexpected")
        try:
            start = message.start + wire.HEADER_BYTES
            events = question.take(message.xid, message.buffer, start, message.end)
        except TooLong as error:
            return self._abort("malformed", f"an answer of {error}")
        question.deadline_s = self.life.now_s + self._settings.answer_s
        if message.xid not in question.awaited:
            self._questions.pop(message.xid, None)  # gone already when the answer has ended the session
        return events

    def _on_error(self, message: Message) -> list[Event]:
        start = message.start + wire.HEADER_BYTES
        kind, code, text = refusal(self._framework, message.buffer, start, message.end)
        question = self._questions.pop(message.xid, None)
        if self.stage is not Stage.UP and question is not None and message.xid != self._ports_xid:
            return []  # it does not know how much it can hold
        if self.stage is not Stage.UP:
            return self._abort("handshake", f"the switch answered with {text}")
        if question is not None:
            return question.close(message.xid)
        return [Refused(self._name, kind, code, text, self._outgoing.command(message.xid))]

    # --- what we ask, and what cannot be said ---------------------------------------------------------------

    def _asked(self, command: Command, xids: Sequence[int]) -> None:
        """A question is on its way: its answer is awaited from now on."""
        if isinstance(command, ReadProgram):
            reading = self._holding.reading()
            self._await(xids, reading.parts, reading.finish)
        elif isinstance(command, ReadCounters):
            self._await(xids, [port_counters(), queue_counters()], partial(counters_read, self._name))
        elif isinstance(command, ReadFlowCounters):
            self._await(xids, [flow_counters()], partial(flows_counted, self._name))

    def _await(
        self,
        xids: Sequence[int],
        parts: Sequence[Part],
        finish: Callable[[Sequence[list[Any]]], list[Event]],
    ) -> None:
        of = self._settings
        by_xid = dict(zip(xids, parts, strict=True))
        deadline_s = self.life.now_s + of.answer_s
        question = Question(by_xid, finish, deadline_s, of.answer_entries, of.answer_bytes)
        self._questions.update(dict.fromkeys(by_xid, question))

    def _unspeakable(self, command: Command, why: str) -> None:
        """A command has no words in OpenFlow 1.3; no switch hears of it, and the loop is told."""
        self._noticed.append(refused_by_us(self._name, command, why))

    # --- the end --------------------------------------------------------------------------------------------

    def _abort(self, kind: str, text: str) -> list[Event]:
        return [Incident(kind, self._subject, text), *self.close(text)]

    def _too_many_ports(self) -> list[Event]:
        return self._abort("malformed", f"more than {self._settings.ports} ports")

    @property
    def _name(self) -> Dpid:
        assert self.dpid is not None
        return self.dpid

    @property
    def _subject(self) -> str:
        return self.peer if self.dpid is None else f"{dpid_text(self.dpid)} at {self.peer}"


def _echo(message: Message) -> bytes:
    """The words of an echo. Raises `Malformed` for more of them than any switch needs."""
    if message.end - message.start > wire.HEADER_BYTES + ECHO_BYTES:
        raise Malformed(f"an echo of {message.end - message.start} bytes")
    return message.buffer[message.start + wire.HEADER_BYTES : message.end]


_Handlers = dict[int, Callable[[Session, Message], list[Event]]]
_TALKING: _Handlers = {
    wire.ERROR: Session._on_error,
    wire.ECHO_REQUEST: Session._on_echo_request,
    wire.ECHO_REPLY: Session._on_echo_reply,
}
_WHEN_UP: _Handlers = {
    **_TALKING,
    wire.MULTIPART_REPLY: Session._on_answer,
    wire.BARRIER_REPLY: Session._on_barrier,
    wire.PORT_STATUS: Session._on_port,
    wire.PACKET_IN: Session._on_frame,
}
_BEFORE: dict[Stage, _Handlers] = {
    Stage.HELLO: {wire.HELLO: Session._on_hello},
    Stage.FEATURES: {**_TALKING, wire.FEATURES_REPLY: Session._on_features},
    Stage.WAITING: _TALKING,
    Stage.PORTS: {**_TALKING, wire.MULTIPART_REPLY: Session._on_answer},
    Stage.CLOSED: {},
}
"""What is listened to, and when. All else is dropped before it is read."""

_HEARD = _WHEN_UP.keys() | {wire.HELLO, wire.FEATURES_REPLY}
_SHAKING_HANDS = (Stage.HELLO, Stage.FEATURES, Stage.PORTS)

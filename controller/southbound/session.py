"""One switch's conversation, without socket, thread or clock.

A session is fed bytes and the time, and answers with events and bytes. Whoever owns the socket
(openflow.py) moves both; a test feeds what it likes. What may be said when is one machine:

    HELLO --version agreed--> FEATURES --FEATURES_REPLY--> WAITING --admit--> PORTS --PORT_DESC--> UP
      |                          |                            |                 |                  |
      +-------------- malformed, refused, too slow, silent, closed by the switch ------------------+--> CLOSED

In WAITING the session has a name and awaits leave to use it (admission.py). Only a session that was UP ends
with `SwitchDown`; others end with an `Incident` at most.

Every byte that arrives counts as a sign of life. All methods belong to the one thread that owns the session,
except `send`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from functools import partial
from math import inf
from typing import Any

from controller.model.command import Command, ReadCounters, ReadProgram
from controller.model.event import (
    BarrierDone,
    Event,
    FastLaneTaken,
    FrameIn,
    Incident,
    PortChanged,
    PortRemoved,
    Refused,
    SwitchDown,
    SwitchUp,
)
from controller.model.identity import Dpid, PortNo, dpid_text
from controller.model.topology import Port, SwitchProfile
from controller.southbound import decode, handshake
from controller.southbound.asking import Question, TooLong, counters_read, program_read
from controller.southbound.counters import SwitchCounters, message_name
from controller.southbound.framework import OPENFLOW_13, Framework
from controller.southbound.guard import Framer, Header, Malformed, check
from controller.southbound.guard import openflow13 as wire
from controller.southbound.interface import PortDownHook, no_fast_lane
from controller.southbound.outgoing import Encoded, Outgoing
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
    clock.
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
        self.auxiliary = 0
        self.counters = SwitchCounters()
        self.heard_s = now_s
        self._framework = framework
        self._settings = settings
        self._on_port_down = on_port_down
        self._framer = Framer()
        self._profile = SwitchProfile()
        self._ports: dict[int, Port] = {}
        self._began_s = self._asked_s = self._now_s = now_s
        self._outgoing = Outgoing(framework, self.counters, self._sent)
        self._questions: dict[int, Question] = {}
        self._outgoing.write(handshake.hello(self._outgoing.next_xid()))

    # --- for the owner of the socket ------------------------------------------------------------------------

    def receive(self, data: bytes, now_s: float) -> list[Event]:
        """Take what arrived. Never raises for what a switch says: it costs at most this session."""
        self._now_s = self.heard_s = now_s
        events: list[Event] = []
        try:
            for header, message in self._framer.feed(data):
                events += self._take(header, message)
                if self.stage is Stage.CLOSED:
                    break
        except Malformed as error:
            events += self._abort("malformed", f"the stream cannot be followed: {error}")
        return events

    def unsent(self) -> bytes:
        """What is to be written now, commands included; the session forgets it."""
        return self._outgoing.unsent(self.stage is Stage.UP)

    def tick(self, now_s: float) -> list[Event]:
        """Let time pass: ask for a sign of life, or give up."""
        self._now_s = now_s
        if self.stage is Stage.UP:
            return self._tend(now_s)
        if now_s >= self.deadline_s:
            return self._abort("handshake", f"no handshake within {self._settings.handshake_s} s")
        return []

    @property
    def deadline_s(self) -> float:
        """When `tick` is due, whatever happens."""
        if self.stage is Stage.UP:
            answers = min((question.deadline_s for question in self._questions.values()), default=inf)
            return min(self._echo_due_s, self.heard_s + self._settings.dead_after_s, answers)
        return (
            inf if self.stage in (Stage.WAITING, Stage.CLOSED) else self._began_s + self._settings.handshake_s
        )

    def close(self, reason: str) -> list[Event]:
        """End the session, for a reason on our side or because the switch has hung up."""
        was_up, self.stage = self.stage is Stage.UP, Stage.CLOSED
        self._questions.clear()
        return [SwitchDown(self.dpid, reason)] if was_up and self.dpid is not None else []

    # --- for admission --------------------------------------------------------------------------------------

    def admit(self, now_s: float) -> None:
        """The switch may use its name: configure it and ask for its ports."""
        self.stage, self._began_s = Stage.PORTS, now_s
        of, switch = self._framework.messages, self._framework.switch
        constants = self._framework.constants
        self._outgoing.say(of.OFPSetConfig(switch, constants.OFPC_FRAG_NORMAL, constants.OFPCML_NO_BUFFER))
        xid = self._outgoing.say(of.OFPPortDescStatsRequest(switch, 0))
        self._ask([(xid, b"")], self._described)

    def refuse(self, kind: str, text: str) -> list[Event]:
        """The switch may not use its name."""
        return self._abort(kind, text)

    def probe(self) -> None:
        """Ask for a sign of life now; `heard_s` tells."""
        self._outgoing.say(self._framework.messages.OFPEchoRequest(self._framework.switch, data=b""))

    # --- for the loop ---------------------------------------------------------------------------------------

    def send(self, commands: Sequence[Command]) -> None:
        """Queue commands, in order; may be called from any thread. See `Outgoing.queue`."""
        self._outgoing.queue(commands)

    # --- what the switch says -------------------------------------------------------------------------------

    def _take(self, header: Header, message: bytes) -> list[Event]:
        self.counters.received[message_name(header.type)] += 1
        if self.stage is Stage.HELLO and header.type != wire.HELLO:
            return self._abort("handshake", f"{message_name(header.type)} before HELLO")
        if header.type != wire.HELLO and header.version != OPENFLOW_13:
            self._outgoing.write(handshake.bad_version(header.xid, message))
            return self._abort(
                "malformed", f"a message of protocol version {header.version} after agreeing on 4"
            )
        heard = _HEARD.get(header.type)
        if heard is None:
            return self._drop("unwanted")
        stages, handle = heard
        if self.stage not in stages:
            return self._drop("unexpected")
        if header.type == wire.MULTIPART_REPLY and header.xid not in self._questions:
            return self._drop("unexpected")
        try:
            check(message)
            parsed = self._parse(message)
        except Malformed as error:
            return self._drop("malformed") + self._malformed(header, error)
        return handle(self, header, parsed)

    def _parse(self, message: bytes) -> Any:
        try:
            return self._framework.parse(message)
        except Exception as error:  # whatever a parser that was not written for hostile input raises
            raise Malformed(f"{type(error).__name__}: {error}") from None

    def _drop(self, why: str) -> list[Event]:
        self.counters.dropped[why] += 1
        return []

    def _malformed(self, header: Header, error: Malformed) -> list[Event]:
        text = f"{message_name(header.type)}: {error}"
        if self.stage is not Stage.UP:
            return self._abort("malformed", text)
        return [Incident("malformed", self._subject, text)]

    def _on_hello(self, header: Header, message: Any) -> list[Event]:
        why = handshake.objection(header.version, message.elements)
        if why is not None:
            self._outgoing.write(handshake.hello_failed(header.xid, why))
            return self._abort("handshake", why)
        self.stage = Stage.FEATURES
        self._outgoing.say(self._framework.messages.OFPFeaturesRequest(self._framework.switch))
        return []

    def _on_features(self, header: Header, message: Any) -> list[Event]:
        self.dpid = Dpid(message.datapath_id)
        self.auxiliary = message.auxiliary_id
        self._profile = SwitchProfile(tables=message.n_tables, buffers=message.n_buffers)
        self.stage = Stage.WAITING
        return []

    def _described(self, parts: Sequence[Sequence[Any]]) -> list[Event]:
        described = [port for entry in parts[0] if (port := decode.port(self._framework, entry)) is not None]
        self._ports = {port.number: port for port in sorted(described, key=lambda port: port.number)}
        self.stage = Stage.UP
        assert self.dpid is not None
        return [SwitchUp(self.dpid, tuple(self._ports.values()), self._profile, self.peer)]

    def _on_echo_request(self, header: Header, message: Any) -> list[Event]:
        self._outgoing.say(
            self._framework.messages.OFPEchoReply(self._framework.switch, data=message.data), header.xid
        )
        return []

    def _on_echo_reply(self, header: Header, message: Any) -> list[Event]:
        return []  # it has been heard; nothing else is wanted of it

    def _on_frame(self, header: Header, message: Any) -> list[Event]:
        port = message.match.get("in_port")
        if port is None:
            return self._drop("malformed")
        return [FrameIn(self._name, PortNo(port), bytes(message.data), message.table_id, message.cookie)]

    def _on_port(self, header: Header, message: Any) -> list[Event]:
        port = decode.port(self._framework, message.desc)
        if port is None:
            return []
        removed = message.reason == self._framework.constants.OFPPR_DELETE
        before = self._ports.pop(port.number, None)
        if not removed:
            self._ports[port.number] = port
        died = (removed or not port.live) and (before is None or before.live)
        events: list[Event] = list(self._fast_lane(port.number)) if died else []
        if removed:
            return [*events, PortRemoved(self._name, port.number)]
        return events if port == before else [*events, PortChanged(self._name, port)]

    def _fast_lane(self, port: PortNo) -> Iterator[Event]:
        """Take a dead port out of service before anything else is sent, even what was queued before."""
        commands = tuple(self._on_port_down(self._name, port))
        self._outgoing.dispatch(commands)
        if commands:
            yield FastLaneTaken(self._name, port, commands)

    def _on_barrier(self, header: Header, message: Any) -> list[Event]:
        barrier = self._outgoing.barrier(header.xid)
        if barrier is None:
            return self._drop("unexpected")
        return [BarrierDone(self._name, barrier.token)] if barrier.token else []

    def _on_answer(self, header: Header, message: Any) -> list[Event]:
        question = self._questions[header.xid]
        question.deadline_s = self._now_s + self._settings.answer_s
        try:
            events = question.take(header.xid, message)
        except TooLong as error:
            return self._abort("malformed", f"an answer of {error}")
        if header.xid not in question.awaited:
            del self._questions[header.xid]
        return events

    def _on_error(self, header: Header, message: Any) -> list[Event]:
        kind, code, text = decode.error(self._framework, message)
        question = self._questions.pop(header.xid, None)
        if self.stage is not Stage.UP:
            return self._abort("handshake", f"the switch answered with {text}")
        if question is not None:
            return question.close(header.xid)
        return [Refused(self._name, kind, code, text, self._outgoing.command(header.xid))]

    # --- what we ask ----------------------------------------------------------------------------------------

    def _sent(self, command: Command, encoded: Encoded) -> None:
        """A command is on its way: a question's answer is awaited from now on."""
        if isinstance(command, ReadProgram):
            self._ask(encoded, partial(program_read, self._framework, self._name))
        elif isinstance(command, ReadCounters):
            self._ask(encoded, partial(counters_read, self._name))

    def _ask(self, encoded: Encoded, finish: Callable[[Sequence[Sequence[Any]]], list[Event]]) -> None:
        parts: dict[int, list[Any]] = {xid: [] for xid, _ in encoded}
        deadline_s = self._now_s + self._settings.answer_s
        question = Question(finish, parts, deadline_s, self._settings.answer_entries)
        self._questions.update(dict.fromkeys(parts, question))

    # --- life and death -------------------------------------------------------------------------------------

    @property
    def _echo_due_s(self) -> float:
        return inf if self._asked_s > self.heard_s else self.heard_s + self._settings.echo_interval_s

    def _tend(self, now_s: float) -> list[Event]:
        if now_s >= self.heard_s + self._settings.dead_after_s:
            return self.close(f"silent for {now_s - self.heard_s:.1f} s")
        if any(now_s >= question.deadline_s for question in self._questions.values()):
            return self.close(f"no answer within {self._settings.answer_s} s")
        if now_s >= self._echo_due_s:
            self._asked_s = now_s
            self.probe()
        return []

    def _abort(self, kind: str, text: str) -> list[Event]:
        return [Incident(kind, self._subject, text), *self.close(text)]

    @property
    def _name(self) -> Dpid:
        assert self.dpid is not None
        return self.dpid

    @property
    def _subject(self) -> str:
        return self.peer if self.dpid is None else f"{dpid_text(self.dpid)} at {self.peer}"


_Handler = Callable[[Session, Header, Any], list[Event]]
_TALKING = frozenset(Stage) - {Stage.HELLO, Stage.CLOSED}
_UP = frozenset({Stage.UP})

_HEARD: dict[int, tuple[frozenset[Stage], _Handler]] = {
    wire.HELLO: (frozenset({Stage.HELLO}), Session._on_hello),
    wire.ERROR: (_TALKING, Session._on_error),
    wire.ECHO_REQUEST: (_TALKING, Session._on_echo_request),
    wire.ECHO_REPLY: (_TALKING, Session._on_echo_reply),
    wire.FEATURES_REPLY: (frozenset({Stage.FEATURES}), Session._on_features),
    wire.MULTIPART_REPLY: (frozenset({Stage.PORTS, Stage.UP}), Session._on_answer),
    wire.BARRIER_REPLY: (_UP, Session._on_barrier),
    wire.PORT_STATUS: (_UP, Session._on_port),
    wire.PACKET_IN: (_UP, Session._on_frame),
}
"""What is listened to, and when. Everything else is dropped before it is parsed."""

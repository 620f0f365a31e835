"""A session at some point of its life, fed whatever bytes, and what must be true of all that follows.

    at(stage) -> a session that a truthful switch has brought so far, with every question open that there is
    hear(session, pieces) -> what came of it: events, words, and whether the session has ended

`hear` is both the instrument and the judge: it fails when anything is raised, when a session ends without
saying why, says anything after its end, keeps more than a message, or answers with more than it was told.
Property tests and the fuzzer (tests/fuzz) feed it; neither judges for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from struct import unpack_from
from typing import get_args

from controller.model.command import (
    AddGroup,
    Barrier,
    DeleteGroup,
    ReadCounters,
    ReadFlowCounters,
    ReadProgram,
    SetRule,
)
from controller.model.event import Event, Incident, PortChanged, PortRemoved, SwitchDown, SwitchUp
from controller.model.flow import Bucket, FlowRule, Group, GroupKind, Output, Owner
from controller.model.identity import Dpid, PortNo
from controller.southbound import wire
from controller.southbound.framework import Framework
from controller.southbound.session import Session, Stage
from controller.southbound.settings import SouthboundSettings
from tests.southbound import switch_messages as switch

DPID = Dpid(0xA1)
NOW_S = 100.0
STAGES = (Stage.HELLO, Stage.FEATURES, Stage.WAITING, Stage.PORTS, Stage.UP)
SETTINGS = SouthboundSettings(answer_entries=5_000)
_RULE = FlowRule(0, 100, actions=(Output(1),))
_GROUP = Group(1, GroupKind.SELECT, (Bucket((Output(1),), 1),))
_ASKED = (
    SetRule(_RULE),
    AddGroup(_GROUP),
    Barrier(77),
    ReadProgram(),
    ReadCounters(),
    ReadFlowCounters(Owner.PINS, 4),
)
_EVENTS = get_args(Event)
_OWN_BYTES = 64  # the most that a session says of its own accord about one message: an error and its words
_TAIL = re.compile(r"byte \d+")


def at(framework: Framework, stage: Stage, settings: SouthboundSettings = SETTINGS) -> Session:
    """A session in this stage. When it is UP it has asked for everything and has lost no port yet."""
    session = Session(framework, settings, "192.0.2.1:4000", NOW_S, _prepared)
    steps = (
        lambda: session.receive(switch.hello(), NOW_S),
        lambda: session.receive(switch.features(DPID, tables=4), NOW_S),
        lambda: session.admit(NOW_S),
        lambda: session.receive(_described(session), NOW_S),
    )
    for step in steps[: STAGES.index(stage)]:
        step()
    assert session.stage is stage
    if stage is Stage.UP:
        session.unsent()
        session.send(_ASKED)
    return session


def _prepared(dpid: Dpid, port: PortNo) -> tuple[DeleteGroup, ...]:
    """A fast lane that does something whenever a port dies."""
    return (DeleteGroup(port & 0xFF),)


def _described(session: Session) -> bytes:
    asked = switch.split(session.unsent())[-1]
    return switch.multipart(switch.PORT_DESCRIPTION, switch.port(1) + switch.port(2), xid(asked))


def xid(message: bytes) -> int:
    """The transaction of a message."""
    return int(unpack_from("!I", message, 4)[0])


def awaited(framework: Framework, stage: Stage) -> list[tuple[int, int | None, int]]:
    """What a session in this stage has last asked for: type, kind of question, transaction."""
    said = switch.split(at(framework, stage).unsent())
    return [(message[1], switch.question(message), xid(message)) for message in said]


@dataclass(frozen=True)
class Heard:
    """What came of some bytes."""

    events: tuple[Event, ...]
    said: bytes
    stage: Stage

    @property
    def placeless(self) -> Heard:
        """The same without the places of mistakes, which are counted from where a piece begins."""
        return replace(self, events=tuple(map(_placeless, self.events)))


def _placeless(event: Event) -> Event:
    if isinstance(event, Incident):
        return replace(event, text=_TAIL.sub("byte ?", event.text))
    return (
        replace(event, reason=_TAIL.sub("byte ?", event.reason)) if isinstance(event, SwitchDown) else event
    )


def hear(session: Session, pieces: Iterable[bytes]) -> Heard:
    """Feed a session its pieces as the owner of a socket does, until they or the session end. Judges."""
    events: list[Event] = []
    said, told = session.unsent(), 0
    own_bytes = len(said)
    for piece in pieces:
        began = session.stage
        new = session.receive(piece, NOW_S)
        said += session.unsent()
        new += session.noticed()
        told += len(piece)
        _judge(began, session, new)
        events += new
        assert session._framer.pending_bytes <= wire.LONGEST_MESSAGE
        if session.stage is Stage.CLOSED:
            break
    messages = switch.split(said)  # whole ones only
    assert len(said) <= own_bytes + told + _OWN_BYTES * (1 + told // wire.HEADER_BYTES)
    assert all(message[0] == wire.VERSION for message in messages)
    return Heard(tuple(events), said, session.stage)


def _judge(began: Stage, session: Session, events: list[Event]) -> None:
    """Events are events; UP begins and ends as promised; no session ends without a word."""
    assert all(isinstance(event, _EVENTS) for event in events)
    ups = [event for event in events if isinstance(event, SwitchUp)]
    assert len(ups) <= (began is not Stage.UP)
    ended = session.stage is Stage.CLOSED
    if ended:
        assert any(isinstance(event, Incident) for event in events)
    downs = [event for event in events if isinstance(event, SwitchDown)]
    was_up = began is Stage.UP or bool(ups)
    assert downs == ([events[-1]] if ended and was_up else [])
    if began is not Stage.UP and not ups:
        assert not [each for each in events if isinstance(each, PortChanged | PortRemoved)]

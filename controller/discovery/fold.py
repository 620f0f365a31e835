"""Discovery as one function: an event and what is known give what is known then, and what is to be said.

    fold(state, event, now_s) -> (state, effects)             state.topology: the snapshot

    SwitchUp Down, PortChanged Removed    ports.py       what is alive
    BfdChanged                            silence.py     which cables carry nothing although their ports live
    FrameIn (LLDP)                        links.py       which ports are one cable
    FrameIn (others)                      sightings.py   which hosts live where
    Tick                                  here           what has become due: hellos, ageing, questions

Pure and deterministic: no clock but `now_s`, no randomness but digests of a running number, no order but a
stated one. The same events at the same times give the same frames, byte for byte. Time must not run
backwards; events that arrive out of order (a frame of a switch that has gone) are dropped and counted.

A `Tick` is needed whenever `next_due_s` has passed, also when other events keep coming: nothing else makes
time pass.

A turn costs what it changes, however large the fabric, and nothing when nothing has happened and nothing is
due. `fold_all` folds many events in one turn, and makes one snapshot for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from controller.discovery.adoption import adopt_endpoints
from controller.discovery.alarms import AlarmKey, AlarmKind
from controller.discovery.derive import derive
from controller.discovery.draft import Draft, Effects
from controller.discovery.hellos import hello
from controller.discovery.inquiries import ring
from controller.discovery.links import age
from controller.discovery.ports import bury, port_changed, port_removed, settled, switch_down, switch_up
from controller.discovery.settings import DiscoverySettings
from controller.discovery.sightings import take_frame
from controller.discovery.silence import bfd_changed
from controller.discovery.state import FabricState
from controller.discovery.watch import watch
from controller.model.event import (
    BfdChanged,
    Event,
    FrameIn,
    PortChanged,
    PortRemoved,
    SwitchDown,
    SwitchUp,
    Tick,
)
from controller.model.identity import PortRef
from controller.model.routing import Endpoint

__all__ = ["Effects", "adopt", "fold", "fold_all", "next_due_s", "start"]

NOTHING = Effects()

_MOST_ALARMS = 4096
"""A tick handles so many alarms, the oldest first; then the next one is due at once."""

_OURS = (FrameIn, PortChanged, PortRemoved, BfdChanged, SwitchUp, SwitchDown)
_AT_PORTS = {AlarmKind.SETTLED: settled, AlarmKind.HEARD: age, AlarmKind.HELLO: hello}


def start(settings: DiscoverySettings) -> FabricState:
    """A fabric of which nothing is known."""
    return FabricState(settings)


def fold(state: FabricState, event: Event, now_s: float) -> tuple[FabricState, Effects]:
    """The state after an event, at a time in seconds that is not before the last one."""
    return fold_all(state, (event,), now_s)


def fold_all(state: FabricState, events: Iterable[Event], now_s: float) -> tuple[FabricState, Effects]:
    """The same as folding one event after the other at the same moment, except that the version rises at most
    once.
    """
    news = [event for event in events if _matters(state, event, now_s)]
    if not news:
        return state, NOTHING

    def take_all(draft: Draft) -> None:
        for event in news:
            _take(draft, event)
            bury(draft)

    return _turn(state, now_s, take_all)


def adopt(state: FabricState, endpoints: Iterable[Endpoint], now_s: float) -> tuple[FabricState, Effects]:
    """The state with hosts as the rules of an earlier life have them; each is asked, and stays until proven
    absent.
    """
    found = tuple(endpoints)
    return _turn(state, now_s, lambda draft: adopt_endpoints(draft, found)) if found else (state, NOTHING)


def _turn(state: FabricState, now_s: float, rules: Callable[[Draft], None]) -> tuple[FabricState, Effects]:
    """What the rules make of the state; if they fail it is as it was."""
    draft = Draft(state, now_s)
    try:
        rules(draft)
        derive(draft)
        return draft.finish()
    except BaseException:
        draft.abandon()
        raise


def next_due_s(state: FabricState) -> float | None:
    """When the next `Tick` is needed, None for never."""
    return state.alarms.first_s


def _matters(state: FabricState, event: Event, now_s: float) -> bool:
    if isinstance(event, Tick):
        first_s = state.alarms.first_s
        return first_s is not None and first_s <= now_s
    return isinstance(event, _OURS)


def _take(draft: Draft, event: Event) -> None:
    match event:
        case FrameIn():
            take_frame(draft, event)
        case SwitchUp():
            switch_up(draft, event)
        case SwitchDown():
            switch_down(draft, event)
        case PortChanged():
            port_changed(draft, event)
        case PortRemoved():
            port_removed(draft, event)
        case BfdChanged():
            bfd_changed(draft, event)
        case Tick():
            for key in draft.due(_MOST_ALARMS):
                if draft.ring(key):
                    _ring(draft, key)
        case _:
            pass


def _ring(draft: Draft, key: AlarmKey) -> None:
    kind, subject = key
    if isinstance(subject, PortRef):
        _AT_PORTS[kind](draft, subject)
    elif kind is AlarmKind.INQUIRY:
        ring(draft, subject)
    elif isinstance(subject, int):
        watch(draft, subject)

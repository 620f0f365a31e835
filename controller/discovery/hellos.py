"""Saying hello: when a port speaks, and what is remembered of it.

    comes alive --hello--> 0.2 s --hello--> 0.3 s --> ... --> every interval
                  \\__ the series starts anew when a link is lost, when the last host leaves, and when a
                  stranger is heard

A hello costs a message out and a message in, so a port where a host lives, or should live by the blueprint,
says none: nothing that came of it would be believed. A port that carries a link speaks once an interval, all
ports of a switch at the same moment and each switch at its own: so a round of a large fabric is a steady
stream and not a burst, and what a switch is to say is one write to its session.

And there are at most `MOST_A_TURN` hellos in a turn, whatever they are said for; the others follow in the
next turns, the oldest first. Every hello comes back as an event: a controller that is slower than its fabric,
at a start perhaps, must not ask for more than it can hear, or it hears everything too late.

The nonce of a hello is the keyed digest of a running number: nobody without the key can tell the next one,
and a replay of a journal makes the same ones. Spent and forgotten nonces leave no trace; one that has come
late is known for a while longer, so that a busy controller is not mistaken for an attack.
"""

from __future__ import annotations

from functools import lru_cache

from controller.discovery.alarms import AlarmKind
from controller.discovery.derive import barred, neighbour
from controller.discovery.draft import Draft
from controller.discovery.lldp import advertise, keyed_digest
from controller.discovery.state import PortState, Sent
from controller.model.identity import PortRef
from controller.model.pacing import on_the_beat, own_moment_s

LATE_LIVES = 10
"""For so many lives of a nonce its hello is known to be late, rather than replayed."""

MOST_A_TURN = 2048
"""Half of the events that the loop takes in a turn."""

_NONCES_A_DIGEST = 4


def hello(draft: Draft, port: PortRef) -> None:
    """Speak now, and arrange for the next time. A port that is dead, barred or out of reach says nothing."""
    state = draft.ports.get(port)
    linked = neighbour(draft, port) is not None
    if state is None or port.dpid in draft.lost or (not linked and barred(draft, port)):
        hush(draft, port)
        return
    if draft.hellos_said >= MOST_A_TURN:
        draft.wake_at(draft.now_s, AlarmKind.HELLO, port)
        return
    settings = draft.settings
    nonce = _fresh_nonce(draft)
    data = advertise(settings.key, port.dpid, port.port, nonce, settings.controller_mac)
    draft.nonces.set(nonce, Sent(port, draft.now_s, data))
    draft.send(port, data)
    draft.hellos_said += 1
    if linked:
        rest(draft, port)
    elif state.hellos < len(settings.hello_repeats_s):
        draft.ports.set(port, PortState(state.live_since_s, state.hellos + 1))
        draft.wake_at(draft.now_s + settings.hello_repeats_s[state.hellos], AlarmKind.HELLO, port)
    else:
        draft.wake_at(on_the_beat(draft.now_s + settings.lldp_interval_s), AlarmKind.HELLO, port)


def hello_anew(draft: Draft, port: PortRef) -> None:
    """Speak now and start the quick series again."""
    state = draft.ports.get(port)
    if state is not None:
        draft.ports.set(port, PortState(state.live_since_s))
        hello(draft, port)


def rest(draft: Draft, port: PortRef) -> None:
    """The port has found its neighbour: it speaks next when its switch does."""
    when_s = own_moment_s(port.dpid, 0, draft.now_s, draft.settings.lldp_interval_s)
    draft.wake_at(when_s, AlarmKind.HELLO, port)


def hush(draft: Draft, port: PortRef) -> None:
    """Say nothing more."""
    draft.let_sleep(AlarmKind.HELLO, port)


def _fresh_nonce(draft: Draft) -> int:
    _forget_old_nonces(draft)
    draft.hellos_sent += 1
    block, place = divmod(draft.hellos_sent, _NONCES_A_DIGEST)
    return _nonces(draft.settings.key, block)[place]


@lru_cache(maxsize=4)
def _nonces(key: bytes, block: int) -> tuple[int, ...]:
    """The nonces that one digest gives."""
    digest = keyed_digest(key, b"nonce", block.to_bytes(8, "big"))
    return tuple(int.from_bytes(digest[start : start + 8], "big") for start in range(0, len(digest), 8))


def is_remembered(draft: Draft, sent: Sent) -> bool:
    """Whether a hello was sent so recently that it may still be told from a replayed one."""
    horizon_s = draft.now_s - LATE_LIVES * draft.settings.nonce_life_s
    return sent.at_s >= min(horizon_s, draft.looked_s)


def _forget_old_nonces(draft: Draft) -> None:
    if draft.is_time_to_sweep("nonces", LATE_LIVES * draft.settings.nonce_life_s):
        for nonce, sent in draft.nonces.items():
            if not is_remembered(draft, sent):
                draft.nonces.drop(nonce)

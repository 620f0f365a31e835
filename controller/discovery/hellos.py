"""Saying hello: when a port speaks, and what is remembered of it.

    comes alive --hello--> 0.2 s --hello--> 0.3 s --> ... --> every interval
                  \\__ the series starts anew when a link is lost, when the last host leaves, and when a
                  stranger is heard

A hello costs a message out and a message in, so a port where a host lives, or should live by the blueprint,
says none: nothing that came of it would be believed. A port that carries a link speaks once an interval.

The nonce of a hello is the keyed digest of a running number: nobody without the key can tell the next one,
and a replay of a journal makes the same ones. Spent and forgotten nonces leave no trace; one that has come
late is known for a while longer, so that a busy controller is not mistaken for an attack.
"""

from __future__ import annotations

import hmac
from dataclasses import replace

from controller.discovery.derive import barred, neighbour
from controller.discovery.draft import Draft
from controller.discovery.lldp import advertise
from controller.discovery.state import AlarmKind, Sent
from controller.model.identity import PortRef

LATE_LIVES = 10
"""For so many lives of a nonce its hello is known to be late, rather than replayed."""


def hello(draft: Draft, port: PortRef) -> None:
    """Speak now, and arrange for the next time. A port that is dead, barred or out of reach says nothing."""
    state = draft.ports.get(port)
    if state is None or port.dpid in draft.lost or barred(draft, port):
        hush(draft, port)
        return
    settings = draft.settings
    nonce = _fresh_nonce(draft)
    draft.nonces.set(nonce, Sent(port, draft.now_s))
    draft.send(port, advertise(settings.key, port.dpid, port.port, nonce, settings.controller_mac))
    if state.hellos < len(settings.hello_repeats_s) and neighbour(draft, port) is None:
        gap_s = settings.hello_repeats_s[state.hellos]
        draft.ports.set(port, replace(state, hellos=state.hellos + 1))
    else:
        gap_s = settings.lldp_interval_s
    draft.wake_at(draft.now_s + gap_s, AlarmKind.HELLO, port)


def hello_anew(draft: Draft, port: PortRef) -> None:
    """Speak now and start the quick series again."""
    state = draft.ports.get(port)
    if state is not None:
        draft.ports.set(port, replace(state, hellos=0))
        hello(draft, port)


def rest(draft: Draft, port: PortRef) -> None:
    """The port has found its neighbour: the next hello is an interval away."""
    draft.wake_at(draft.now_s + draft.settings.lldp_interval_s, AlarmKind.HELLO, port)


def hush(draft: Draft, port: PortRef) -> None:
    """Say nothing more."""
    draft.let_sleep(AlarmKind.HELLO, port)


def _fresh_nonce(draft: Draft) -> int:
    _forget_old_nonces(draft)
    draft.hellos_sent += 1
    digest = hmac.digest(draft.settings.key, b"nonce" + draft.hellos_sent.to_bytes(8, "big"), "sha256")
    return int.from_bytes(digest[:8], "big")


def _forget_old_nonces(draft: Draft) -> None:
    """They stand in the order in which they were sent, so this costs what it removes."""
    horizon_s = draft.now_s - LATE_LIVES * draft.settings.nonce_life_s
    old = []
    for nonce in draft.nonces:
        if draft.nonces[nonce].at_s >= horizon_s:
            break
        old.append(nonce)
    for nonce in old:
        draft.nonces.drop(nonce)

"""Requests and answers: one JSON object asks, one answers.

    {"do": "topology"}                            switches, links, hosts
    {"do": "hosts"}
    {"do": "rules", "switch": "s1"}               the rules of a switch, by table
    {"do": "trace", "src": "h1", "dst": "h16"}    what would happen to a packet
    {"do": "findings"}
    {"do": "status"}                              the controller in numbers
    {"do": "links"}                               each cable: state, health, load
    {"do": "protection"}                          which failures are covered, and which not and why
    {"do": "exposure", "what": "s1-s5"}           what one failure would do, and to whom
    {"do": "congestion"}                          hot links, large flows, the latest decisions
    {"do": "why", "flow": "h1-h9"}                which way flows go, since when, and why
    {"do": "history", "what": "s1-s5"}            what cables, or flows, have carried until now
    {"do": "drained"}                             what is drained, and whether traffic has left it
    {"do": "drain", "what": "s1-s5"}              not answered here: it changes something (draining.py)
    {"do": "undrain", "what": "s1-s5"}            likewise
    {"do": "fabric"}                              the same without names, to make a snapshot of
    {"do": "policy"}                              not answered here: it is in a book (policing.py)
    {"do": "policy-apply", "policy": ...}         likewise, as it changes something; and policy-confirm
    {"do": "audit"}                               not answered here: it takes a while (auditing.py)
    {"do": "events"}                              not answered here: a stream (server.py)

An answer is `{"ok": ...}` or `{"error": "one line"}`. Pure: a snapshot and a request give the same answer
each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from controller.model.errors import TreadleError
from controller.northbound.congestion import congestion, why
from controller.northbound.fabric import fabric, findings, hosts, status, topology
from controller.northbound.history import history
from controller.northbound.links import drained, links
from controller.northbound.programs import rules
from controller.northbound.protection import exposure, protection
from controller.northbound.shown import Json
from controller.northbound.surface import Snapshot
from controller.northbound.tracing import trace_between

_ANSWERS: Mapping[str, tuple[tuple[str, ...], Callable[..., Json]]] = {
    "topology": ((), topology),
    "hosts": ((), hosts),
    "fabric": ((), fabric),
    "rules": (("switch",), rules),
    "trace": (("src", "dst"), trace_between),
    "findings": ((), findings),
    "links": ((), links),
    "drained": ((), drained),
    "protection": ((), protection),
    "exposure": (("what",), exposure),
    "status": ((), status),
    "congestion": ((), congestion),
    "why": (("flow",), why),
    "history": (("what",), history),
}

AUDIT = "audit"
DRAIN = "drain"
UNDRAIN = "undrain"
EVENTS = "events"
POLICY, POLICY_APPLY, POLICY_CONFIRM = "policy", "policy-apply", "policy-confirm"
REQUESTS = (*_ANSWERS, DRAIN, UNDRAIN, POLICY, POLICY_APPLY, POLICY_CONFIRM, AUDIT, EVENTS)


def answer(snapshot: Snapshot, request: Any) -> Json:
    """The answer to a request; never raises."""
    if not isinstance(request, dict) or not isinstance(request.get("do"), str):
        return failure('a request is a JSON object with a text "do"')
    if request["do"] not in _ANSWERS:
        return failure(f"'{request['do']}' cannot be asked; what can: {', '.join(REQUESTS)}")
    wanted, respond = _ANSWERS[request["do"]]
    missing = [name for name in wanted if not isinstance(request.get(name), str)]
    if missing:
        return failure(f"'{request['do']}' needs a text \"{missing[0]}\"")
    try:
        return {"ok": respond(snapshot, *(request[name] for name in wanted))}
    except TreadleError as error:
        return failure(str(error))


def failure(problem: str) -> Json:
    """The answer to what cannot be answered."""
    return {"error": problem}

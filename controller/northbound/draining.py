"""Drains: the requests that change which way traffic goes.

    {"do": "drain", "what": "s1-s5"}                    refused where hosts would be cut off
    {"do": "drain", "what": "s1-s5", "force": true}     unless it is forced
    {"do": "undrain", "what": "s1-s5"}

The answer to a drain comes when the wish is kept, which is at once. Whether the traffic has left is asked
for as often as one likes (`drained`, in links.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controller.health.cutting import CutOff, cut_off
from controller.model.errors import OperatorError
from controller.model.health import Drains
from controller.model.topology import Host
from controller.northbound.answers import failure
from controller.northbound.names import Names
from controller.northbound.shown import Json
from controller.northbound.surface import Snapshot, Surface
from controller.northbound.targets import cable_text, target

_MOST_NAMED = 4
_FORCE = "give --force to drain it all the same: it is used until it is gone, where nothing else leads"


def drain(surface: Surface, request: Any) -> Json:
    """Let something carry no transit; what it was understood as. Never raises."""
    snapshot = surface.snapshot()
    try:
        asked = target(snapshot, _text(request, "drain"))
        if request.get("force") is not True:
            _refuse_cut_off(snapshot, asked, request["what"])
        surface.drain(asked)
    except OperatorError as error:
        return failure(str(error))
    return {"ok": {"drained": _things(snapshot, asked)}}


def undrain(surface: Surface, request: Any) -> Json:
    """Let something be used again; what that was. Never raises."""
    snapshot = surface.snapshot()
    try:
        asked, drained = target(snapshot, _text(request, "undrain")), snapshot.avoidance.drains
        freed = asked.without(asked.without(drained))
        if not freed:
            now = ", ".join(_things(snapshot, drained)) or "nothing"
            raise OperatorError(f"'{request['what']}' is not drained", mend=f"drained is {now}")
        surface.undrain(freed)
    except OperatorError as error:
        return failure(str(error))
    return {"ok": {"undrained": _things(snapshot, freed)}}


def _text(request: Any, do: str) -> str:
    what = request.get("what")
    if not isinstance(what, str):
        raise OperatorError(f"'{do}' needs a text \"what\"")
    return what


def _things(snapshot: Snapshot, asked: Drains) -> list[str]:
    names = Names(snapshot.topology, snapshot.blueprint)
    cables = [cable_text(names, cable) for cable in asked.cables]
    return cables + [names.switch(dpid) for dpid in asked.switches]


# --- who would be cut off -----------------------------------------------------------------------------------


def _refuse_cut_off(snapshot: Snapshot, asked: Drains, text: str) -> None:
    """Raise `OperatorError` where hosts would be cut off, and say which from which."""
    found = cut_off(snapshot.topology, snapshot.avoidance.drains, asked)
    if found:
        reason = "; ".join(_reasons(Names(snapshot.topology, snapshot.blueprint), found))
        raise OperatorError(f"draining {text} would cut hosts off: {reason}", mend=_FORCE)


def _reasons(names: Names, found: CutOff) -> Iterable[str]:
    if found.residents:
        yield f"{_hosts(names, found.residents)} {'live' if len(found.residents) > 1 else 'lives'} there"
    for lost, others in found.severed:
        yield f"{_hosts(names, lost)} from {_hosts(names, others)}"


def _hosts(names: Names, hosts: tuple[Host, ...]) -> str:
    """`h1, h2 and 3 more`"""
    shown = [names.host(host) for host in hosts[:_MOST_NAMED]]
    more = [f"{len(hosts) - len(shown)} more"] if len(hosts) > len(shown) else []
    *first, last = shown + more
    return f"{', '.join(first)} and {last}" if first else last

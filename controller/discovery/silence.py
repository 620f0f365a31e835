"""Silence: cables that no longer carry although their ports are alive, as BFD tells (RFC 5880).

A port says at once when its carrier is gone. A cable that drops everything, perhaps in one direction only,
says nothing; LLDP misses it after a while. Where switches run BFD with each other it is known after three
intervals, at both ends, whichever direction is gone: so a session that goes down takes the link away in both
directions, as a dead port does, and the link is back as soon as the sessions of both ends are up.

    (none) --up--> up <--> down --> (none)          far: the neighbour that the session runs with

Only a session that has been up can go down. One that never came up (the far end may have none) is no
evidence, and neither is silence about sessions: whoever tells of them may be out of reach.

What a session says, it says of one cable. So with it is remembered whose hellos the port heard then: a port
that is plugged in elsewhere has a new cable, which is a link before anybody has set up BFD on it. What is
heard by LLDP stays heard meanwhile, and is confirmed at once when the session is back.
"""

from __future__ import annotations

from controller.discovery.derive import neighbour
from controller.discovery.draft import Draft
from controller.discovery.hellos import hello_anew
from controller.discovery.state import BfdSession, FabricState
from controller.model.event import BfdChanged
from controller.model.finding import Severity
from controller.model.identity import PortRef


def bfd_changed(draft: Draft, event: BfdChanged) -> None:
    """A session has come up, has gone down, or is there no longer."""
    at, before = event.at, draft.bfd.get(event.at)
    heard = draft.heard.get(at)
    far = heard.source if heard is not None else before.far if before is not None else None
    draft.touched_ports |= {end for end in (at, far, before.far if before else None) if end is not None}
    if event.up is None:
        draft.bfd.drop(at)
    elif event.up:
        draft.bfd.set(at, BfdSession(True, far))
    else:
        if far is not None and neighbour(draft, at) == far:
            _tell_silent(draft, at, far, event.diagnostic)
        draft.bfd.set(at, BfdSession(False, far))
        draft.unvouched |= {end.dpid for end in (at, far) if end is not None}
    if event.up is not False and neighbour(draft, at) is None:
        hello_anew(draft, at)


def sessions(state: FabricState) -> dict[PortRef, bool]:
    """Whether they are up, for all ports that have one."""
    return {at: session.up for at, session in state.bfd.items()}


def _tell_silent(draft: Draft, at: PortRef, far: PortRef, diagnostic: str) -> None:
    evidence = f"the BFD session with {far} went down ({diagnostic or 'no diagnostic'}), the port is alive"
    advice = "look at this cable: it has carried nothing for a moment, perhaps in one direction only"
    draft.find(Severity.WARNING, "link-silent", str(at), evidence, advice)

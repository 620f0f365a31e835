"""What can be drained, as it is typed: a switch, a cable, or all cables between two switches.

    s3          the switch
    s1-s5       every cable between the two, by either order
    s1:3        the cable at this port
    s1:3-s5:1   the cable between these ports

Switches go by name, or by their identifier. A cable counts as known when it is there, when the blueprint has
it, or when it is drained: what is down can be drained before it comes back, and undrained when it never will.
What is not known is an `OperatorError` that names the nearest thing that is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from controller.model.errors import OperatorError
from controller.model.health import Drains, Ends, drains, ends_of
from controller.model.identity import Dpid, PortNo, PortRef
from controller.northbound.names import Names
from controller.northbound.surface import Snapshot

_FORMS = "a switch (s1), a cable (s1-s5), or the cable at a port (s1:3)"


def target(snapshot: Snapshot, text: str) -> Drains:
    """The switch or the cables that were typed. Raises `OperatorError`."""
    names, cables = Names(snapshot.topology, snapshot.blueprint), known_cables(snapshot)
    dpid = _switch(names, text)
    if dpid is not None:
        return drains(switches=[dpid])
    for ends in _places(names, text):
        found = [cable for cable in cables if _fits(cable, ends)]
        if found:
            return drains(found)
    raise OperatorError(f"there is no switch and no cable '{text}'", mend=_nearest(names, cables, text))


def known_cables(snapshot: Snapshot) -> list[Ends]:
    """The cables that are there, planned, remembered or drained, sorted."""
    wired = (snapshot.topology.peer, snapshot.blueprint.peer if snapshot.blueprint else {})
    cables = {ends_of(end, far) for peer in wired for end, far in peer.items()}
    return sorted(cables.union(snapshot.avoidance.drains.cables, snapshot.health))


def cable_text(names: Names, cable: Ends) -> str:
    """`s1:3-s5:1`"""
    return f"{names.port(cable[0])}-{names.port(cable[1])}"


_Place = tuple[Dpid, PortNo | None]
"""A switch, or a port of it."""


def _places(names: Names, text: str) -> Iterator[tuple[_Place, ...]]:
    """The ends that a text may mean, one or two; a name may hold a hyphen itself."""
    whole = _place(names, text)
    if whole is not None and whole[1] is not None:
        yield (whole,)
    for at in (at for at, letter in enumerate(text) if letter == "-"):
        one, other = _place(names, text[:at]), _place(names, text[at + 1 :])
        if one is not None and other is not None:
            yield (one, other)


def _place(names: Names, text: str) -> _Place | None:
    dpid = _switch(names, text)
    if dpid is not None:
        return dpid, None
    name, colon, port = text.rpartition(":")
    dpid = _switch(names, name) if colon and port.isdecimal() else None
    return None if dpid is None else (dpid, PortNo(int(port)))


def _switch(names: Names, text: str) -> Dpid | None:
    try:
        return names.find_switch(text.strip())
    except OperatorError:
        return None


def _fits(cable: Ends, ends: tuple[_Place, ...]) -> bool:
    if len(ends) == 1:
        return any(_is_at(end, ends[0]) for end in cable)
    one, other = ends
    return any(_is_at(a, one) and _is_at(b, other) for a, b in (cable, cable[::-1]))


def _is_at(end: PortRef, place: _Place) -> bool:
    return end.dpid == place[0] and place[1] in (None, end.port)


def _nearest(names: Names, cables: list[Ends], text: str) -> str:
    """Of cables the near ones by the names of their switches, and by their ports."""
    words = [names.switch(dpid) for dpid in names.topology.switch_by_dpid]
    for cable in cables:
        one, other = (names.switch(end.dpid) for end in cable)
        words += [f"{one}-{other}", f"{other}-{one}", names.port(cable[0]), names.port(cable[1])]
    near = difflib.get_close_matches(text, list(dict.fromkeys(words)), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else f"give {_FORMS}"

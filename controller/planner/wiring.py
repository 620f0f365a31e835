"""Where the actions of a rule send packets, given what is plugged in where.

An `Outlet` is what rules say: ports, and groups of buckets that watch ports. A group with a detour is its
first port while that has a link, and the detour afterwards, which counts as a way out of the fabric: who is
marked arrives, whatever the routes are meanwhile (graph/detour_search.py). A `Way` is what it means in a
given wiring: the switches that come next, the ports by which packets leave the fabric, and whether some of
them are lost. A port without a far end leaves the fabric; a bucket that watches such a port is taken for dead
when another bucket of its group has a link. Handing to the controller counts as lost: nobody is delivered by
it.

A switch's links change seldom, and many switches have the same far ends behind the same ports. So far ends
are kept for as long as the links are the same object, equal ones are one object, and an outlet remembers its
way for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from controller.dataplane.remembered import Remembered
from controller.model.flow import Action, Bucket, Group, GroupKind, Output, ReservedPort, SetField, ToGroup
from controller.model.identity import Dpid, PortRef
from controller.model.topology import Link
from controller.planner.turns import Look, Turn


class Way(NamedTuple):
    """Where packets go: a mask of switches, ports that leave the fabric, and whether some are lost."""

    switches: int
    leaves_by: frozenset[int]
    loses: bool


_NO_PORTS: frozenset[int] = frozenset()
LOST = Way(0, _NO_PORTS, True)

Far = Mapping[int, int]
"""The far end of each port of a switch that has a link, as the bit of its switch, or 0 for one that takes no
part."""

Links = Mapping[Dpid, Sequence[Link]]

_KEEP = 4
"""How many times as many far ends as switches are kept."""


class Numbering:
    """Numbers for switches, in the order of their identifiers, and the far ends of their ports."""

    def __init__(self, dpids: tuple[Dpid, ...]) -> None:
        self.dpids: Final = dpids
        self.number: Final = {dpid: place for place, dpid in enumerate(dpids)}
        self._bit = {dpid: 1 << place for place, dpid in enumerate(dpids)}
        self._links: list[Sequence[Link] | None] = [None] * len(dpids)
        self._far: list[Far] = [{}] * len(dpids)
        self._alike: dict[tuple[tuple[int, int], ...], Far] = {}

    def far(self, switch: int, links: Links) -> Far:
        """The far ends of a switch; equal ones are the same object."""
        mine = links.get(self.dpids[switch])
        if mine is not self._links[switch]:
            ends = tuple([(link.src.port, self._bit.get(link.dst.dpid, 0)) for link in mine or ()])
            if len(self._alike) > _KEEP * len(self.dpids):
                self._alike.clear()
            self._links[switch] = mine
            self._far[switch] = self._alike.setdefault(ends, dict(ends))
        return self._far[switch]


@lru_cache(maxsize=4)
def numbering(dpids: tuple[Dpid, ...]) -> Numbering:
    """The same numbering for the same switches, which are sorted: from plan to plan they mostly are."""
    return Numbering(dpids)


def links_of(peer: Mapping[PortRef, PortRef]) -> Links:
    """The links by switch, from the far end of each port."""
    links: dict[Dpid, list[Link]] = {}
    for here, there in peer.items():
        links.setdefault(here.dpid, []).append(Link(here, there))
    return links


class Outlet:
    """Actions that forward: output to ports, and groups with what is in their buckets."""

    __slots__ = ("_groups", "_known", "_outputs")

    def __init__(self, outputs: tuple[int, ...], groups: tuple[Choice, ...]) -> None:
        self._outputs = outputs
        self._groups = groups
        self._known: dict[int, tuple[Far, Way, Look]] = {}

    def way(self, far: Far) -> Way:
        """Where these actions send packets on a switch with these far ends."""
        known = self._known.get(id(far))
        return (known or self._meet(far))[1]

    def look(self, far: Far) -> Look:
        """The look at such a switch, where nothing changes."""
        known = self._known.get(id(far))
        return (known or self._meet(far))[2]

    def _meet(self, far: Far) -> tuple[Far, Way, Look]:
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        way = _way(self._outputs, self._groups, far)
        found = self._known[id(far)] = far, way, unchanged(way)  # which keeps the number of `far` its own
        return found


_MOST_KNOWN = 1 << 14


class Choice(NamedTuple):
    """The buckets of a group. `ports` when each does nothing but output to the port that it watches; then
    they say it all. `detour` for a group of which only the first bucket that lives counts.
    """

    ports: tuple[int, ...]
    buckets: tuple[Bucket, ...]
    detour: bool = False


DETOUR = -1
"""The port by which packets on a detour leave, as far as routes are concerned."""


def _choice(group: Group) -> Choice:
    """The buckets, each once: to packets it is all the same how often one is there, and in which order."""
    buckets = dict.fromkeys(group.buckets)
    if group.kind is GroupKind.FAST_FAILOVER:
        return Choice((), tuple(buckets), detour=True)
    ports = []
    for bucket in buckets:
        action = bucket.actions[0] if len(bucket.actions) == 1 else None
        if not isinstance(action, Output) or action.port != bucket.watch_port:
            return Choice((), tuple(buckets))
        ports.append(action.port)
    return Choice(tuple(sorted(set(ports))), tuple(buckets))


def _of_group(group: Group) -> Outlet:
    choice = _choice(group)
    return _port_choice(choice.ports) if choice.ports else Outlet((), (choice,))


@lru_cache(maxsize=4096)
def _port_choice(ports: tuple[int, ...]) -> Outlet:
    """The outlet of a group with a bucket for each of these ports."""
    return Outlet((), (Choice(ports, tuple([Bucket((Output(port),), 1, port) for port in ports])),))


_group_outlet: Remembered[Group, Outlet] = Remembered(_of_group)
_NOWHERE = Outlet((), (Choice((), ()),))


@lru_cache(maxsize=4096)
def _port_outlet(port: int) -> Outlet:
    return Outlet((port,), ())


def outlet_of(actions: tuple[Action, ...], groups: Mapping[int, Group]) -> Outlet:
    """The outlet of a rule's actions on a switch with these groups; a group that is not there has no
    buckets. The outlets of one port, or of groups with the same ports, are the same object.
    """
    if len(actions) == 1:
        action = actions[0]
        if isinstance(action, Output):
            return _port_outlet(action.port)
        if isinstance(action, ToGroup):
            group = groups.get(action.group_id)
            return _group_outlet(group) if group else _NOWHERE
    outputs = tuple([action.port for action in actions if isinstance(action, Output)])
    named = [groups.get(action.group_id) for action in actions if isinstance(action, ToGroup)]
    return Outlet(outputs, tuple([_choice(group) if group else Choice((), ()) for group in named]))


def unchanged(way: Way) -> Look:
    """The look at a switch at which nothing changes."""
    return Look(Turn(way.switches, way.switches, way.loses, way.loses, way.loses, False))


def turn_between(before: Way, after: Way) -> Turn:
    """The turn of a switch that goes from one way to another."""
    unsure = before.loses or before.leaves_by != after.leaves_by
    return Turn(before.switches, after.switches, before.loses, unsure, after.loses, before != after)


def together(ways: Iterable[Way]) -> Way:
    """All that packets may meet which go one of these ways."""
    switches, leaves_by, loses = 0, _NO_PORTS, False
    for way in ways:
        switches |= way.switches
        leaves_by |= way.leaves_by
        loses = loses or way.loses
    return Way(switches, leaves_by, loses)


def _way(outputs: tuple[int, ...], groups: tuple[Choice, ...], far: Far) -> Way:
    if len(groups) == 1 and groups[0].ports and not outputs:
        alive = [far[port] for port in groups[0].ports if port in far]
        if alive:
            switches = 0
            for behind in alive:
                switches |= behind
            return Way(switches, _NO_PORTS, 0 in alive)
    draft = _Draft(far)
    for port in outputs:
        draft.output(port)
    for choice in groups:
        if choice.detour:
            draft.first_alive(choice.buckets)
        else:
            draft.buckets(choice.buckets)
    return draft.finish()


class _Draft:
    """A way in the making."""

    def __init__(self, far: Far) -> None:
        self.far = far
        self.switches = 0
        self.leaves_by: set[int] = set()
        self.loses = False

    def output(self, port: int) -> None:
        behind = self.far.get(port)
        if behind is not None:
            self.switches |= behind
            self.loses = self.loses or not behind
        elif ReservedPort.IN_PORT <= port != ReservedPort.LOCAL:
            self.loses = True
        else:
            self.leaves_by.add(port)

    def buckets(self, buckets: tuple[Bucket, ...]) -> None:
        """Each bucket in turn; those that watch a port without a link count only when no other watches one
        with a link.
        """
        far = self.far
        alive = [bucket for bucket in buckets if bucket.watch_port is None or bucket.watch_port in far]
        spared = any(bucket.watch_port is not None for bucket in alive)
        said = alive if spared else buckets
        self.loses = self.loses or not said
        for bucket in said:
            outputs = [action.port for action in bucket.actions if isinstance(action, Output)]
            self.loses = self.loses or not outputs
            for port in outputs:
                self.output(port)

    def first_alive(self, buckets: tuple[Bucket, ...]) -> None:
        """The first bucket that watches a port with a link; that of a detour marks what it sends."""
        for bucket in buckets:
            if bucket.watch_port in self.far:
                if any(isinstance(action, SetField) for action in bucket.actions):
                    self.leaves_by.add(DETOUR)
                else:
                    self.buckets((bucket,))
                return
        self.loses = True

    def finish(self) -> Way:
        nowhere = not self.switches and not self.leaves_by
        return Way(self.switches, frozenset(self.leaves_by), self.loses or nowhere)

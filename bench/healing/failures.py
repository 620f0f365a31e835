"""What dies, and how it is mended: values that know which ports a flow must use to be hurt.

Cut       a cable: carrier gone, because one of its ends (by turns) is taken down
Silence   one direction of a cable: packets vanish, the carrier stays
Death     a whole switch that has no hosts
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bench.healing.subject import LabSubject, Subject
from controller.model.blueprint import Blueprint, Cable
from controller.model.errors import OperatorError
from controller.model.identity import PortRef
from mininet_scenarios.faults import End, Fault
from mininet_scenarios.lab import Lab


class Failure(Protocol):
    """Something that dies and comes back."""

    @property
    def name(self) -> str: ...
    def victims(self, blueprint: Blueprint) -> tuple[frozenset[PortRef], ...]:
        """Sets of ports: of each, flows are wanted that leave through one of its ports."""

    def strike(self, subject: Subject) -> Fault: ...
    def mend(self, subject: Subject) -> Fault: ...


@dataclass(frozen=True, slots=True)
class Cut:
    """A cable between switches `a` and `b` loses its carrier, because its end `at` goes down."""

    cable: Cable
    a: str
    b: str
    at: End

    @property
    def name(self) -> str:
        return f"{self.a}-{self.b}"

    def victims(self, blueprint: Blueprint) -> tuple[frozenset[PortRef], ...]:
        return frozenset({self.cable.a}), frozenset({self.cable.b})

    def strike(self, subject: Subject) -> Fault:
        return subject.cut(self.a, self.b, self.at)

    def mend(self, subject: Subject) -> Fault:
        return subject.restore(self.a, self.b)


@dataclass(frozen=True, slots=True)
class Silence:
    """All packets from `a` to `b` vanish on the cable; what `b` sends still arrives."""

    cable: Cable
    a: str
    b: str

    @property
    def name(self) -> str:
        return f"{self.a}>{self.b}"

    def victims(self, blueprint: Blueprint) -> tuple[frozenset[PortRef], ...]:
        return frozenset({self.cable.a}), frozenset({self.cable.b})

    def strike(self, subject: Subject) -> Fault:
        return _lab(subject).silence(self.a, self.b, "a_to_b")

    def mend(self, subject: Subject) -> Fault:
        return _lab(subject).unsilence(self.a, self.b)


def _lab(subject: Subject) -> Lab:
    if not isinstance(subject, LabSubject):
        raise OperatorError("this fabric cannot lose packets in silence")
    return subject.lab


@dataclass(frozen=True, slots=True)
class Death:
    """A switch loses power."""

    switch: str

    @property
    def name(self) -> str:
        return self.switch

    def victims(self, blueprint: Blueprint) -> tuple[frozenset[PortRef], ...]:
        dpid = blueprint.switch_by_name[self.switch].dpid
        return tuple(frozenset({end}) for end in sorted(blueprint.peer) if end.dpid == dpid)

    def strike(self, subject: Subject) -> Fault:
        return subject.kill_switch(self.switch)

    def mend(self, subject: Subject) -> Fault:
        return subject.restart_switch(self.switch)


def cuts(blueprint: Blueprint) -> tuple[Failure, ...]:
    """Every cable between switches, half of them taken down at their lower end, half at the other."""
    ends: Sequence[End] = ("a", "b")
    return tuple(Cut(cable, *_names(blueprint, cable), ends[_colour(cable)]) for cable in blueprint.cables)


def silences(blueprint: Blueprint) -> tuple[Failure, ...]:
    """Every cable, dead in one direction: half of them upwards, half downwards."""
    found: list[Failure] = []
    for cable in blueprint.cables:
        a, b = _names(blueprint, cable)
        found.append(Silence(cable, *((b, a) if _colour(cable) else (a, b))))
    return tuple(found)


def _colour(cable: Cable) -> int:
    """0 or 1, as on a chessboard: at each switch both occur, and so they do at each tier."""
    return (cable.a.port + cable.b.port) % 2


def deaths(blueprint: Blueprint) -> tuple[Failure, ...]:
    """Every switch without hosts: aggregation, core, spine."""
    with_hosts = {host.at.dpid for host in blueprint.hosts}
    return tuple(Death(switch.name) for switch in blueprint.switches if switch.dpid not in with_hosts)


def spread_out(failures: Sequence[Failure], most: int | None) -> tuple[Failure, ...]:
    """All of them; the first `most` are spread evenly over the fabric. The same at every call."""
    if most is None or most >= len(failures):
        return tuple(failures)
    first = [failures[number * len(failures) // most] for number in range(most)]
    return (*first, *(each for each in failures if each not in first))


def _names(blueprint: Blueprint, cable: Cable) -> tuple[str, str]:
    a, b = (blueprint.switch_by_dpid[end.dpid].name for end in (cable.a, cable.b))
    return a, b

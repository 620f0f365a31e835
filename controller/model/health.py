"""How well a cable does, beside whether it is there; and what an operator wants left alone.

A link of a topology is there or it is not. That says too little: one that comes and goes is there half of the
time and of no use, and one that is to be unplugged is of no use although it never did better. So a cable has
a *health*, kept beside the snapshot and keyed by its two ends. It is not part of the snapshot's identity: a
penalty that fades makes no new topology, and nobody has to look at the fabric for it.

`LinkHealth` holds what is known of a cable's past; what will be measured of it one day (the share of packets
that it loses) has its place there. `Drains` are the operator's: they have no reason that a controller could
see, and end when the operator says so. What follows from both is worked out in controller/health.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from controller.model.identity import Dpid, PortRef

Ends = tuple[PortRef, PortRef]
"""A cable by its two ends, the smaller first: health is of the cable, not of one direction of it."""


def ends_of(one: PortRef, other: PortRef) -> Ends:
    """The cable between two ports."""
    return (one, other) if one < other else (other, one)


def ends_text(cable: Ends) -> str:
    """`0000000000000001:3 - 0000000000000005:1`"""
    return f"{cable[0]} - {cable[1]}"


@dataclass(frozen=True, slots=True)
class LinkHealth:
    """What a cable has been through lately.

    `up`: whether it carries a link. `penalty`: RFC 2439's figure of merit, as it was at `at_s`; it fades from
    then on. `downs`: how often it went down since it was last well. `suppressed_until_s`: until then no route
    leads over it; None while it may be used.
    """

    up: bool = True
    penalty: float = 0.0
    at_s: float = 0.0
    downs: int = 0
    suppressed_until_s: float | None = None


HEALTHY = LinkHealth()


@dataclass(frozen=True, slots=True)
class Drains:
    """The cables and the switches that are to carry no transit, each once, in the order in which that was
    asked for. Make it with `drains`."""

    cables: tuple[Ends, ...] = ()
    switches: tuple[Dpid, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.cables or self.switches)

    def with_more(self, more: Drains) -> Drains:
        """These, and those."""
        return drains((*self.cables, *more.cables), (*self.switches, *more.switches))

    def without(self, less: Drains) -> Drains:
        """These, but not those."""
        return Drains(
            tuple(cable for cable in self.cables if cable not in less.cables),
            tuple(dpid for dpid in self.switches if dpid not in less.switches),
        )


def drains(cables: Iterable[Ends] = (), switches: Iterable[Dpid] = ()) -> Drains:
    """`Drains` of these; what comes twice counts where it comes first."""
    return Drains(tuple(dict.fromkeys(cables)), tuple(dict.fromkeys(switches)))

"""Where a packet finally goes: the lookups of all switches, put one behind the other.

    enter at a port -> lookup -> leave by a port -> far end of the link -> lookup -> ... -> disposition

A trace follows every alternative that an equal-cost group leaves open, or, with `choose`, the one that a hash
would take. It never raises: a program that loops or loses packets has a trace that says so, and law tests ask
for exactly that. Alternatives that meet again are looked at once, so a trace costs the number of different
(port, packet) pairs, not the number of paths.

The member's docstring is the definition; the idea of ending every inquiry in one of a few named fates is
Batfish's `FlowDisposition`.

Left out: time, rates and queues; and the output to all ports (`ReservedPort.ALL`) reaches only ports with a
link, because a program does not say which other ports there are.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from controller.dataplane.lookup import Choose, Dropped, Met, Outcome, Reason, lookup
from controller.model.flow import Field, ReservedPort
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.packet import Packet
from controller.model.program import EMPTY_PROGRAM, FabricProgram


class Disposition(Enum):
    """What finally happened to a packet, or to one of its alternatives."""

    DELIVERED = "delivered"
    """It left by a port that is alive and carries no link: to a host, or to whatever else is plugged in
    there.
    """

    DENIED = "denied"
    """It met a rule that lets nothing out: an explicit drop, an empty bucket, or a router's rule when its TTL
    had run out.
    """

    NO_RULE = "no rule"
    """In some table no rule matched, and nothing had left before."""

    LOOP = "loop"
    """It came to a port at which it had been before, with the same header but for the TTL."""

    BLACKHOLE = "black hole"
    """A rule forwarded it and it got nowhere: by a dead port, by its port of entry, to a group without live
    bucket, to no group.
    """

    TO_CONTROLLER = "to controller"
    """A copy went to the controller."""


_FATE: dict[Reason, Disposition] = {
    Reason.NO_RULE: Disposition.NO_RULE,
    Reason.DENIED: Disposition.DENIED,
    Reason.TTL: Disposition.DENIED,
    Reason.NO_GROUP: Disposition.BLACKHOLE,
    Reason.NO_LIVE_BUCKET: Disposition.BLACKHOLE,
    Reason.INGRESS: Disposition.BLACKHOLE,
}


@dataclass(frozen=True, slots=True)
class Branch:
    """One way out of a hop.

    Either it goes on to the hop with number `next_hop`, or it ends there with `disposition` (exactly one of
    the two is not None). `out` is the port it left by; `rewritten` are the fields that the switch changed;
    `weight` of `total` is the branch's share in its SELECT group."""

    out: PortRef | None
    packet: Packet
    rewritten: tuple[tuple[Field, int], ...]
    groups: tuple[int, ...]
    weight: int
    total: int
    disposition: Disposition | None
    next_hop: int | None


@dataclass(frozen=True, slots=True)
class Hop:
    """A packet at a switch: where it came in, the rules it met in table order, and the ways it left."""

    at: PortRef
    packet: Packet
    met: tuple[Met, ...]
    branches: tuple[Branch, ...]


Path = tuple[tuple[Hop, Branch], ...]
"""One alternative from entry to end; the last branch has the disposition."""


@dataclass(frozen=True)
class Trace:
    """The hops of a packet, the first one first; branches refer to later ones by their number."""

    hops: tuple[Hop, ...]

    @cached_property
    def ends(self) -> frozenset[tuple[Disposition, PortRef]]:
        """How and where the alternatives ended: the port they left by last, or the port at which they were
        dropped.
        """
        return frozenset(
            (branch.disposition, branch.out or hop.at)
            for hop in self.hops
            for branch in hop.branches
            if branch.disposition is not None
        )

    @property
    def dispositions(self) -> frozenset[Disposition]:
        """All that may happen to the packet."""
        return frozenset(disposition for disposition, _ in self.ends)

    @property
    def delivered_at(self) -> frozenset[PortRef]:
        """The ports by which it may leave the fabric."""
        return frozenset(at for disposition, at in self.ends if disposition is Disposition.DELIVERED)

    @property
    def always_delivered(self) -> bool:
        """Whether every alternative ends in delivery."""
        return self.dispositions == {Disposition.DELIVERED}

    @property
    def paths(self) -> Iterator[Path]:
        """Every alternative in turn, in the order of buckets. There may be very many of them."""
        return self._paths_from(0)

    def _paths_from(self, number: int) -> Iterator[Path]:
        hop = self.hops[number]
        for branch in hop.branches:
            if branch.next_hop is None:
                yield ((hop, branch),)
            else:
                for rest in self._paths_from(branch.next_hop):
                    yield ((hop, branch), *rest)


def trace(
    program: FabricProgram,
    peer: Mapping[PortRef, PortRef],
    packet: Packet,
    at: PortRef,
    *,
    dead: AbstractSet[PortRef] = frozenset(),
    choose: Choose | None = None,
) -> Trace:
    """The trace of a packet that enters the fabric at port `at`.

    `peer` maps each port that carries a link to its far end; `dead` are ports that are down, with or without
    a link."""
    return _Tracer(program, peer, dead, choose).trace(at, packet)


_State = tuple[PortRef, Packet]


class _Tracer:
    """Depth-first search over (port, packet); explicit, so that no fabric is too deep for it."""

    def __init__(
        self,
        program: FabricProgram,
        peer: Mapping[PortRef, PortRef],
        dead: AbstractSet[PortRef],
        choose: Choose | None,
    ) -> None:
        self.program = program
        self.peer = peer
        self.choose = choose
        self.dead = dead
        self.dead_of: dict[Dpid, set[int]] = {}
        for end in dead:
            self.dead_of.setdefault(end.dpid, set()).add(end.port)
        self.number: dict[_State, int] = {}

    def trace(self, at: PortRef, packet: Packet) -> Trace:
        drafts: list[_Draft] = []
        on_the_way: set[tuple[PortRef, tuple[tuple[Field, int], ...]]] = set()
        stack = [self._enter(at, packet, drafts)]
        on_the_way.add(stack[0].place)
        while stack:
            draft = stack[-1]
            if draft.todo == len(draft.outcomes):
                on_the_way.discard(draft.place)
                stack.pop()
                continue
            out, copy, outcome = draft.outcomes[draft.todo]
            draft.todo += 1
            fate, far = self._crossing(out, outcome)
            if far is None:
                draft.add(out, copy, outcome, fate, None)
            elif (far, copy.fields) in on_the_way:
                draft.add(out, copy, outcome, Disposition.LOOP, None)
            elif (known := self.number.get((far, copy))) is not None:
                draft.add(out, copy, outcome, None, known)
            else:
                following = self._enter(far, copy, drafts)
                draft.add(out, copy, outcome, None, following.number)
                on_the_way.add(following.place)
                stack.append(following)
        return Trace(tuple(draft.finish() for draft in drafts))

    def _enter(self, at: PortRef, packet: Packet, drafts: list[_Draft]) -> _Draft:
        verdict = lookup(
            self.program.get(at.dpid, EMPTY_PROGRAM),
            packet,
            at.port,
            dead=self.dead_of.get(at.dpid, ()),
            choose=self.choose,
        )
        draft = _Draft(len(drafts), at, packet, verdict.met, [*self._copies(at, packet, verdict.outcomes)])
        self.number[at, packet] = draft.number
        drafts.append(draft)
        return draft

    def _copies(
        self, at: PortRef, packet: Packet, outcomes: tuple[Outcome, ...]
    ) -> Iterator[tuple[PortRef | None, Packet, Outcome]]:
        for outcome in outcomes:
            if isinstance(outcome, Dropped):
                yield None, packet, outcome
            elif outcome.port == ReservedPort.ALL:
                for end in sorted(end for end in self.peer if end.dpid == at.dpid and end != at):
                    yield end, outcome.packet, outcome
            else:
                yield PortRef(at.dpid, PortNo(outcome.port)), outcome.packet, outcome

    def _crossing(self, out: PortRef | None, outcome: Outcome) -> tuple[Disposition | None, PortRef | None]:
        """What becomes of a copy: its fate, or the port at which it comes in next."""
        if isinstance(outcome, Dropped):
            return _FATE[outcome.reason], None
        assert out is not None
        if int(out.port) == ReservedPort.CONTROLLER:
            return Disposition.TO_CONTROLLER, None
        if out in self.dead:
            return Disposition.BLACKHOLE, None
        far = self.peer.get(out)
        return (Disposition.DELIVERED, None) if far is None else (None, far)


class _Draft:
    """A hop whose branches are still being followed."""

    def __init__(
        self,
        number: int,
        at: PortRef,
        packet: Packet,
        met: tuple[Met, ...],
        outcomes: list[tuple[PortRef | None, Packet, Outcome]],
    ) -> None:
        self.number = number
        self.at = at
        self.packet = packet
        self.met = met
        self.outcomes = outcomes
        self.todo = 0
        self.branches: list[Branch] = []

    @property
    def place(self) -> tuple[PortRef, tuple[tuple[Field, int], ...]]:
        """What makes a loop when it comes again: the port and the header without its TTL."""
        return self.at, self.packet.fields

    def add(
        self,
        out: PortRef | None,
        copy: Packet,
        outcome: Outcome,
        fate: Disposition | None,
        next_hop: int | None,
    ) -> None:
        weight, total = (1, 1) if isinstance(outcome, Dropped) else (outcome.weight, outcome.total)
        changed = () if copy.fields is self.packet.fields else _changes(self.packet, copy)
        self.branches.append(Branch(out, copy, changed, outcome.groups, weight, total, fate, next_hop))

    def finish(self) -> Hop:
        return Hop(self.at, self.packet, self.met, tuple(self.branches))


def _changes(before: Packet, after: Packet) -> tuple[tuple[Field, int], ...]:
    old = dict(before.fields)
    return tuple((changed, value) for changed, value in after.fields if old.get(changed) != value)

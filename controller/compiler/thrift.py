"""Thrift: the routes of a switch with fewer rules, fewer groups, or none.

A switch that has little room is given less choice. The next hops of an owner are equal in cost and each
strictly nearer, so any part of them that is not empty leads to the same place without a circle. Thrift picks
the parts so that many owners are treated alike: what is alike aggregates (compiler/aggregate.py).

    owners   next hops        thrifty
    e1, e2   {1, 2, 3, 4}     {1, 2, 3}      one class, one group
    e3       {1, 2, 3}        {1, 2, 3}
    e4       {4}              {4}

Choices are taken from the commonest to the rarest; each joins the class with which it has most in common,
which shrinks to that, or begins a class of its own. The number of classes is small, if not always the
smallest (that would be a set cover), and common ones stay wide. Then groups are counted: the commonest
classes keep one each, as many as fit; the others go by one port, by one that others go by already if they
can.

And there are no detours: they take groups, and rules of their own.

And what nobody has is not looked for any longer: a packet for an unknown address of this switch is dropped
and not handed to the controller.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from math import gcd, inf

from controller.dataplane.pipeline import Table
from controller.model.flow import Group
from controller.model.identity import PortNo
from controller.model.limits import Limits, failovers
from controller.model.routing import UNREACHABLE, NextHops, next_hops

Hops = NextHops | None
"""What a switch does for an owner: next hops, or None where it is the owner itself."""


def thrifty(hops: Sequence[Hops], limits: Limits, turn: int) -> tuple[Hops, ...]:
    """The same routes with less choice: a part of each entry's next hops, empty only where they are.

    `turn` decides at which of equal ports a switch begins that cannot use all.
    """
    hops = [choice and next_hops(choice.weights) for choice in hops]
    common = Counter(choice for choice in hops if choice)
    classes = _classes(sorted(common, key=lambda choice: (-common[choice], choice)))
    wanted = sorted(classes, key=lambda members: -sum(common[choice] for choice in members))
    narrow = _Narrow(limits, turn)
    final = {choice: part for members in wanted for part in [narrow(members)] for choice in members}
    return tuple(final[choice] if choice else UNREACHABLE for choice in hops)


def groups_fit(groups: Collection[Group], limits: Limits) -> bool:
    """Whether a switch can hold these groups, and as many others beside them while it is updated."""
    return (
        (limits.groups is None or 2 * len(groups) <= limits.groups)
        and (limits.buckets is None or all(len(group.buckets) <= limits.buckets for group in groups))
        and (limits.failovers is None or 2 * failovers(groups) <= limits.failovers)
        and (limits.weighted or all(bucket.weight <= 1 for group in groups for bucket in group.buckets))
    )


def rules_fit(rules: int, limits: Limits) -> bool:
    """Whether so many rules fill at most half of the routes table: the other half is for updates."""
    most = limits.rules.get(Table.ROUTES)
    return most is None or 2 * rules <= most


def _classes(ordered: Sequence[NextHops]) -> list[list[NextHops]]:
    """Choices that go together; those of a class have ports in common."""
    classes: list[list[NextHops]] = []
    ports_of: list[set[PortNo]] = []
    for choice in ordered:
        shared = [len(ports.intersection(choice.ports)) for ports in ports_of]
        most = max(shared, default=0)
        if most:
            number = shared.index(most)
            classes[number].append(choice)
            ports_of[number].intersection_update(choice.ports)
        else:
            classes.append([choice])
            ports_of.append(set(choice.ports))
    return classes


class _Narrow:
    """Gives each class its next hops, the commonest first, and counts the groups that they need.

    Half of the groups that fit are given out: while a switch is updated it holds old and new ones.
    """

    def __init__(self, limits: Limits, turn: int) -> None:
        self._limits = limits
        self._turn = turn
        self._groups = inf if limits.groups is None else limits.groups // 2
        self._used: list[PortNo] = []

    def __call__(self, members: Sequence[NextHops]) -> NextHops:
        shared = set(members[0].ports).intersection(*(choice.ports for choice in members[1:]))
        ports = sorted(shared)
        first = self._turn % len(ports)
        ports = ports[first:] + ports[:first]
        if self._groups < 1 or self._limits.buckets in (0, 1) or len(ports) == 1:
            ports = [next((port for port in self._used if port in shared), ports[0])]
            self._used += ports
        else:
            ports = ports[: self._limits.buckets]
            self._groups -= 1
        weight = dict(members[0].weights) if self._limits.weighted else dict.fromkeys(shared, 1)
        divisor = gcd(*(weight[port] for port in ports))
        return next_hops((port, weight[port] // divisor) for port in ports)

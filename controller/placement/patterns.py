"""Traffic patterns by rule and seed (Hedera: Al-Fares et al., NSDI 2010, section 6.1).

    stride(i)           host x sends to host x + i, modulo their number
    staggered(p, q)     to one on its own edge switch with probability p, of its pod with q, or elsewhere
    random              to any other host
    randbij             the same, but every host hears from just one: a permutation
    randx(n)            to n others at once, each chosen at random
    hotspot             all to one of a few hosts

Hosts are numbered from 0, pod by pod, edge by edge. A pattern is a list of (source, destination).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random

Pairs = list[tuple[int, int]]
HOTSPOTS = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """How many hosts there are, and how many of them share an edge switch, and a pod."""

    hosts: int
    per_edge: int
    per_pod: int


def fat_tree_shape(k: int) -> Shape:
    """The hosts of a fat tree of k-port switches."""
    return Shape(k**3 // 4, k // 2, k * k // 4)


def stride(shape: Shape, step: int) -> Pairs:
    """The same for every seed."""
    return [(host, (host + step) % shape.hosts) for host in range(shape.hosts)]


def staggered(shape: Shape, edge: float, pod: float, random: Random) -> Pairs:
    """Where an edge switch has no other host, the pod is asked; where it has no other edge, the fabric."""
    return [(host, _near(shape, host, edge, pod, random)) for host in range(shape.hosts)]


def _near(shape: Shape, host: int, edge: float, pod: float, random: Random) -> int:
    draw = random.random()
    mine = [
        range(host // size * size, host // size * size + size) for size in (shape.per_edge, shape.per_pod)
    ]
    own, near = ([other for other in group if other != host] for group in mine)
    beyond = [other for other in near if other not in mine[0]]
    far = [other for other in range(shape.hosts) if other not in mine[1]]
    if draw < edge and own:
        return random.choice(own)
    return random.choice(beyond if draw < edge + pod and beyond else far or near or own)


def anybody(shape: Shape, random: Random, each: int = 1) -> Pairs:
    """`random` and `randx`: every host sends `each` flows."""
    return [(host, _other(shape, host, random)) for host in range(shape.hosts) for _ in range(each)]


def _other(shape: Shape, host: int, random: Random) -> int:
    other = random.randrange(shape.hosts - 1)
    return other + (other >= host)


def bijection(shape: Shape, random: Random) -> Pairs:
    """A permutation in which nobody sends to itself."""
    order = list(range(shape.hosts))
    while any(host == other for host, other in enumerate(order)):
        random.shuffle(order)
    return list(enumerate(order))


def hotspot(shape: Shape, random: Random, spots: int = HOTSPOTS) -> Pairs:
    """All other hosts send to these few, evenly."""
    few = random.sample(range(shape.hosts), min(spots, shape.hosts - 1))
    others: Sequence[int] = [host for host in range(shape.hosts) if host not in few]
    return [(host, few[place % len(few)]) for place, host in enumerate(others)]


PATTERNS: Mapping[str, Callable[[Shape, Random], Pairs]] = {
    "stride(1)": lambda shape, _: stride(shape, 1),
    "stride(2)": lambda shape, _: stride(shape, 2),
    "stride(4)": lambda shape, _: stride(shape, 4),
    "stride(8)": lambda shape, _: stride(shape, 8),
    "staggered(.2,.3)": lambda shape, random: staggered(shape, 0.2, 0.3, random),
    "staggered(.5,.3)": lambda shape, random: staggered(shape, 0.5, 0.3, random),
    "staggered(1,0)": lambda shape, random: staggered(shape, 1.0, 0.0, random),
    "random": lambda shape, random: anybody(shape, random),
    "randbij": bijection,
    "randx2": lambda shape, random: anybody(shape, random, 2),
    "randx3": lambda shape, random: anybody(shape, random, 3),
    "randx4": lambda shape, random: anybody(shape, random, 4),
    "randx5": lambda shape, random: anybody(shape, random, 5),
    "hotspot": hotspot,
}
"""Hedera's, by the names of its figures."""

BY_SEED = frozenset(name for name in PATTERNS if not name.startswith("stride"))
"""Those that a seed makes different."""

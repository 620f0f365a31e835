"""Groups: several next hops become one SELECT group, shared by all rules of a switch that go the same way;
one next hop with backups becomes a FAST_FAILOVER group (compiler/failover.py).

*Identifiers come from content.* A switch has the same identifier for the same buckets in every life of the
controller, so that a restarted one finds its groups where it expects them. Should two contents of one switch
ever meet on a number, the later one takes the next free number.

*Buckets watch their ports*, so that a switch stops using a dead port by itself, before anybody has told it;
and where there was one next hop, sends what is for it on its detour, marked.

*Against polarisation.* A switch picks a bucket by a hash of the flow, and every switch computes the same
hash. If all used it alike, the flows that an edge switch sends to its first aggregation switch would all be
those that this one sends to its first core switch, and the other half of the core would never see a packet.
Open vSwitch lays the buckets of equal weight over its hash slots in turn, in their order (`dp_hash`, at
least 16 slots and at most 64): with buckets [a b] the lowest bit of the hash decides. So a switch repeats
each bucket as often as there were choices before it, and a bit decides that nobody used yet:

    edge          [a1 a2]            slot 0 1 2 3 ...  ->  a1 a2 a1 a2 ...      lowest bit
    aggregation   [c1 c1 c2 c2]                        ->  c1 c1 c2 c2 ...      next bit

"Before it" is its tier (graph/tiers.py): the repetition is the product of the greatest number of next hops
in each lower tier. Switches of one tier that follow each other (a ring, a full mesh) choose by the same
bits; a flow there seldom has two choices to make.

Tried on Open vSwitch 3.1, userspace datapath, two bridges in a row, some 1,500 TCP connections that the
first one sent to the second: with [c1 c2] on the second one all went to c1; with [c1 c1 c2 c2] 740 went to c1
and 768 to c2. Behind three choices, [c1 c2 c3] repeated thrice gave 399, 364, 366.
tests/emulation/test_hash_bits.py looks at the slots themselves. Two more facts: the hash is symmetric (both
directions of a connection agree), and it covers addresses and, for TCP and SCTP, the ports, but *not UDP
ports*: all UDP between two hosts goes one way. OpenFlow 1.3 has no field in which another hash could be
asked for.

*Against regular traffic.* The addresses enter the hash as source xor destination. In a fabric with regular
addresses all pairs "i speaks to i + n/2" then have one hash, and all would meet at one core switch. So each
switch begins its list with another port: its own number modulo the length. By our model, for these pairs and
UDP, the fullest aggregation-core link of a k=8 fat tree carries 4 flows and not 16, and at k=4 2 and not 4.
Both hosts of one edge switch still choose the same uplink; only another hash could part them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate, count
from operator import mul
from typing import TypeVar

import numpy as np

from controller.graph.hops import HopArray
from controller.graph.tiers import levels
from controller.model.flow import Bucket, Group, GroupKind, Output
from controller.model.identity import Dpid
from controller.model.routing import NextHops
from controller.model.topology import Topology

MAX_SLOTS = 64
"""The hash slots that Open vSwitch gives a group at most; a group that needs more gets another hash."""


def choices_before(topology: Topology, hops: HopArray) -> Mapping[Dpid, int]:
    """For each switch, how many choices led a packet up to it: the repetition that its buckets need.

    The next hops are over the switches of the snapshot.
    """
    tier = levels(topology)
    widest = np.ones(tier.max(initial=0) + 1, np.intp)
    np.maximum.at(widest, tier, hops.widest)
    before = list(accumulate(widest.tolist(), mul, initial=1))
    return {dpid: before[level] for dpid, level in zip(hops.dpids, tier.tolist(), strict=True)}


K = TypeVar("K", bound=Hashable)


def numbered(groups: Mapping[K, Group]) -> dict[K, Group]:
    """The groups of one switch, in order, each under an identifier of its own."""
    numbered: dict[K, Group] = {}
    taken: set[int] = set()
    for key, group in groups.items():
        group_id = next(number for number in count(group.group_id) if number not in taken)
        taken.add(group_id)
        numbered[key] = group if group_id == group.group_id else replace(group, group_id=group_id)
    return numbered


@lru_cache(maxsize=65_536)
def select_group(hops: NextHops, repetition: int, first: int = 0) -> Group:
    """The group of these next hops, under the identifier that its content asks for."""
    buckets = select_buckets(hops, repetition, first)
    return Group(content_id(buckets), GroupKind.SELECT, buckets)


def select_buckets(hops: NextHops, repetition: int, first: int = 0) -> tuple[Bucket, ...]:
    """A bucket for each next hop, repeated, in the order of ports, beginning with the one in place `first`.

    The repetition is halved until the buckets fit in `MAX_SLOTS`.
    """
    weights = [weight for _, weight in hops.weights]
    slots = -(-sum(weights) // min(weights))
    while repetition > 1 and slots * repetition > MAX_SLOTS:
        repetition //= 2
    return tuple(
        bucket
        for port, weight in hops.weights[first:] + hops.weights[:first]
        for bucket in (Bucket((Output(port),), weight, port),) * repetition
    )


def content_id(buckets: tuple[Bucket, ...]) -> int:
    """A group identifier (1 ... 2^31) that depends on ports, weights and order, and on nothing else."""
    return _digest(" ".join(f"{bucket.watch_port}*{bucket.weight}" for bucket in buckets))


def content_group(content: str, kind: GroupKind, buckets: tuple[Bucket, ...]) -> Group:
    """A group under the identifier that this description of its content asks for."""
    return Group(_digest(content), kind, buckets)


def _digest(content: str) -> int:
    return 1 + (int.from_bytes(blake2b(content.encode(), digest_size=4).digest(), "big") >> 1)

"""What is to be carried: a flow, how many bytes of it, and from when on.

Flows get the addresses of their hosts, and TCP ports by their number, so that each has a key of its own and
hashes where it will.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from controller.documents.matrices import Matrix
from controller.model.blueprint import Blueprint, HostPlan
from controller.model.demand import Flow, FlowKey
from controller.model.errors import ModelError

TCP = 6
_FIRST_SRC_PORT, _SRC_PORTS, _FIRST_DST_PORT = 10_000, 50_000, 5001


@dataclass(frozen=True, slots=True)
class Transfer:
    """`size_bytes` infinite: it never ends."""

    flow: Flow
    size_bytes: float = math.inf
    begin_s: float = 0.0

    def __post_init__(self) -> None:
        if not self.size_bytes > 0 or not 0 <= self.begin_s < math.inf:
            raise ModelError(f"{self.flow.key}: {self.size_bytes} bytes from {self.begin_s} s on")


def flow_between(src: HostPlan, dst: HostPlan, number: int) -> Flow:
    """The flow of this number, from one host to another."""
    wraps, offset = divmod(number, _SRC_PORTS)
    key = FlowKey(src.address, dst.address, TCP, _FIRST_SRC_PORT + offset, _FIRST_DST_PORT + wraps)
    return Flow(key, src.at, dst.at)


def transfers(blueprint: Blueprint, matrix: Matrix) -> tuple[Transfer, ...]:
    """A transfer without an end for each pair of a traffic matrix, in their order."""
    hosts = blueprint.hosts
    return tuple(Transfer(flow_between(hosts[a], hosts[b], number)) for number, (a, b) in enumerate(matrix))

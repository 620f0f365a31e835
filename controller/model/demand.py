"""Flows, what they want, and the paths that they are given.

    FlowKey        which packets: addresses, protocol and ports; the same everywhere in the fabric
    Flow           where its packets enter and leave
    MeasuredFlow   what was seen of it: its rate, how sure that is, since when
    Demand         what it would send if the fabric were in nobody's way
    Path           the ports by which it leaves one switch after the other, on its way to the last
    Placement      a path for each flow that is to have one; all others go where the routes lead
    Placed         one of its paths, since when, and why

A path names only ports that lead to switches: its first port is on the switch at which the flow enters, and
the last one leads to the switch where it leaves. Between hosts on one switch the path is empty. Rates are
bit/s of the whole frames, as a port counts them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from controller.model.errors import ModelError
from controller.model.identity import IpAddress, PortRef

Path = tuple[PortRef, ...]


@dataclass(frozen=True, slots=True)
class FlowKey:
    """The five header fields that tell flows apart (RFC 6438 calls them the 5-tuple), of one IP version.

    `protocol` is IP's number; the ports are 0 where the protocol has none.
    """

    src: IpAddress
    dst: IpAddress
    protocol: int
    src_port: int = 0
    dst_port: int = 0
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_hash", hash(self.order()))  # an address's own is slow, and salted
        if self.src.version != self.dst.version:
            raise ModelError(f"{self.src} and {self.dst} are not of one IP version")

    def __hash__(self) -> int:
        return self._hash

    def order(self) -> tuple[int, int, int, int, int, int]:
        """The key by which flows are sorted: version, then the five fields as numbers."""
        addresses = self.src.version, int(self.src), int(self.dst)
        return *addresses, self.protocol, self.src_port, self.dst_port

    def __str__(self) -> str:
        a, b = (f"[{end}]" if end.version == 6 else str(end) for end in (self.src, self.dst))
        return f"{a}:{self.src_port} -> {b}:{self.dst_port} ({self.protocol})"


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow between two host ports."""

    key: FlowKey
    src: PortRef
    dst: PortRef


@dataclass(frozen=True, slots=True)
class MeasuredFlow:
    """What was seen of a flow. `error_bps` is the standard error of the rate: 0 where bytes were counted,
    not sampled. `path` is how it went when it was last seen, as far as that is known.
    """

    flow: Flow
    rate_bps: float
    error_bps: float
    since_s: float
    seen_s: float
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class Demand:
    """A flow, and the rate at which it would send if only its hosts' ports limited it."""

    flow: Flow
    rate_bps: float

    def __post_init__(self) -> None:
        if not self.rate_bps > 0:
            raise ModelError(f"the demand of {self.flow.key} is {self.rate_bps} bit/s: it must be positive")


@dataclass(frozen=True)
class Placement:
    """Paths by flow."""

    paths: Mapping[FlowKey, Path] = field(default_factory=dict)

    def moved(self, since: Placement) -> frozenset[FlowKey]:
        """The flows that have another path than before, or one for the first time."""
        return frozenset(key for key, path in self.paths.items() if since.paths.get(key) != path)


@dataclass(frozen=True, slots=True)
class Placed:
    """Why a flow goes where it goes: the path that it was given and since when, the path before as far as it
    was known, and what it was estimated to get on either, bit/s.
    """

    flow: Flow
    path: Path
    since_s: float
    demand_bps: float
    expected_bps: float
    before: Path | None = None
    before_bps: float | None = None


def in_order(flows: Iterable[Flow]) -> list[Flow]:
    """Flows sorted by their keys."""
    return sorted(flows, key=lambda flow: flow.key.order())

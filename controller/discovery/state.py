"""What discovery remembers, and the snapshot that follows from it.

    evidence  ports, heard, bfd, stations     what was seen, with its time: belief that ages
    questions nonces, inquiries, refused      what was sent out and is waited for, and what was turned down
    alarms    (what, about whom) -> when      all that time alone will change; a tick handles what is due
    graph     switches, links, hosts, edge    what all this amounts to, and the snapshot of it

The graph is a function of the evidence, kept beside it so that only the ports and stations that an event
touches are derived anew (draft.py). The snapshot's version rises exactly when it differs from the one before.

Every value here is immutable to its readers: the large mappings are persistent (persistent.py), so that an
event costs what it changes, however large the fabric.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from controller.discovery.alarms import Alarms, Subject
from controller.discovery.persistent import PersistentMap
from controller.discovery.settings import DiscoverySettings
from controller.model.event import FrameIn
from controller.model.identity import Dpid, IpAddress, Mac, PortRef
from controller.model.topology import Host, Link, Switch, Topology


class PortState(NamedTuple):
    """A port that is live; dead ones have no entry. `hellos` counts those of the quick series."""

    live_since_s: float
    hellos: int = 0


class Sent(NamedTuple):
    """A hello that may still come in somewhere."""

    at: PortRef
    at_s: float
    data: bytes


@dataclass(frozen=True, slots=True)
class Early:
    """A frame that came in by a port that was not alive yet, and when."""

    event: FrameIn
    at_s: float


class Heard(NamedTuple):
    """The last good hello that a port received: who spoke, and when."""

    source: PortRef
    at_s: float


class BfdSession(NamedTuple):
    """What a port's BFD session says: whether it is up, and the port that it runs with, as far as known."""

    up: bool
    far: PortRef | None = None


@dataclass(frozen=True, slots=True)
class Station:
    """A host as remembered: where, since when unheard, and when each address was last shown.

    One that is not `present` had its port or switch die: it is in no topology, and is asked as soon as the
    port is back.
    """

    mac: Mac
    at: PortRef
    heard_s: float
    shown_s: Mapping[IpAddress, float] = field(default_factory=dict)
    present: bool = True

    def oldest_s(self) -> float:
        """When what was shown longest ago was shown."""
        return min((self.heard_s, *self.shown_s.values()))


class Purpose(Enum):
    """Why a station is asked, and so what its silence means."""

    MOVE = "its MAC address was seen elsewhere"  # silence: it has moved there
    TAKE = "another station claims its address"  # silence: the address passes on
    IDLE = "nothing was heard of it for long"  # silence: forgotten
    RETURN = "its port came back"  # silence: stays remembered, and absent
    DOUBT = "something says that it is not there"  # silence: forgotten


@dataclass(frozen=True, slots=True)
class Claim:
    """A station that says it is at `at` and has these addresses, which contradicts what is known."""

    mac: Mac
    at: PortRef
    addresses: tuple[IpAddress, ...]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question that is out; `asked` are the addresses not yet answered for.

    One that is `booked` is not out yet: its turn comes with its alarm.
    """

    purpose: Purpose
    mac: Mac
    at: PortRef
    asked: tuple[IpAddress, ...]
    tries_left: int
    claim: Claim | None = None
    booked: bool = False


@dataclass(frozen=True)
class Graph:
    """The parts of a topology by key, and the topology; `edge` is used as a set."""

    switches: PersistentMap[Dpid, Switch] = field(default_factory=PersistentMap)
    links: PersistentMap[PortRef, Link] = field(default_factory=PersistentMap)
    hosts: PersistentMap[Mac, Host] = field(default_factory=PersistentMap)
    edge: PersistentMap[PortRef, PortRef] = field(default_factory=PersistentMap)
    topology: Topology = Topology()


@dataclass(frozen=True)
class FabricState:
    """All that discovery knows. `counters` tell what was dropped and why.

    `port_macs`: the address of each switch port, which is no host's; sightings.py says why.
    `lost`, used as a set: switches whose session has ended; ports.py says what holds of them.
    `involved`: the open inquiries that ask a station, that ask at a port, or whose claim is from a port.
    `swept_s`: when what lasts only for a while was last looked through.
    `looked_s`: the time of the turn before, when all that had arrived was looked at.
    `booked_until_s`: until then questions are promised already; inquiries.py says which.
    """

    settings: DiscoverySettings
    graph: Graph = field(default_factory=Graph)
    lost: PersistentMap[Dpid, bool] = field(default_factory=PersistentMap)
    port_macs: PersistentMap[Mac, PortRef] = field(default_factory=PersistentMap)
    ports: PersistentMap[PortRef, PortState] = field(default_factory=PersistentMap)
    early: PersistentMap[PortRef, tuple[Early, ...]] = field(default_factory=PersistentMap)
    heard: PersistentMap[PortRef, Heard] = field(default_factory=PersistentMap)
    bfd: PersistentMap[PortRef, BfdSession] = field(default_factory=PersistentMap)
    nonces: PersistentMap[int, Sent] = field(default_factory=PersistentMap)
    hellos_sent: int = 0
    looked_s: float = float("-inf")
    stations: PersistentMap[Mac, Station] = field(default_factory=PersistentMap)
    residents: PersistentMap[PortRef, frozenset[Mac]] = field(default_factory=PersistentMap)
    owners: PersistentMap[IpAddress, Mac] = field(default_factory=PersistentMap)
    inquiries: PersistentMap[Subject, Inquiry] = field(default_factory=PersistentMap)
    involved: PersistentMap[PortRef | Mac, frozenset[Subject]] = field(default_factory=PersistentMap)
    booked_until_s: float = 0.0
    refused: PersistentMap[tuple[Subject, PortRef], float] = field(default_factory=PersistentMap)
    reported: PersistentMap[PortRef, frozenset[str]] = field(default_factory=PersistentMap)
    swept_s: Mapping[str, float] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    alarms: Alarms = field(default_factory=Alarms)

    @property
    def topology(self) -> Topology:
        """The snapshot; the same object for as long as nothing in it changes."""
        return self.graph.topology

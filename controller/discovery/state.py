"""What discovery remembers, and the snapshot that follows from it.

    evidence  ports, heard, stations          what was seen, with its time: belief that ages
    questions nonces, inquiries, refused      what was sent out and is waited for, and what was turned down
    alarms    (what, about whom) -> when      all that time alone will change; a tick handles what is due
    graph     switches, links, hosts, edge    what all this amounts to

The graph is a function of the evidence, kept beside it so that only the ports and stations that an event
touches are derived anew (draft.py). Its version rises exactly when it differs from the one before; the sorted
`Topology` is made once, when somebody looks.

Every value here is immutable, though some are plain dictionaries inside: nobody writes to a mapping that a
state holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from functools import cached_property

from controller.discovery.settings import DiscoverySettings
from controller.model.event import FrameIn
from controller.model.identity import Dpid, IpAddress, Mac, PortRef
from controller.model.topology import Host, Link, Switch, Topology


@dataclass(frozen=True, slots=True)
class PortState:
    """A port that is live; dead ones have no entry. `hellos` counts those of the quick series."""

    live_since_s: float
    hellos: int = 0


@dataclass(frozen=True, slots=True)
class Sent:
    """A hello that may still come in somewhere."""

    at: PortRef
    at_s: float


@dataclass(frozen=True, slots=True)
class Early:
    """A frame that came in by a port that was not alive yet, and when."""

    event: FrameIn
    at_s: float


@dataclass(frozen=True, slots=True)
class Heard:
    """The last good hello that a port received: who spoke, and when."""

    source: PortRef
    at_s: float


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
    """A question that is out; `asked` are the addresses not yet answered for."""

    purpose: Purpose
    mac: Mac
    at: PortRef
    asked: tuple[IpAddress, ...]
    tries_left: int
    claim: Claim | None = None


Subject = Mac | IpAddress
"""What an inquiry is about: a station (where is it?) or an address (whose is it?). There is one at a time
about each.
"""


class AlarmKind(IntEnum):
    """What time changes, in the order in which things due at the same moment are handled."""

    SETTLED = 1
    HEARD = 2
    INQUIRY = 3
    STATION = 4
    HELLO = 5


AlarmKey = tuple[AlarmKind, PortRef | Subject]


@dataclass(frozen=True)
class Alarms:
    """When to look at what again. Most move rarely: one that rings too early is simply set again."""

    times_s: Mapping[AlarmKey, float] = field(default_factory=dict)

    @cached_property
    def first_s(self) -> float | None:
        return min(self.times_s.values(), default=None)


@dataclass(frozen=True)
class Graph:
    """The unsorted parts of a topology; `edge` is used as a set."""

    version: int = 0
    switches: Mapping[Dpid, Switch] = field(default_factory=dict)
    links: Mapping[PortRef, Link] = field(default_factory=dict)
    hosts: Mapping[Mac, Host] = field(default_factory=dict)
    edge: Mapping[PortRef, bool] = field(default_factory=dict)

    @cached_property
    def topology(self) -> Topology:
        """Sorted by plain numbers: comparing thousands of nested values would take longer than all the
        rest.
        """
        return Topology(
            self.version,
            tuple(self.switches[dpid] for dpid in sorted(self.switches)),
            tuple(sorted(self.links.values(), key=lambda link: (link.src.dpid, link.src.port))),
            tuple(self.hosts[mac] for mac in sorted(self.hosts)),
            frozenset(self.edge),
        )


@dataclass(frozen=True)
class FabricState:
    """All that discovery knows. `counters` tell what was dropped and why.

    `port_macs`: the address of each switch port, which is no host's; sightings.py says why.
    `lost`, used as a set: switches whose session has ended; ports.py says what holds of them.
    """

    settings: DiscoverySettings
    graph: Graph = Graph()
    lost: Mapping[Dpid, bool] = field(default_factory=dict)
    port_macs: Mapping[Mac, PortRef] = field(default_factory=dict)
    ports: Mapping[PortRef, PortState] = field(default_factory=dict)
    early: Mapping[PortRef, tuple[Early, ...]] = field(default_factory=dict)
    heard: Mapping[PortRef, Heard] = field(default_factory=dict)
    nonces: Mapping[int, Sent] = field(default_factory=dict)
    hellos_sent: int = 0
    stations: Mapping[Mac, Station] = field(default_factory=dict)
    residents: Mapping[PortRef, frozenset[Mac]] = field(default_factory=dict)
    owners: Mapping[IpAddress, Mac] = field(default_factory=dict)
    inquiries: Mapping[Subject, Inquiry] = field(default_factory=dict)
    refused: Mapping[tuple[Subject, PortRef], float] = field(default_factory=dict)
    reported: Mapping[PortRef, frozenset[str]] = field(default_factory=dict)
    counters: Mapping[str, int] = field(default_factory=dict)
    alarms: Alarms = Alarms()

    @property
    def topology(self) -> Topology:
        """The snapshot; the same object for as long as nothing in it changes."""
        return self.graph.topology

"""OpenFlow 1.3 as values: matches, actions, rules, groups and meters.

Nothing here knows how a message is encoded. A rule is what a switch should hold, and two rules are equal
when a switch could not tell them apart, so that programs can be compared, hashed and diffed.

    FlowRule = where (table, priority, match) + what (meter, actions, next table) + who (cookie)

The *where* is the rule's identity on its switch (`FlowRule.key`), as OpenFlow has it (section 6.4, strict
matching). The prerequisites of OpenFlow 1.3.5, section 7.2.3.8, are checked at construction: a match that no
switch would accept cannot exist.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import NamedTuple

from controller.model.errors import ModelError


class EtherType(IntEnum):
    """Ethernet types that Treadle speaks of."""

    IPV4 = 0x0800
    ARP = 0x0806
    VLAN = 0x8100
    IPV6 = 0x86DD
    LLDP = 0x88CC


class IpProtocol(IntEnum):
    """IP protocol numbers that Treadle speaks of."""

    ICMP = 1
    TCP = 6
    UDP = 17
    ICMPV6 = 58


class ReservedPort(IntEnum):
    """Port numbers that name no port (OpenFlow 1.3.5, section 7.2.1)."""

    IN_PORT = 0xFFFFFFF8
    ALL = 0xFFFFFFFC
    CONTROLLER = 0xFFFFFFFD
    LOCAL = 0xFFFFFFFE
    ANY = 0xFFFFFFFF


class _Spec(NamedTuple):
    number: int
    bits: int
    maskable: bool


class Field(Enum):
    """The match fields of OpenFlow 1.3 (section 7.2.3.7): number, width in bits, whether a mask is
    allowed."""

    IN_PORT = _Spec(0, 32, False)
    METADATA = _Spec(2, 64, True)
    ETH_DST = _Spec(3, 48, True)
    ETH_SRC = _Spec(4, 48, True)
    ETH_TYPE = _Spec(5, 16, False)
    VLAN_VID = _Spec(6, 13, True)
    VLAN_PCP = _Spec(7, 3, False)
    IP_DSCP = _Spec(8, 6, False)
    IP_ECN = _Spec(9, 2, False)
    IP_PROTO = _Spec(10, 8, False)
    IPV4_SRC = _Spec(11, 32, True)
    IPV4_DST = _Spec(12, 32, True)
    TCP_SRC = _Spec(13, 16, True)
    TCP_DST = _Spec(14, 16, True)
    UDP_SRC = _Spec(15, 16, True)
    UDP_DST = _Spec(16, 16, True)
    ICMPV4_TYPE = _Spec(19, 8, False)
    ICMPV4_CODE = _Spec(20, 8, False)
    ARP_OP = _Spec(21, 16, False)
    ARP_SPA = _Spec(22, 32, True)
    ARP_TPA = _Spec(23, 32, True)
    IPV6_SRC = _Spec(26, 128, True)
    IPV6_DST = _Spec(27, 128, True)
    ICMPV6_TYPE = _Spec(29, 8, False)
    ICMPV6_CODE = _Spec(30, 8, False)

    __hash__ = object.__hash__  # members are singletons; Enum's own hash costs a call in Python

    def __init__(self, number: int, bits: int, maskable: bool) -> None:
        self.number = number
        """The OXM field number of class OFPXMC_OPENFLOW_BASIC."""
        self.bits = bits
        self.maskable = maskable
        self.full_mask = (1 << bits) - 1


_IP = (EtherType.IPV4, EtherType.IPV6)
REQUIRED_ETH_TYPE: dict[Field, tuple[int, ...]] = {
    Field.IP_DSCP: _IP,
    Field.IP_ECN: _IP,
    Field.IP_PROTO: _IP,
    Field.IPV4_SRC: (EtherType.IPV4,),
    Field.IPV4_DST: (EtherType.IPV4,),
    Field.IPV6_SRC: (EtherType.IPV6,),
    Field.IPV6_DST: (EtherType.IPV6,),
    Field.ARP_OP: (EtherType.ARP,),
    Field.ARP_SPA: (EtherType.ARP,),
    Field.ARP_TPA: (EtherType.ARP,),
}
"""The Ethernet types of packets that have a field; all packets have those that are missing here."""

_REQUIRED_IP_PROTO: dict[Field, int] = {
    Field.TCP_SRC: IpProtocol.TCP,
    Field.TCP_DST: IpProtocol.TCP,
    Field.UDP_SRC: IpProtocol.UDP,
    Field.UDP_DST: IpProtocol.UDP,
    Field.ICMPV4_TYPE: IpProtocol.ICMP,
    Field.ICMPV4_CODE: IpProtocol.ICMP,
    Field.ICMPV6_TYPE: IpProtocol.ICMPV6,
    Field.ICMPV6_CODE: IpProtocol.ICMPV6,
}


class Term(NamedTuple):
    """One condition of a match: `packet[field] & mask == value`."""

    field: Field
    value: int
    mask: int


MatchValue = int | tuple[int, int] | IPv4Address | IPv6Address | IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Match:
    """A conjunction of terms, sorted by field number; the empty match accepts every packet.

    Invariants: each field at most once; values fit their field and lie within their mask; prerequisites hold.
    """

    terms: tuple[Term, ...] = ()
    order: tuple[tuple[int, int, int], ...] = field(init=False, compare=False, repr=False)
    """A sort key: field numbers, values, masks."""
    _hash: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        order = tuple([(on.number, value, mask) for on, value, mask in self.terms])
        last = -1
        for number, _, _ in order:
            if number <= last:
                raise ModelError("the terms of a match are sorted and name each field once")
            last = number
        for term in self.terms:
            _check_term(term)
        self._check_prerequisites()
        object.__setattr__(self, "order", order)
        object.__setattr__(self, "_hash", hash(order))

    @classmethod
    def proven(cls, terms: tuple[Term, ...], order: tuple[tuple[int, int, int], ...]) -> Match:
        """The same without the checks, for a reader of thousands who has proven the invariants once for all
        matches on these fields. `order` is what it would have been."""
        made = object.__new__(cls)
        object.__setattr__(made, "terms", terms)
        object.__setattr__(made, "order", order)
        object.__setattr__(made, "_hash", hash(order))
        return made

    def __hash__(self) -> int:
        return self._hash

    def _check_prerequisites(self) -> None:
        eth_type = ip_proto = None
        for on, value, _ in self.terms:
            if on is Field.ETH_TYPE:
                eth_type = value
            elif on is Field.IP_PROTO:
                ip_proto = value
        for on, _, _ in self.terms:
            wanted = REQUIRED_ETH_TYPE.get(on)
            if wanted and eth_type not in wanted:
                raise ModelError(f"a match on {on.name} needs the Ethernet type first")
            protocol = _REQUIRED_IP_PROTO.get(on)
            if protocol is not None and ip_proto != protocol:
                raise ModelError(f"a match on {on.name} needs the IP protocol first")

    def get(self, wanted: Field) -> Term | None:
        """The term on this field, or None when the field may hold anything."""
        return next((term for term in self.terms if term.field is wanted), None)

    def __iter__(self) -> Iterator[Term]:
        return iter(self.terms)


def _check_term(term: Term) -> None:
    on, value, mask = term
    full = on.full_mask
    if not 0 <= value <= full or not 0 < mask <= full:
        raise ModelError(f"{on.name}: {value:#x}/{mask:#x} does not fit in {on.bits} bits")
    if value & ~mask:
        raise ModelError(f"{on.name}: value {value:#x} has bits outside its mask {mask:#x}")
    if mask != full and not on.maskable:
        raise ModelError(f"{on.name} cannot be masked")


def match(**conditions: MatchValue) -> Match:
    """A `Match` from keyword arguments named like the fields, in lower case.

    A value is an integer, a pair (value, mask), an address or a network: `match(eth_type=0x800,
    ipv4_dst=IPv4Network("10.0.0.0/24"))`. A network of length zero is left out: it constrains nothing.
    """
    terms = []
    for name, value in conditions.items():
        try:
            wanted = Field[name.upper()]
        except KeyError:
            raise ModelError(f"'{name}' is not a match field") from None
        number, mask = _value_and_mask(wanted, value)
        if mask:
            terms.append(Term(wanted, number, mask))
    return Match(tuple(sorted(terms, key=lambda term: term.field.number)))


def _value_and_mask(wanted: Field, value: MatchValue) -> tuple[int, int]:
    if isinstance(value, tuple):
        return value
    if isinstance(value, IPv4Network | IPv6Network):
        return int(value.network_address), int(value.netmask)
    return int(value), wanted.full_mask


# --- actions ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Output:
    """Send the packet out of a port; to the controller (`ReservedPort.CONTROLLER`) at most `max_len`
    bytes of it."""

    port: int
    max_len: int = 0


@dataclass(frozen=True, slots=True)
class ToGroup:
    """Hand the packet to a group of the same switch."""

    group_id: int


@dataclass(frozen=True, slots=True)
class SetField:
    """Overwrite one header field."""

    field: Field
    value: int

    def __post_init__(self) -> None:
        if not 0 <= self.value <= self.field.full_mask:
            raise ModelError(f"{self.field.name}: {self.value:#x} does not fit in {self.field.bits} bits")


@dataclass(frozen=True, slots=True)
class DecrementTtl:
    """Lower the IPv4 TTL or the IPv6 hop limit by one; a packet that had one left is dropped."""


Action = Output | ToGroup | SetField | DecrementTtl

CONTROLLER_MAX_LEN = 0xFFFF
TO_CONTROLLER = Output(ReservedPort.CONTROLLER, CONTROLLER_MAX_LEN)


# --- who: the cookie, drawn as a ruler ----------------------------------------------------------------------


class Owner(IntEnum):
    """Who asked for a rule. The numbers are on the switches: never reuse one."""

    ADMISSION = 1
    POLICY = 2
    CLASS = 3
    PINS = 4
    ROUTES = 5
    PIPELINE = 6
    DETOURS = 7


COOKIE_VERSION = 1


@dataclass(frozen=True, slots=True)
class Cookie:
    """Who asked for a rule, and when; 64 bits on the switch.

         63    60 59      52 51                       28 27                            0
        | version |  owner  | life of the controller    | object                        |
        |  4 bits |  8 bits | 24 bits: minutes of start | 28 bits: digest of the entry  |

    `life` is the start of the controller in minutes since 2020-01-01 UTC, which lasts until 2051.
    """

    owner: int
    life: int = 0
    object: int = 0

    def pack(self) -> int:
        """The 64-bit number."""
        return COOKIE_VERSION << 60 | self.owner << 52 | self.life << 28 | self.object

    @staticmethod
    def unpack(number: int) -> Cookie | None:
        """The cookie that this number was made of, or None when it is not one of ours."""
        if number >> 60 != COOKIE_VERSION:
            return None
        return Cookie(number >> 52 & 0xFF, number >> 28 & 0xFFFFFF, number & 0xFFFFFFF)


# --- rules, groups, meters ----------------------------------------------------------------------------------

RuleKey = tuple[int, int, Match]


@dataclass(frozen=True)
class FlowRule:
    """One rule of one table.

    `actions` are applied at once, in order (the instruction Apply-Actions); then the packet goes on to
    `goto`, if given. A rule with neither drops what it matches. The cookie takes no part in equality: the
    same rule of an earlier life of the controller is the same rule."""

    table: int
    priority: int
    match: Match = Match()
    actions: tuple[Action, ...] = ()
    goto: int | None = None
    meter: int | None = None
    idle_timeout_s: int = 0
    hard_timeout_s: int = 0
    cookie: int = field(default=0, compare=False)
    key: RuleKey = field(init=False, compare=False, repr=False)
    """What makes it this rule on its switch: table, priority, match."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", (int(self.table), int(self.priority), self.match))
        if not 0 <= self.table <= 254 or not 0 <= self.priority <= 0xFFFF:
            raise ModelError(f"table {self.table}, priority {self.priority} do not exist")
        if self.goto is not None and not self.table < self.goto <= 254:
            raise ModelError(f"table {self.table} cannot send packets on to table {self.goto}")

    @property
    def owner(self) -> Owner | None:
        """The owner named in the cookie; None for a rule that is not ours."""
        cookie = Cookie.unpack(self.cookie)
        try:
            return None if cookie is None else Owner(cookie.owner)
        except ValueError:
            return None

    @property
    def groups(self) -> tuple[int, ...]:
        """The groups that the rule hands packets to."""
        return tuple(action.group_id for action in self.actions if isinstance(action, ToGroup))


class GroupKind(Enum):
    """Group types of OpenFlow 1.3 (section 5.6.1)."""

    ALL = 0
    SELECT = 1
    INDIRECT = 2
    FAST_FAILOVER = 3


@dataclass(frozen=True, slots=True)
class Bucket:
    """One choice of a group; alive while `watch_port` is (None: always alive)."""

    actions: tuple[Action, ...]
    weight: int = 0
    watch_port: int | None = None


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Group:
    """A group entry; SELECT spreads flows over the live buckets by weight."""

    group_id: int
    kind: GroupKind
    buckets: tuple[Bucket, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.group_id <= 0xFFFFFF00:
            raise ModelError(f"group {self.group_id} does not exist")
        if self.kind is GroupKind.SELECT and any(bucket.weight < 1 for bucket in self.buckets):
            raise ModelError("each bucket of a SELECT group has a positive weight")


class MeterUnit(Enum):
    """What a meter counts."""

    KBPS = "kbps"
    PKTPS = "pktps"


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter with one drop band: what exceeds `rate` (in `unit`, with `burst` allowed) is dropped."""

    meter_id: int
    rate: int
    unit: MeterUnit = MeterUnit.PKTPS
    burst: int = 0

    def __post_init__(self) -> None:
        if self.meter_id < 1 or self.rate < 1 or self.burst < 0:
            raise ModelError(
                f"meter {self.meter_id} with rate {self.rate}, burst {self.burst} does not exist"
            )

"""The pipeline: the tables that every switch has, in order, and the priorities within them, as data.

    admission -> policy -> class -> detours -> pins -> routes

A packet enters at `admission` and may only move forward. Each table has one owner, whose number stands in the
cookie of each of its rules; a table that nobody fills holds one rule of the owner PIPELINE that passes
everything on.

Packets on a detour carry a *mark*, an Ethernet destination that no station has: a packet with an IP address,
or a frame of ARP about one, does not need its own one until it arrives, where the rule of its host writes it
anew. `mark_mac` gives the marks, and the table `detours` comes before `pins`, so that nothing but the routes
is asked about them.

Priorities are ladders, kept here and nowhere else, because a priority has a meaning only beside the others of
its table: admission's is a list of named rungs (`AdmissionPriority`); in routes a rung is a family's base
plus the length of the prefix (`mac_priority`, `ipv4_priority`, `ipv6_priority`, `arp_priority`), so that the
longest prefix wins, ARP, IPv6 and IPv4 come before Ethernet, and no two families share a rung.

docs/pipeline.md is generated from this module: `python -m controller.dataplane.pipeline > docs/pipeline.md`.
"""

from __future__ import annotations

from enum import IntEnum
from inspect import getdoc

from controller.model.flow import Cookie, Owner
from controller.model.identity import Mac, mac_text
from controller.model.routing import RELEASED, Mark


class Table(IntEnum):
    """The tables of the pipeline; the number is the table's number on the switch."""

    ADMISSION = 0
    POLICY = 1
    CLASS = 2
    DETOURS = 3
    PINS = 4
    ROUTES = 5


PURPOSE: dict[Table, str] = {
    Table.ADMISSION: "who may speak, and what the controller must hear: LLDP, ARP, ND, DHCP; anti-spoofing",
    Table.POLICY: "allow and deny, segmentation",
    Table.CLASS: "quality of service: meter, queue, DSCP",
    Table.DETOURS: "where packets go on that were marked because a link or a switch has died",
    Table.PINS: "exact-match paths of traffic engineering",
    Table.ROUTES: "longest prefix on the address that ARP is about, IPv6, IPv4 and Ethernet destination",
}

TABLE_OWNER: dict[Table, Owner] = {
    Table.ADMISSION: Owner.ADMISSION,
    Table.POLICY: Owner.POLICY,
    Table.CLASS: Owner.CLASS,
    Table.DETOURS: Owner.DETOURS,
    Table.PINS: Owner.PINS,
    Table.ROUTES: Owner.ROUTES,
}

PUNT_METER = 1
"""The meter that bounds what a switch hands to the controller."""

LOG_METER = 2
"""The meter that bounds what a switch shows of denied packets."""

FIRST_SERVICE_METER = 16
"""Classes of service with a rate limit have their meters from here on."""

PASS_PRIORITY = 0
"""The priority of the rule that passes everything on, in a table that nobody fills."""


class AdmissionPriority(IntEnum):
    """The rungs of the admission table, highest first."""

    LLDP = 1000
    LINK = 950
    FOR_US = 930
    NEIGHBOUR = 920
    CONTROL = 900
    GROUP_ADDRESS = 880
    STATION = 700
    UNKNOWN = 1
    DROP = 0


class PolicyPriority(IntEnum):
    """The rungs of the tables policy and class, highest first. Those of entries begin at `ENTRY`."""

    LINK = 65_000
    DISCOVERY = 64_000
    ENTRY = 100
    STRANGER = 1
    OTHER = 0


LINES_OF_AN_ENTRY = {4: 1900, 6: 480}
"""How many lines one destination prefix may have, by IP version: its rung has so many steps."""


def entry_priority(version: int, prefix_len: int, step: int) -> int:
    """The priority of a line for a destination prefix; `step` counts from its last line, which is 0. Lines of
    a longer prefix stand above all lines of a shorter one.
    """
    steps = LINES_OF_AN_ENTRY[version]
    assert 0 <= step < steps
    return PolicyPriority.ENTRY + steps * prefix_len + step


PIN_PRIORITY = 100
"""The rung of every pin: no two are about the same packets."""


class RouteBase(IntEnum):
    """Where each family's rungs begin in the routes table."""

    MAC = 100
    IPV4 = 1000
    IPV6 = 2000
    ARP = 3000


class DetourBase(IntEnum):
    """The rungs of the detours table: a slot is a family's base plus the length of the prefix."""

    SLOT_ARP = 3000
    SLOT_IPV6 = 2000
    SLOT_IPV4 = 1000
    RELEASED = 900
    ASTRAY = 800


EXCEPTION_RUNG = 600
"""How far above its family's base the planner's exceptions stand for the time of an update: above each prefix
of the family and below the next family."""


def mac_priority(prefix_len: int) -> int:
    """The rung of a rule on the first `prefix_len` bits (0 to 48) of the Ethernet destination."""
    return RouteBase.MAC + prefix_len


class Variant(IntEnum):
    """What a rule on a prefix of an IP address may have above it, below the next longer prefix."""

    NONE = 0
    GATEWAY = 1
    TURNING = 2
    RELEASED = 3


def ipv4_priority(prefix_len: int, variant: Variant = Variant.NONE) -> int:
    """The rung of an IPv4 prefix, or of a variant above it."""
    return RouteBase.IPV4 + len(Variant) * prefix_len + variant


def ipv6_priority(prefix_len: int, variant: Variant = Variant.NONE) -> int:
    """The rung of an IPv6 prefix, or of a variant above it."""
    return RouteBase.IPV6 + len(Variant) * prefix_len + variant


def arp_priority(prefix_len: int, variant: Variant = Variant.NONE) -> int:
    """The rung of a prefix of the IPv4 address that a frame of ARP is about, or of a variant above it."""
    return RouteBase.ARP + len(Variant) * prefix_len + variant


def slot_priority(family_base: DetourBase, prefix_len: int) -> int:
    """The rung of a slot's rule on a prefix of a family."""
    return family_base + prefix_len


# --- marks --------------------------------------------------------------------------------------------------

OWN_MACS = (Mac(0x02_54_52_00_00_00), 0xFF_FF_FF_00_00_00)
"""The controller itself, its gateway as long as nobody names it otherwise, and marks: as value and mask of an
Ethernet destination.
"""

_MARKS = 0x02_54_52_4D_00_00
ANY_MARK = (_MARKS, 0xFF_FF_FF_FF_00_00)
"""All marks, as value and mask of an Ethernet destination."""


def mark_mac(mark: Mark) -> Mac:
    """The Ethernet destination of packets with this mark: locally administered, and no station's."""
    return Mac(_MARKS | mark)


RELEASED_MAC = mark_mac(RELEASED)


# --- docs/pipeline.md ---------------------------------------------------------------------------------------

_ADMISSION_SAYS: dict[AdmissionPriority, str] = {
    AdmissionPriority.LLDP: "LLDP: to the controller, never metered",
    AdmissionPriority.CONTROL: "ARP, neighbour discovery, DHCP: to the controller, metered, never flooded",
    AdmissionPriority.GROUP_ADDRESS: "any other multicast or broadcast: dropped",
    AdmissionPriority.LINK: "what comes in by a link and is for one station: on to the next table",
    AdmissionPriority.FOR_US: "ARP and neighbour discovery for the gateway: to the controller, metered",
    AdmissionPriority.NEIGHBOUR: "the same from host to host, each in its own name: on to the next table",
    AdmissionPriority.STATION: "what comes from a station that lives at this port: on to the next table",
    AdmissionPriority.UNKNOWN: "any other station: to the controller, metered, so that it becomes known",
    AdmissionPriority.DROP: "nothing is left",
}

_POLICY_SAYS: dict[PolicyPriority, str] = {
    PolicyPriority.LINK: "what comes in by a link: decided about where it entered",
    PolicyPriority.DISCOVERY: "neighbour discovery from host to host: no policy's concern",
    PolicyPriority.ENTRY: "between two prefixes; those of a longer destination above those of a shorter",
    PolicyPriority.STRANGER: "IP packets from an address that no host here has: dropped (in policy alone)",
    PolicyPriority.OTHER: "the rest, which is not IP in policy: on to the next table",
}

_ROUTES_SAYS = (
    ("target address of ARP", arp_priority, 32),
    ("IPv6 destination", ipv6_priority, 128),
    ("IPv4 destination", ipv4_priority, 32),
    ("Ethernet destination", mac_priority, 48),
)


_DETOURS_SAY = (
    (DetourBase.SLOT_ARP, " + length", "the next step of a frame of ARP at a slot"),
    (DetourBase.SLOT_IPV6, " + length", "the next step of an IPv6 packet at a slot"),
    (DetourBase.SLOT_IPV4, " + length", "the next step of an IPv4 packet at a slot"),
    (DetourBase.RELEASED, "", "past the detour: on to the routes"),
    (DetourBase.ASTRAY, "", "marked, and not expected here: dropped"),
)


def page() -> str:
    """The text of docs/pipeline.md."""
    lines = [
        "# The pipeline",
        "",
        "<!-- generated by: python -m controller.dataplane.pipeline > docs/pipeline.md -->",
        "",
        "Every switch has the same tables. A packet enters at the first and may only move forward.",
        "",
        "    " + " -> ".join(table.name.lower() for table in Table),
        "",
        "| table | name | owner | purpose |",
        "|---|---|---|---|",
        *(f"| {t.value} | {t.name.lower()} | {TABLE_OWNER[t].name} | {PURPOSE[t]} |" for t in Table),
        "",
        f"A table that nobody fills holds one rule, of the owner {Owner.PIPELINE.name} and of priority",
        f"{PASS_PRIORITY}, that passes everything on to the next.",
        "",
        "## Priorities in admission",
        "",
        "| priority | name | what it is for |",
        "|---|---|---|",
        *(f"| {rung.value} | {rung.name} | {_ADMISSION_SAYS[rung]} |" for rung in AdmissionPriority),
        "",
        "## Priorities in policy and class",
        "",
        "Where documents are in force, switches with hosts decide about what those send.",
        "",
        "| priority | name | what it is for |",
        "|---|---|---|",
        *(f"| {rung.value} | {rung.name} | {_POLICY_SAYS[rung]} |" for rung in PolicyPriority),
        "",
        "## Priorities in routes",
        "",
        "The longest prefix wins. Above a rule may stand variants: of a host's rule, one for packets that a",
        "gateway routes (+1); of a prefix with a detour, one for packets from where it leads (+2),",
        "and one for packets that have had theirs (+3).",
        "",
        "| on | prefix length | priority |",
        "|---|---|---|",
        *(
            f"| {on} | 0 ... {longest} | {rung(0)} ... {rung(longest)} |"
            for on, rung, longest in _ROUTES_SAYS
        ),
        "",
        f"While an update runs, {EXCEPTION_RUNG} above a family's lowest priority there may be exceptions of",
        "the planner, for packets that have to change in an order of their own.",
        "",
        "## Priorities in detours",
        "",
        "A slot is an incoming port and a mark; within it the longest prefix wins.",
        "",
        "| priority | name | what it is for |",
        "|---|---|---|",
        *(f"| {rung.value}{more} | {rung.name} | {says} |" for rung, more, says in _DETOURS_SAY),
        "",
        f"A mark is an Ethernet destination: {mac_text(RELEASED_MAC)} past the detour, the next ones on it.",
        "",
        "## Priorities in pins",
        "",
        "A pin is for one flow, matched exactly, so no two meet. It stands only where the routes leave a",
        "choice, and sends the packet to one of their next hops, or to another when that one's port is dead.",
        "",
        "| priority | what it is for |",
        "|---|---|",
        f"| {PIN_PRIORITY} | a flow that is to go another way than the routes would choose |",
        "",
        "## The cookie of a rule",
        "",
        *(getdoc(Cookie) or "").splitlines(),
        "",
        "| owner | number |",
        "|---|---|",
        *(f"| {owner.name} | {owner.value} |" for owner in Owner),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(page(), end="")

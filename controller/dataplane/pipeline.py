"""The pipeline: the tables that every switch has, in order, and the priorities within them, as data.

    admission -> policy -> class -> pins -> routes

A packet enters at `admission` and may only move forward. Each table has one owner, whose number stands in the
cookie of each of its rules; a table that nobody fills holds one rule of the owner PIPELINE that passes
everything on.

Priorities are ladders, kept here and nowhere else, because a priority has a meaning only beside the others of
its table: admission's is a list of named rungs (`AdmissionPriority`); in routes a rung is a family's base
plus the length of the prefix (`mac_priority`, `ipv4_priority`, `ipv6_priority`), so that the longest prefix
wins, IPv6 and IPv4 come before Ethernet, and no two families share a rung.

docs/pipeline.md is generated from this module: `python -m controller.dataplane.pipeline > docs/pipeline.md`.
"""

from __future__ import annotations

from enum import IntEnum

from controller.model.flow import Owner


class Table(IntEnum):
    """The tables of the pipeline; the number is the table's number on the switch."""

    ADMISSION = 0
    POLICY = 1
    CLASS = 2
    PINS = 3
    ROUTES = 4


PURPOSE: dict[Table, str] = {
    Table.ADMISSION: "who may speak, and what the controller must hear: LLDP, ARP, ND, DHCP; anti-spoofing",
    Table.POLICY: "allow and deny, segmentation",
    Table.CLASS: "quality of service: meter, queue, DSCP",
    Table.PINS: "exact-match paths of traffic engineering",
    Table.ROUTES: "longest prefix on IPv6, IPv4 and Ethernet destination",
}

TABLE_OWNER: dict[Table, Owner] = {
    Table.ADMISSION: Owner.ADMISSION,
    Table.POLICY: Owner.POLICY,
    Table.CLASS: Owner.CLASS,
    Table.PINS: Owner.PINS,
    Table.ROUTES: Owner.ROUTES,
}

PUNT_METER = 1
"""The meter that bounds what a switch hands to the controller."""

PASS_PRIORITY = 0
"""The priority of the rule that passes everything on, in a table that nobody fills."""


class AdmissionPriority(IntEnum):
    """The rungs of the admission table, highest first."""

    LLDP = 1000
    CONTROL = 900
    GROUP_ADDRESS = 880
    LINK = 800
    STATION = 700
    UNKNOWN = 1
    DROP = 0


class RouteBase(IntEnum):
    """Where each family's rungs begin in the routes table."""

    MAC = 100
    IPV4 = 1000
    IPV6 = 2000


def mac_priority(prefix_len: int) -> int:
    """The rung of a rule on the first `prefix_len` bits (0 to 48) of the Ethernet destination."""
    return RouteBase.MAC + prefix_len


def ipv4_priority(prefix_len: int, *, gateway: bool = False) -> int:
    """The rung of an IPv4 prefix; `gateway` for the variant of a host rule that routes between subnets, one
    above.
    """
    return RouteBase.IPV4 + 2 * prefix_len + gateway


def ipv6_priority(prefix_len: int, *, gateway: bool = False) -> int:
    """The rung of an IPv6 prefix; `gateway` for the variant of a host rule that routes between subnets, one
    above.
    """
    return RouteBase.IPV6 + 2 * prefix_len + gateway

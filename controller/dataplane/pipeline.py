"""The pipeline: the tables that every switch has, in order, as data.

    admission -> policy -> class -> pins -> routes

A packet enters at `admission` and may only move forward. docs/pipeline.md is generated from this module.
"""

from __future__ import annotations

from enum import IntEnum


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

PUNT_METER = 1
"""The meter that bounds what a switch hands to the controller."""

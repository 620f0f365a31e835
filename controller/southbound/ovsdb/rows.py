"""Columns as values: the little that is read of five tables.

    Bridge     datapath_id, ports, controller, sflow     which switch it is, and whose
    Controller target
    Port       interfaces
    Interface  ofport, ifindex, bfd, bfd_status, external_ids
    sFlow      targets, sampling, external_ids

A column holds an atom, or `["set", [...]]`, `["map", [[key, value], ...]]`, `["uuid", text]` (RFC 7047,
section 5.1). Of maps only the keys that matter are kept, and no text that is longer than it has reason to be:
a row costs some hundred bytes, whatever its database says. `Interface.statistics` changes all the time and is
never asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.model.identity import Dpid, PortNo
from controller.southbound.ovsdb.framing import Json, Unbearable

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "Bridge": ("datapath_id", "ports", "controller", "sflow"),
    "Controller": ("target",),
    "Port": ("interfaces",),
    "Interface": ("ofport", "ifindex", "bfd", "bfd_status", "external_ids"),
    "sFlow": ("targets", "sampling", "external_ids"),
}
MARK = "treadle-bfd"
"""The key in `external_ids` that says what of `bfd` is ours (bfd.py)."""

OURS = ("treadle", "sflow")
"""The pair in `external_ids` that says that a row of table sFlow is ours (sampling.py)."""

OPENFLOW_PORT = 6653
"""Where a controller listens when its target does not say."""

BFD_KEYS = ("enable", "min_rx", "min_tx")
_STATUS_KEYS = ("forwarding", "flap_count", "diagnostic")
_LONGEST_TEXT = 128
_MOST_IN_A_SET = 4096
_LAST_PORT = 0xFEFF  # 0xff00 in OpenFlow 1.0's numbering, which the database keeps; the local port is above
_NONE = ["set", []]
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TARGET = re.compile(r"(tcp|ssl):(\[[^\]]*\]|[^:]*)(:(?P<port>[0-9]{1,5}))?")
_DPID = re.compile(r"[0-9a-fA-F]{16}")


@dataclass(frozen=True, slots=True)
class Bridge:
    dpid: Dpid | None
    ports: frozenset[str]
    controllers: frozenset[str]
    sflow: str | None = None


@dataclass(frozen=True, slots=True)
class Controller:
    """Where a bridge finds a controller: the TCP port, None where the target has none (`ptcp:`, `punix:`)."""

    listens_on: int | None


@dataclass(frozen=True, slots=True)
class Port:
    interfaces: frozenset[str]


@dataclass(frozen=True, slots=True)
class Interface:
    """`mark` is the text under `MARK`, empty where there is none; `index` is the number that the switch's
    machine gives the interface.
    """

    port: PortNo | None
    bfd: Mapping[str, str] = field(default_factory=dict)
    status: Mapping[str, str] = field(default_factory=dict)
    mark: str = ""
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a bridge samples: one frame in so many, to whom, and whether it was us who said so."""

    one_in: int | None
    targets: frozenset[str]
    is_ours: bool


Row = Bridge | Controller | Port | Interface | Sampling


def row(table: str, columns: Json) -> Row:
    """One row as its database shows it. Raises `Unbearable`."""
    match table:
        case "Bridge":
            dpid, ports = _dpid(columns.get("datapath_id")), _references(columns.get("ports"))
            sflow = _references(columns.get("sflow", _NONE))
            return Bridge(dpid, ports, _references(columns.get("controller")), min(sflow, default=None))
        case "Controller":
            return Controller(_target_port(columns.get("target")))
        case "Port":
            return Port(_references(columns.get("interfaces")))
        case "Interface":
            return Interface(
                _port(columns.get("ofport")),
                _texts(columns.get("bfd"), BFD_KEYS),
                _texts(columns.get("bfd_status"), _STATUS_KEYS),
                _texts(columns.get("external_ids"), (MARK,)).get(MARK, ""),
                _number(columns.get("ifindex", _NONE)),
            )
        case "sFlow":
            marks = _texts(columns.get("external_ids"), OURS[:1])
            return Sampling(
                _number(columns.get("sampling")), _targets(columns), marks.get(OURS[0]) == OURS[1]
            )
        case _:
            raise Unbearable("a table that nobody asked for")


def uuid(value: object) -> str:
    """A row's name. Raises `Unbearable`."""
    if not isinstance(value, str) or not _UUID.fullmatch(value):
        raise Unbearable("a row without a name")
    return value


def _items(value: Any) -> list[Any]:
    """The members of a set; one alone is written without one."""
    members = value[1] if isinstance(value, list) and len(value) == 2 and value[0] == "set" else [value]
    if not isinstance(members, list) or len(members) > _MOST_IN_A_SET:
        raise Unbearable("a set that is none, or too large")
    return members


def _references(value: Any) -> frozenset[str]:
    found = set()
    for member in _items(value):
        if not isinstance(member, list) or len(member) != 2 or member[0] != "uuid":
            raise Unbearable("a reference that is none")
        found.add(uuid(member[1]))
    return frozenset(found)


def _number(value: Any) -> int | None:
    members = _items(value)
    return members[0] if len(members) == 1 and type(members[0]) is int and members[0] > 0 else None


def _targets(columns: Json) -> frozenset[str]:
    members = _items(columns.get("targets"))
    return frozenset(each for each in members if isinstance(each, str) and len(each) <= _LONGEST_TEXT)


def _dpid(value: Any) -> Dpid | None:
    members = _items(value)
    if len(members) == 1 and isinstance(members[0], str) and _DPID.fullmatch(members[0]):
        return Dpid(int(members[0], 16))
    return None


def _target_port(value: Any) -> int | None:
    found = _TARGET.fullmatch(value) if isinstance(value, str) and len(value) <= _LONGEST_TEXT else None
    return None if found is None else int(found["port"] or OPENFLOW_PORT)


def _port(value: Any) -> PortNo | None:
    members = _items(value)
    if len(members) == 1 and type(members[0]) is int and 0 < members[0] <= _LAST_PORT:
        return PortNo(members[0])
    return None


def _texts(value: Any, keys: tuple[str, ...]) -> dict[str, str]:
    if not isinstance(value, list) or len(value) != 2 or value[0] != "map" or not isinstance(value[1], list):
        raise Unbearable("a map that is none")
    found = {}
    for pair in value[1]:
        if not isinstance(pair, list) or len(pair) != 2:
            raise Unbearable("a map that is none")
        key, text = pair
        if key in keys:
            if not isinstance(text, str) or len(text) > _LONGEST_TEXT:
                raise Unbearable(f"a text under '{key}' that is none, or too long")
            found[key] = text
    return found

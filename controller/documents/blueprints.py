"""Blueprints from text: a specification such as `fat_tree:4`, or a YAML file that says every cable.

    name: two racks
    capacity: 10M                     # of every cable that has no other; may be left out
    switches:
      leaf1: {dpid: 1, tier: leaf}    # the tier and the pod may be left out
      leaf2: {dpid: 2, tier: leaf}
      spine1: {dpid: 0x10, tier: spine}
    cables:
      - [leaf1:2, spine1:1]           # switch:port at both ends
      - {between: [leaf2:2, spine1:2], capacity: 1G}
    hosts:
      h1: {address: 10.0.0.1/8, at: leaf1:1}
      h2: {address: 10.0.0.2/8, at: leaf2:1, mac: 02:00:00:00:00:02}

`write_blueprint` writes what `load_blueprint` reads. Whoever wrote the file hears about the first thing
that is wrong with it: file, line, key, and the nearest right key. Files are small (1 MiB at most) and
aliases are refused, so that a few lines cannot unfold into gigabytes.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import yaml

from controller.documents.yaml_tree import Entry, read_yaml
from controller.model.blueprint import (
    Blueprint,
    Cable,
    HostPlan,
    SwitchPlan,
    fat_tree,
    leaf_spine,
    linear,
    mesh,
    ring,
    tree,
)
from controller.model.errors import ModelError, OperatorError
from controller.model.identity import Dpid, Mac, PortRef, mac_text, parse_mac, port_ref

MAX_PORT = 0xFFFFFF00
_SHAPES: Mapping[str, tuple[Callable[..., Blueprint], int]] = {
    "fat_tree": (fat_tree, 1),
    "leaf_spine": (leaf_spine, 3),
    "ring": (ring, 1),
    "mesh": (mesh, 1),
    "linear": (linear, 1),
    "tree": (tree, 2),
}
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9}
_RATE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMG]?)")


def load_blueprint(text: str, *, capacity_bps: int | None = None) -> Blueprint:
    """The blueprint that `text` means: a shape with its numbers, or the path of a YAML file.

    `capacity_bps` goes to every cable of a shape; a file says its own. Raises `OperatorError`.
    """
    if text.endswith((".yaml", ".yml")) or "/" in text:
        return read_blueprint(Path(text))
    return parse_spec(text, capacity_bps=capacity_bps)


def parse_spec(text: str, *, capacity_bps: int | None = None) -> Blueprint:
    """The blueprint of a specification such as `fat_tree:4`, `leaf_spine(4,2)` or `ring`. Raises
    `OperatorError`.
    """
    name, _, rest = text.replace("(", ":", 1).removesuffix(")").partition(":")
    shape = _SHAPES.get(name.strip().replace("-", "_"))
    if shape is None:
        raise OperatorError(
            f"there is no topology '{name}'", mend=_nearest(name, _SHAPES, "or the path of a .yaml file")
        )
    make, most = shape
    words = [word.strip() for word in rest.split(",")] if rest else []
    if len(words) > most or not all(word.isdecimal() for word in words):
        raise OperatorError(
            f"'{text}' is not a topology", mend=f"{name} takes up to {most} whole numbers, as in {name}:4"
        )
    try:
        return make(*map(int, words), capacity_bps=capacity_bps)
    except ModelError as error:
        raise OperatorError(str(error), mend="choose other numbers") from None


def shapes() -> tuple[str, ...]:
    """The names that a specification can begin with."""
    return tuple(_SHAPES)


def parse_rate(text: str) -> int:
    """Bits per second from text such as `10M`, `1.5G` or `64000`; ValueError where it is none, or zero."""
    found = _RATE.fullmatch(text.strip().upper())
    rate_bps = int(float(found[1]) * _UNITS[found[2]]) if found else 0
    if not rate_bps:
        raise ValueError(f"'{text}' is not a rate in bits per second, such as 10M")
    return rate_bps


def read_blueprint(path: Path) -> Blueprint:
    """The blueprint in a YAML file. Raises `OperatorError` that says where it is wrong."""
    return _Reader(read_yaml(path), path.stem).blueprint()


class _Reader:
    """Walks through a document once; every complaint knows its line."""

    def __init__(self, document: Entry, default_name: str) -> None:
        document.only("name", "capacity", "switches", "cables", "hosts")
        self._document = document
        self._name = default_name
        self._ends: dict[PortRef, list[Entry]] = {}
        self._dpids: dict[int, str] = {}
        self._switches = {
            name: self._switch(name, entry) for name, entry in document.needs("switches").named()
        }
        self._capacity_bps = document.get("capacity", lambda entry: entry.read(parse_rate))

    def blueprint(self) -> Blueprint:
        name = self._document.get("name", Entry.text) or self._name
        cables = self._document.get("cables", lambda entry: tuple(map(self._cable, entry.listed()))) or ()
        hosts = (
            self._document.get("hosts", lambda entry: tuple(self._host(*each) for each in entry.named()))
            or ()
        )
        self._each_port_once()
        try:
            return Blueprint(name, tuple(sorted(self._switches.values())), tuple(sorted(cables)), hosts)
        except ModelError as error:
            raise self._document.wrong(str(error)) from None

    def _switch(self, name: str, entry: Entry) -> SwitchPlan:
        entry.only("dpid", "tier", "pod")
        dpid = entry.needs("dpid").whole(1, (1 << 64) - 1)
        owner = self._dpids.setdefault(dpid, name)
        if owner != name:
            raise entry.needs("dpid").wrong(f"{dpid} is the identifier of {owner} already")
        tier = entry.get("tier", Entry.text) or "switch"
        return SwitchPlan(Dpid(dpid), name, tier, entry.get("pod", lambda pod: pod.whole(0, 1 << 32)))

    def _cable(self, entry: Entry) -> Cable:
        capacity_bps, between = self._capacity_bps, entry
        if entry.is_named():
            entry.only("between", "capacity")
            between = entry.needs("between")
            capacity_bps = entry.get("capacity", lambda rate: rate.read(parse_rate)) or capacity_bps
        ends = between.listed()
        if len(ends) != 2:
            raise between.wrong("needs two ends, as in [leaf1:2, spine1:1]")
        a, b = sorted(map(self._end, ends))
        return Cable(a, b, capacity_bps)

    def _host(self, name: str, entry: Entry) -> HostPlan:
        entry.only("address", "at", "mac", "capacity")
        address = entry.needs("address").read(_interface)
        mac = entry.get("mac", lambda mac: mac.read(parse_mac)) or _own_mac(address.ip)
        capacity_bps = entry.get("capacity", lambda rate: rate.read(parse_rate)) or self._capacity_bps
        at = self._end(entry.needs("at"))
        return HostPlan(name, mac, address.ip, address.network.prefixlen, at, capacity_bps)

    def _end(self, entry: Entry) -> PortRef:
        name, _, number = entry.text().rpartition(":")
        if not number.isdecimal() or not 1 <= int(number) <= MAX_PORT:
            raise entry.wrong("needs a switch and a port number, as in leaf1:2")
        if name not in self._switches:
            raise entry.wrong(f"there is no switch '{name}'", _nearest(name, self._switches))
        end = port_ref(self._switches[name].dpid, int(number))
        self._ends.setdefault(end, []).append(entry)
        return end

    def _each_port_once(self) -> None:
        for entries in self._ends.values():
            if len(entries) > 1:
                raise entries[1].wrong(f"port {entries[1].text()} is used in line {entries[0].line} already")


def _interface(text: str) -> IPv4Interface:
    if "/" not in text:
        raise ValueError("needs an address with its prefix length, as in 10.0.0.1/8")
    return IPv4Interface(text)


def _own_mac(address: IPv4Address) -> Mac:
    return Mac(0x0200_0000_0000 | int(address))


def _nearest(name: str, known: Mapping[str, object], otherwise: str = "") -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    choice = f"known are {', '.join(list(known)[:12])}"
    return f"{choice} {otherwise}".strip()


def write_blueprint(blueprint: Blueprint) -> str:
    """The text of a YAML file from which the same blueprint is read."""
    names = {switch.dpid: switch.name for switch in blueprint.switches}

    def end(ref: PortRef) -> str:
        return f"{names[ref.dpid]}:{ref.port}"

    document: dict[str, object] = {
        "name": blueprint.name,
        "switches": {
            switch.name: _without_none(dpid=int(switch.dpid), tier=switch.tier, pod=switch.pod)
            for switch in blueprint.switches
        },
        "cables": [
            _without_none(between=[end(cable.a), end(cable.b)], capacity=_rate_text(cable.capacity_bps))
            for cable in blueprint.cables
        ],
        "hosts": {
            host.name: _without_none(
                address=f"{host.address}/{host.prefix_len}",
                at=end(host.at),
                mac=mac_text(host.mac),
                capacity=_rate_text(host.capacity_bps),
            )
            for host in blueprint.hosts
        },
    }
    return yaml.safe_dump(document, sort_keys=False, default_flow_style=None, width=110)


def _rate_text(rate_bps: int | None) -> str | None:
    return None if rate_bps is None else str(rate_bps)


def _without_none(**fields: object) -> dict[str, object]:
    return {key: value for key, value in fields.items() if value is not None}

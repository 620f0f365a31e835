"""Names on the machine: short, and no two labs have one in common.

Linux allows an interface 15 characters, and everything in the root namespace shares one space of names. So
a lab has an id of three characters (`t0a`), and its parts are called

    t0as12           the bridge of switch s12
    t0as12-eth3      port 3 of switch s12
    h1-eth0          the host's end of its cable; it lives in a namespace of its own, where no other lab is

People never see these: in reports, on the prompt and on the wire the names of the blueprint stand (`s12`,
`h1`). Where a blueprint has names that do not fit, its switches are numbered `n1`, `n2`, ... on the
machine, all of them, so that none can be mistaken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from controller.model.blueprint import Blueprint
from controller.model.identity import Dpid, PortNo, PortRef

LAB_IDS = 36 * 36
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_FITS = re.compile(r"[a-z][a-z0-9]{0,4}")
_INTERFACE_GROUPS_FROM = 0x7EAD_0000


def lab_id(number: int) -> str:
    """The id of this number: `t00` is 0, `t0a` is 10."""
    return f"t{_DIGITS[number // 36]}{_DIGITS[number % 36]}"


def interface_group(lab: str) -> int:
    """The kernel's group number for the interfaces of a lab, so that all of them go at once."""
    return _INTERFACE_GROUPS_FROM + int(lab[1:], 36)


@dataclass(frozen=True)
class Names:
    """The names that the parts of one blueprint have in one lab."""

    lab: str
    blueprint: Blueprint

    @cached_property
    def _short(self) -> Mapping[Dpid, str]:
        switches = self.blueprint.switches
        if all(_FITS.fullmatch(switch.name) for switch in switches):
            return {switch.dpid: switch.name for switch in switches}
        return {switch.dpid: f"n{number}" for number, switch in enumerate(switches, 1)}

    def bridge(self, dpid: Dpid) -> str:
        return f"{self.lab}{self._short[dpid]}"

    def port(self, end: PortRef) -> str:
        return f"{self.bridge(end.dpid)}-eth{end.port}"

    @property
    def bridges(self) -> tuple[str, ...]:
        return tuple(self.bridge(switch.dpid) for switch in self.blueprint.switches)

    @cached_property
    def ports(self) -> Mapping[PortRef, str]:
        """The interface of each port that the blueprint uses, by switch and number."""
        ends = [end for cable in self.blueprint.cables for end in (cable.a, cable.b)]
        ends += [host.at for host in self.blueprint.hosts]
        return {end: self.port(end) for end in sorted(ends)}


def next_free_port(used: Mapping[PortRef, object], dpid: Dpid) -> PortNo:
    """The lowest number above all that the switch uses."""
    return PortNo(max((end.port for end in used if end.dpid == dpid), default=0) + 1)

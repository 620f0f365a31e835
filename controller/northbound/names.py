"""What things are called: names for what is shown, and things for what was typed.

A switch goes by the blueprint's name, or by its identifier in 16 hexadecimal digits; it can be typed as
either, or as a plain number. A host goes by the blueprint's name, or by its MAC address; it can be typed as
name, IP address or MAC address. What cannot be found is an `OperatorError` that names the nearest thing that
can."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address

from controller.model.blueprint import Blueprint, HostPlan
from controller.model.errors import ModelError, OperatorError
from controller.model.identity import Dpid, IpAddress, Mac, PortRef, dpid_text, mac_text, parse_mac
from controller.model.topology import Host, Topology

_DPID_DIGITS = 16


@dataclass(frozen=True)
class Names:
    """The names of one snapshot."""

    topology: Topology
    blueprint: Blueprint | None = None

    def switch(self, dpid: Dpid) -> str:
        plan = self.blueprint.switch_by_dpid.get(dpid) if self.blueprint else None
        return plan.name if plan else dpid_text(dpid)

    def port(self, at: PortRef) -> str:
        """`s1:3`"""
        return f"{self.switch(at.dpid)}:{at.port}"

    def host(self, host: Host) -> str:
        plan = self._plan(host)
        return plan.name if plan else mac_text(host.mac)

    def prefix_len(self, host: Host) -> int | None:
        """How long the host's own subnet is, where the blueprint says so."""
        plan = self._plan(host)
        return plan.prefix_len if plan else None

    def find_switch(self, text: str) -> Dpid:
        """The switch that was typed. Raises `OperatorError`."""
        planned = {plan.name: plan.dpid for plan in self.blueprint.switches} if self.blueprint else {}
        if text in planned:
            return planned[text]
        known = self.topology.switch_by_dpid.keys() | set(planned.values())
        for candidate in _numbers(text):
            if candidate in known:
                return candidate
        names = [self.switch(dpid) for dpid in sorted(known)]
        raise OperatorError(f"there is no switch '{text}'", mend=_nearest(text, names, "switch"))

    def find_host(self, text: str) -> Host | IpAddress:
        """The host that was typed; the bare address where it is one that no known host has.

        Raises `OperatorError` for a name or a MAC address that is not known.
        """
        host = self._by_name.get(text) or self._by_mac(text)
        if host is not None:
            return host
        try:
            address = ip_address(text)
        except ValueError:
            raise OperatorError(
                f"there is no host '{text}'", mend=_nearest(text, list(self._by_name), "host")
            ) from None
        return self.topology.host_by_address.get(address, address)

    @cached_property
    def _by_name(self) -> dict[str, Host]:
        return {self.host(host): host for host in self.topology.hosts}

    def _by_mac(self, text: str) -> Host | None:
        try:
            return self.topology.host_by_mac.get(parse_mac(text))
        except ModelError:
            return None

    @cached_property
    def _plans(self) -> dict[Mac | IpAddress, HostPlan]:
        plans: dict[Mac | IpAddress, HostPlan] = {}
        for plan in self.blueprint.hosts if self.blueprint else ():
            plans[plan.mac] = plans[plan.address] = plan
        return plans

    def _plan(self, host: Host) -> HostPlan | None:
        keys: tuple[Mac | IpAddress, ...] = (host.mac, *host.addresses)
        return next((self._plans[key] for key in keys if key in self._plans), None)


def _numbers(text: str) -> Iterable[Dpid]:
    """The identifiers that a text may mean: 16 digits are hexadecimal, fewer are decimal first."""
    digits = text.lower().removeprefix("0x").replace(":", "")
    if text.isascii() and text.isdigit() and len(text) < _DPID_DIGITS:
        yield Dpid(int(text))
    if re.fullmatch(r"[0-9a-f]{1,16}", digits):
        yield Dpid(int(digits, 16))


def _nearest(text: str, known: list[str], what: str) -> str:
    if not known:
        return f"no {what} is known yet"
    near = difflib.get_close_matches(text, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"for instance {known[0]}"

"""Treadle's topologies for plain Mininet:

    mn --custom mininet_scenarios/topologies.py --topo fattree,4 \\
       --controller remote --switch ovs,datapath=user

`fattree,K`, `leafspine,LEAVES,SPINES`, `ring,N` and `mesh,N`, with the switch identifiers, port numbers and
addresses of the blueprints, so that `treadle run --blueprint fat_tree:4` knows the fabric. Switches speak
OpenFlow 1.3. Hosts compute checksums themselves: with them left to the interface, TCP through a userspace
switch connects never, while ping works. Interfaces on the switches' side have no IPv6.

Beware: when `mn` fails or is interrupted it cleans the whole machine, other labs and all processes named
`mininet:` included. Mininet's own class (as in tests/emulation/test_lab_plain_mininet.py) does not.

This file runs in the interpreter of `mn`, which is the system's: it imports Mininet, the standard library
and the blueprints, nothing else.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mininet.link import Intf
from mininet.node import Host
from mininet.topo import Topo


def _project() -> Path:
    """The directory that holds `controller/`. Mininet executes this file without telling it its name, so
    look for it in what `mn` was called with."""
    named = globals().get("__file__")
    words = (
        [named]
        if named
        else [part for word in sys.argv for part in word.removeprefix("--custom=").split(",")]
    )
    for word in words:
        folder = Path(word).resolve().parent.parent
        if (folder / "controller" / "model" / "blueprint.py").is_file():
            return folder
    raise SystemExit("topologies.py: call it by its own path, as in --custom mininet_scenarios/topologies.py")


sys.path.insert(0, str(_project()))

from controller.model import blueprint as plans  # noqa: E402
from controller.model.errors import ModelError  # noqa: E402
from controller.model.identity import mac_text  # noqa: E402


class QuietIntf(Intf):
    """An interface that is silent on a switch's side: its own IPv6 would pass for a host on every cable."""

    def config(self, **params: Any) -> dict[str, Any]:
        """Configure as Mininet does, but without IPv6 outside of the hosts' namespaces."""
        if not self.node.inNamespace:
            Path(f"/proc/sys/net/ipv6/conf/{self.name}/disable_ipv6").write_text("1")
        return super().config(**params)


class ChecksumHost(Host):
    """A host that finishes its checksums before it sends."""

    def config(self, **params: Any) -> dict[str, Any]:
        """Configure as Mininet does, then turn the interface's checksums off."""
        done = super().config(**params)
        self.cmd(f"ethtool -K {self.defaultIntf()} tx off")
        return done


class BlueprintTopo(Topo):
    """A Mininet topology made from a blueprint."""

    def build(self, plan: plans.Blueprint) -> None:
        """Add what the blueprint names, port by port."""
        names = {switch.dpid: switch.name for switch in plan.switches}
        for switch in plan.switches:
            self.addSwitch(switch.name, dpid=f"{switch.dpid:016x}", protocols="OpenFlow13")
        for host in plan.hosts:
            address = f"{host.address}/{host.prefix_len}"
            self.addHost(host.name, cls=ChecksumHost, ip=address, mac=mac_text(host.mac))
            self.addLink(host.name, names[host.at.dpid], 0, host.at.port, intf=QuietIntf)
        for cable in plan.cables:
            self.addLink(names[cable.a.dpid], names[cable.b.dpid], cable.a.port, cable.b.port, intf=QuietIntf)


def _topo(shape: Callable[..., plans.Blueprint]) -> Callable[..., BlueprintTopo]:
    def make(*numbers: int) -> BlueprintTopo:
        try:
            return BlueprintTopo(shape(*numbers))
        except ModelError as error:
            raise SystemExit(f"topologies.py: {error}") from None

    return make


topos = {
    "fattree": _topo(plans.fat_tree),
    "leafspine": _topo(plans.leaf_spine),
    "ring": _topo(plans.ring),
    "mesh": _topo(plans.mesh),
}

"""Mininet's nodes, made to fit labs that run side by side and start in a second.

Mininet starts a shell for each switch and configures interfaces one command at a time. Here a switch gets
its shell when somebody first types a command for it, interfaces come ready made (build.py), and the names
that people see differ from those on the machine (names.py). What remains is Mininet's own: its prompt, `h1
ping h2`, `link s1 s2 down`, `dpctl`, `pingall`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import Popen
from typing import Any

from mininet.link import Intf, Link
from mininet.node import Host, Node, OVSSwitch

from controller.model.blueprint import HostPlan, SwitchPlan
from controller.model.identity import mac_text
from mininet_scenarios.state import LabState


class LabHost(Host):
    """A host: a shell in a network namespace of its own, which carries the lab's mark."""

    def __init__(self, plan: HostPlan, lab: LabState) -> None:
        self.plan = plan
        self._lab = lab
        super().__init__(plan.name, ip=f"{plan.address}/{plan.prefix_len}", mac=mac_text(plan.mac))

    def startShell(self, mnopts: str | None = None) -> None:
        """Start the shell; in a list of processes it stands as `mininet:<lab>h1`."""
        self.name = f"{self._lab.id}{self.plan.name}"
        super().startShell(mnopts)
        self.name = self.plan.name

    def _popen(self, cmd: list[str], **params: Any) -> Popen[bytes]:
        params.setdefault("env", self._lab.environment())
        return super()._popen(cmd, **params)


class LabSwitch(OVSSwitch):
    """A switch whose bridge exists already; its shell starts when it is first needed, and the tools of Open
    vSwitch that are typed there speak to the daemons of this switch.
    """

    def __init__(
        self, plan: SwitchPlan, bridge: str, lab: LabState, datapath: str, run_directory: Path
    ) -> None:
        self.plan = plan
        self.bridge = bridge
        self._environment = lab.environment() | {"OVS_RUNDIR": str(run_directory)}
        self._awake = False
        super().__init__(plan.name, dpid=f"{plan.dpid:016x}", datapath=datapath, protocols="OpenFlow13")
        self._awake = True

    def startShell(self, mnopts: str | None = None) -> None:
        """Start the shell, but not before the switch is complete."""
        if self._awake:
            super().startShell(mnopts)

    def sendCmd(self, *args: Any, **kwargs: Any) -> None:
        """Hand a command to the shell."""
        self._wake()
        super().sendCmd(*args, **kwargs)

    def cmd(self, *args: Any, **kwargs: Any) -> str:
        """Run a command in the shell and return what it printed."""
        if not self._awake:  # Mininet would bring `lo` up, once for each switch
            return ""
        self._wake()
        return str(super().cmd(*args, **kwargs))

    def dpctl(self, *args: str) -> str:
        """Run `ovs-ofctl` on the bridge (Mininet's `dpctl`)."""
        return self.cmd("ovs-ofctl", "-O", "OpenFlow13", args[0], self.bridge, *args[1:])

    def _wake(self) -> None:
        if not self.shell:
            self.startShell()

    def _popen(self, cmd: list[str], **params: Any) -> Popen[bytes]:
        params.setdefault("env", self._environment)
        return super()._popen(cmd, **params)


class ReadyIntf(Intf):
    """An interface that is configured already."""

    def __init__(
        self, name: str, node: Node, port: int, link: Link, address: tuple[str, int, str] | None = None
    ) -> None:
        super().__init__(name, node, port, link, moveIntfFn=_leave_it_there)
        if address is not None:
            self.ip, self.prefixLen, self.mac = address

    def config(self, *_args: Any, **_params: Any) -> dict[str, Any]:
        """Nothing: it is."""
        return {}


class ReadyLink(Link):
    """A cable that is there already; `make1` and `make2` describe its ends to Mininet."""

    def __init__(self, make1: Callable[[Link], Intf], make2: Callable[[Link], Intf]) -> None:
        self.intf1, self.intf2 = make1(self), make2(self)


def _leave_it_there(*_args: Any) -> None:
    """Instead of Mininet's move into the namespace: the cable was made with its end inside."""

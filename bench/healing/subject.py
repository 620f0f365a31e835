"""A fabric under test, whoever runs it: what the procedure needs of it and no more.

`LabSubject` is Open vSwitch with an OpenFlow controller, ours or a peer's; `RoutedFabric` (routed/) is a
fabric of routers. How long a peer is given to recover and to calm down is its `Patience`: spanning tree
needs a minute for what others do in the time of a few packets.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from bench.healing.interfaces import interface_counters
from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError
from controller.model.identity import PortRef
from controller.northbound.client import ask
from mininet_scenarios.faults import End, Fault
from mininet_scenarios.lab import Lab, PortTraffic
from mininet_scenarios.traffic import PERIOD_S, Pair, Traffic

_POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait, in seconds: for the first packets, for recovery at least and at most, after the
    repair at least and at most, and how long nothing may be lost until it counts as calm.

    `period_s` is between two probes of a flow: longer only for controllers that have every packet sent to
    them while they learn, and who would be measured drowning. `ways` is how many paths one pair of hosts may
    be given: 1 where ports are not looked at.
    """

    before_s: float = 0.3
    dark_s: float = 0.5
    recover_s: float = 5.0
    after_s: float = 1.5
    stable_s: float = 15.0
    calm_s: float = 0.5
    up_s: float = 60.0
    period_s: float = PERIOD_S
    ways: int = 6


class Subject(Protocol):
    """A running fabric. All times are of the probes' clock."""

    @property
    def blueprint(self) -> Blueprint: ...
    @property
    def traffic(self) -> Traffic: ...
    @property
    def pairs(self) -> tuple[Pair, ...]: ...
    @property
    def switching(self) -> str: ...
    def come_up(self) -> None:
        """Wait until every host reaches every other and nothing moves any more. Raises `OperatorError`."""

    def converged(self, timeout_s: float) -> bool:
        """Wait until all is as it came up; False when time is up."""

    def counters(self) -> Mapping[PortRef, PortTraffic]: ...
    def cpu_s(self) -> float: ...
    def cut(self, a: str, b: str, at: End = "both") -> Fault: ...
    def restore(self, a: str, b: str) -> Fault: ...
    def kill_switch(self, name: str) -> Fault: ...
    def restart_switch(self, name: str) -> Fault: ...


Maker = Callable[[Blueprint], AbstractContextManager[Subject]]


class LabSubject:
    """Open vSwitch and an OpenFlow controller. `converged` is asked of the controller where it can be: by
    `ours`; of others it is believed when all pairs are reached.
    """

    def __init__(self, lab: Lab, *, ours: bool, patience: Patience) -> None:
        self.lab = lab
        self._ours = ours
        self._patience = patience

    def __enter__(self) -> Self:
        self.lab.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.lab.stop()

    @property
    def blueprint(self) -> Blueprint:
        return self.lab.blueprint

    @property
    def traffic(self) -> Traffic:
        return self.lab.traffic

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return self.lab.pairs

    @property
    def switching(self) -> str:
        return self.lab.fabric.switching

    def come_up(self) -> None:
        found = self.lab.ping_all(timeout_s=self._patience.up_s)
        if not found.complete or not self.converged(self._patience.up_s):
            raise OperatorError(
                f"{len(found.missing)} of {found.pairs} pairs are not reached",
                mend=f"the controller's last words: {self.lab.controller.last_words()}",
            )
        time.sleep(self._patience.calm_s)

    def converged(self, timeout_s: float) -> bool:
        if not self._ours:
            return self.lab.ping_all(timeout_s=timeout_s).complete
        deadline_s = time.monotonic() + timeout_s
        while not self._complete():
            if time.monotonic() > deadline_s:
                return False
            time.sleep(_POLL_S)
        return True

    def _complete(self) -> bool:
        """Our controller knows every switch and cable and has nothing left to do; or it is dead, and nothing
        more can be expected of it.
        """
        if self.lab.controller.pid is None:
            return True
        try:
            status, protection = self.status(), self.protection()
        except OperatorError:
            return False
        size = self.blueprint
        whole = status["switches_connected"], status["links"]
        searching = protection["protection"] and protection["searching"]
        return protection["idle"] and not searching and whole == (len(size.switches), len(size.cables))

    def status(self) -> dict[str, Any]:
        """Our controller in numbers. Raises `OperatorError` when it does not answer."""
        return ask(self.lab.controller.socket_path, {"do": "status"})

    def protection(self) -> dict[str, Any]:
        """What our controller says is protected, and what it costs. Raises `OperatorError` likewise."""
        return ask(self.lab.controller.socket_path, {"do": "protection"})

    def counters(self) -> Mapping[PortRef, PortTraffic]:
        """One reading of one file: all at the same moment, and a thousandth of a second for 300 ports."""
        carried = interface_counters()
        return {end: carried[name] for end, name in self.lab.fabric.names.ports.items()}

    def tables(self) -> Mapping[str, tuple[int, int]]:
        """How many rules and groups each switch holds."""
        return {
            switch.name: (
                self.lab.ofctl(switch.name, "dump-flows").count(" priority="),
                self.lab.ofctl(switch.name, "dump-groups").count("group_id="),
            )
            for switch in self.blueprint.switches
        }

    def cpu_s(self) -> float:
        return self.lab.controller.cpu_s()

    def cut(self, a: str, b: str, at: End = "both") -> Fault:
        return self.lab.cut(a, b, at)

    def restore(self, a: str, b: str) -> Fault:
        return self.lab.restore(a, b)

    def kill_switch(self, name: str) -> Fault:
        return self.lab.kill_switch(name)

    def restart_switch(self, name: str) -> Fault:
        return self.lab.restart_switch(name)

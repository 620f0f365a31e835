"""A lab: a fabric, its controller and its traffic, for as long as a `with` block lasts.

    with Lab(fat_tree(4)) as lab:
        lab.wait_until_reachable()
        fault = lab.cut("s3", "s17")
        print(lab.host("h1").cmd("ping -c 1 10.3.1.3"))

Whatever ends the block, nothing stays: leaving it, an exception, Ctrl-C, SIGTERM. A killed lab is removed
by the next one that starts, or by `treadle lab clean`.
"""

from __future__ import annotations

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, Self

from mininet.cli import CLI
from mininet.log import setLogLevel

from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError
from controller.model.identity import PortRef
from mininet_scenarios import machine, moving
from mininet_scenarios.build import Fabric, Progress, build, silent
from mininet_scenarios.controller import ControllerCommand, ControllerProcess, treadle
from mininet_scenarios.faults import Breakage, Direction, End, Fault, timed
from mininet_scenarios.flapping import Flapping
from mininet_scenarios.machine import Sharing
from mininet_scenarios.nodes import LabHost
from mininet_scenarios.traffic import Pair, Reachability, Traffic, all_pairs
from mininet_scenarios.wiring import ETHERNET_MTU

_HANDLED = (signal.SIGTERM, signal.SIGHUP)
_PING_TIMEOUT_S = 5


@dataclass(frozen=True, slots=True)
class PortTraffic:
    """What one switch port has carried: `sent` left the switch, `received` entered it."""

    sent_bytes: int
    sent_packets: int
    received_bytes: int
    received_packets: int


class Lab:
    """A running fabric with a controller.

    `controller` is a command (see controller.py), the address of one that runs already
    (`tcp:127.0.0.1:6653`), or None for switches that nobody controls. `directory` keeps the controller's
    log and socket after the end; without one they go with the lab. `ipv6` gives each host a second address,
    fd00::/64 with its IPv4 address as the last 32 bits. `mtu` is that of every interface. `daemons` is `shared`, where all switches are bridges
    of this machine's Open vSwitch, or `each`, where every switch has an Open vSwitch of its own (daemons.py).
    """

    def __init__(
        self,
        blueprint: Blueprint,
        controller: ControllerCommand | str | None = treadle(),  # noqa: B008 (a constant)
        *,
        ipv6: bool = False,
        mtu: int = ETHERNET_MTU,
        daemons: Sharing = "shared",
        directory: Path | None = None,
        progress: Progress = silent,
    ) -> None:
        self.blueprint = blueprint
        self._wanted = controller
        self._ipv6 = ipv6
        self._mtu = mtu
        self._daemons = daemons
        self._directory = directory
        self._progress = progress
        self._fabric: Fabric | None = None
        self._controller: ControllerProcess | None = None
        self._traffic: Traffic | None = None
        self._breakage: Breakage | None = None
        self._flapping: list[Flapping] = []
        self._signals: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if self._fabric is None:
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the controller and build the fabric beside it. Raises `OperatorError`; then nothing stays."""
        self._signals = _raise_on_signals()
        try:
            self._fabric = build(
                self.blueprint,
                prepare=self._start_controller,
                ipv6=self._ipv6,
                mtu=self._mtu,
                daemons=self._daemons,
                progress=self._progress,
            )
        except BaseException:
            self.stop()
            raise
        self._traffic = Traffic(self._fabric)

    def _start_controller(self, fabric: Fabric) -> Callable[[], str | None]:
        """Called before anything is built; what it returns is called before the switches start."""
        if self._wanted is None or isinstance(self._wanted, str):
            target = self._wanted
            self._breakage = Breakage(fabric, target)
            return lambda: target
        directory = self._directory or fabric.state.directory
        directory.mkdir(parents=True, exist_ok=True)
        process = self._controller = ControllerProcess(self._wanted, fabric, directory)
        self._breakage = Breakage(fabric, process.target)
        process.start()

        def ready() -> str:
            process.wait_until_listening()
            return process.target

        return ready

    def stop(self) -> None:
        """Remove the lab; doing it twice does no harm. Ctrl-C does not interrupt it."""
        with _uninterrupted():
            for flapping in self._flapping:
                flapping.end()
            if self._traffic is not None:
                self._traffic.stop()
            if self._controller is not None:
                self._controller.stop()
            if self._fabric is not None:
                self._fabric.stop()
            self._traffic = self._fabric = None
        for number, handler in self._signals.items():
            signal.signal(number, handler)
        self._signals = {}

    # ---- who is there --------------------------------------------------------------------------------------

    @property
    def fabric(self) -> Fabric:
        if self._fabric is None:
            raise OperatorError("the lab is not running", mend="start it first")
        return self._fabric

    @property
    def traffic(self) -> Traffic:
        if self._traffic is None:
            raise OperatorError("the lab is not running", mend="start it first")
        return self._traffic

    @property
    def controller(self) -> ControllerProcess:
        if self._controller is None:
            raise OperatorError("the lab has no controller of its own", mend="give it one")
        return self._controller

    def host(self, name: str) -> LabHost:
        """A host, as Mininet's own node: `cmd`, `popen`, `IP`, `MAC`. Raises `OperatorError` for an unknown
        name.
        """
        try:
            return self.fabric.hosts[name]
        except KeyError:
            raise OperatorError(
                f"there is no host '{name}'", mend=f"h1 to h{len(self.fabric.hosts)} are there"
            ) from None

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names of all hosts, in the blueprint's order."""
        return tuple(self.fabric.hosts)

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """All ordered pairs of hosts."""
        return all_pairs(self.hosts)

    # ---- reaching ------------------------------------------------------------------------------------------

    def ping(self, a: str, b: str) -> bool:
        """Whether one host hears an echo from another (ICMP, 5 seconds at most)."""
        target = self.host(b).plan.address
        answer = self.host(a).cmd(f"ping -c 1 -W {_PING_TIMEOUT_S} {target} >/dev/null 2>&1; echo $?")
        return bool(answer.strip() == "0")

    def ping_all(self, *, timeout_s: float = 30.0, ipv6: bool = False) -> Reachability:
        """Whether every host reaches every other; returns as soon as all do, or when time is up."""
        return self.traffic.reach(self.pairs, timeout_s=timeout_s, ipv6=ipv6)

    def wait_until_reachable(self, *, timeout_s: float = 30.0) -> float:
        """Wait until every host reaches every other; seconds since the controller's start. Raises
        `AssertionError`.
        """
        found = self.ping_all(timeout_s=timeout_s)
        assert found.complete, (
            f"{len(found.missing)} of {found.pairs} pairs are not reached, first {found.missing[:3]}"
        )
        return found.seconds_since(self.controller.started_s) or 0.0

    def counters(self) -> Mapping[PortRef, PortTraffic]:
        """What every switch port has carried since it was made."""
        return {end: _counters(name) for end, name in self.fabric.names.ports.items()}

    # ---- breaking and mending ------------------------------------------------------------------------------

    @property
    def _broken(self) -> Breakage:
        assert self._breakage is not None
        return self._breakage

    def cut(self, a: str, b: str, at: End = "both") -> Fault:
        """Take down the cable between two nodes (switches, or a host and its switch)."""
        return self._broken.cut(a, b, at)

    def restore(self, a: str, b: str) -> Fault:
        """Put the cable between two nodes back."""
        return self._broken.restore(a, b)

    def silence(self, a: str, b: str, direction: Direction = "both") -> Fault:
        """Lose all that is sent over the cable between two nodes, in one direction (`a_to_b`, `b_to_a`) or
        in both, while carrier stays.
        """
        return self._broken.silence(a, b, direction)

    def unsilence(self, a: str, b: str) -> Fault:
        """Let everything pass again; so does `restore`."""
        return self._broken.unsilence(a, b)

    def lose(self, a: str, b: str, ratio: float, direction: Direction = "both") -> Fault:
        """Lose each packet that is sent over the cable with this probability, until `unsilence`."""
        return self._broken.lose(a, b, ratio, direction)

    def flap(self, a: str, b: str, *, period_s: float, times: int) -> Flapping:
        """Cut the cable and put it back, `times` times, once in each period, in a thread of its own."""
        broken = self._broken
        broken.cable(a, b)
        flapping = Flapping(lambda: broken.cut(a, b), lambda: broken.restore(a, b), period_s, times)
        self._flapping.append(flapping)
        return flapping

    def kill_switch(self, name: str) -> Fault:
        """A switch dies: carrier gone on all its ports, its session gone, its rules lost."""
        return self._broken.kill_switch(name)

    def restart_switch(self, name: str) -> Fault:
        """A dead switch comes back, empty."""
        return self._broken.restart_switch(name)

    def move_host(self, name: str, to: str) -> Fault:
        """A host is unplugged, plugged in at another switch, and says so, as a virtual machine does that
        moves.
        """
        self.host(name)
        self._broken.unplug(name)
        fault = timed(f"move {name} to {to}", lambda: moving.move_host(self.fabric, name, to))
        self.traffic.inject(name, [moving.announcement(self.host(name).plan)])
        return fault

    def stop_controller(self, *, kill: bool = False) -> Fault:
        """Stop the controller in good order, or kill it."""
        what = "kill the controller" if kill else "stop the controller"
        return timed(what, lambda: self.controller.stop(kill=kill))

    def start_controller(self) -> Fault:
        """Start the controller again, on the same port; done when it listens."""
        return timed("start the controller", self._start_again)

    def _start_again(self) -> None:
        self.controller.start()
        self.controller.wait_until_listening()

    # ---- by hand -------------------------------------------------------------------------------------------

    def ofctl(self, switch: str, *words: str) -> str:
        """What `ovs-ofctl WORDS[0] BRIDGE WORDS[1:]` prints for a switch."""
        dpid = self.fabric.switch_plan(switch).dpid
        command = ["ovs-ofctl", "-O", "OpenFlow13", words[0], self.fabric.bridge(dpid), *words[1:]]
        return machine.ovs(command, at=self.fabric.run_directory(dpid))

    def appctl(self, switch: str, *words: str) -> str:
        """What `ovs-appctl WORDS` prints that is asked of the process which forwards for a switch."""
        return machine.ovs(["ovs-appctl", *words], at=self._run_directory(switch))

    def vsctl(self, switch: str, *actions: str) -> str:
        """Carry out actions of `ovs-vsctl` on the database of a switch, as one transaction."""
        return machine.ovs_vsctl(actions, at=self._run_directory(switch))

    def _run_directory(self, switch: str) -> Path:
        return self.fabric.run_directory(self.fabric.switch_plan(switch).dpid)

    @property
    def ovsdb(self) -> tuple[str, ...]:
        """The databases of the switches, as `ovs-vsctl --db` and the OVSDB protocol name them."""
        return self.fabric.ovsdb

    def ask(self, *words: str) -> str:
        """What `treadle WORDS` prints when it talks to this lab's controller, such as `ask("hosts", "--
        json")`.
        """
        return machine.run(
            [sys.executable, "-m", "treadle", *words, "--socket", str(self.controller.socket_path)]
        )

    def prompt(self) -> None:
        """Mininet's prompt, until `exit`."""
        setLogLevel("output")  # Mininet prints even the answers by its logger
        CLI(self.fabric.net)

    def wait_until_connected(self, *, timeout_s: float = 20.0) -> None:
        """Wait until as many sessions stand as switches live. Raises `AssertionError`."""
        deadline_s = time.monotonic() + timeout_s
        wanted = len(self.blueprint.switches) - self._broken.dead_switches
        while (standing := self.controller.sessions()) < wanted and time.monotonic() < deadline_s:
            time.sleep(0.02)
        assert standing >= wanted, f"only {standing} of {wanted} switches are connected"


def _counters(interface: str) -> PortTraffic:
    """The kernel counts from the interface's side; to send is the same from the switch's."""
    folder = Path(f"/sys/class/net/{interface}/statistics")
    names = ("tx_bytes", "tx_packets", "rx_bytes", "rx_packets")
    return PortTraffic(*(int((folder / name).read_text()) for name in names))


def _raise_on_signals() -> dict[int, Any]:
    """Let SIGTERM and SIGHUP end the block like Ctrl-C does; the handlers there were before. Only in the
    main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {number: signal.signal(number, _interrupt) for number in _HANDLED}


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Signals that end the process wait until this is done."""
    ending = (signal.SIGINT, *_HANDLED)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _interrupt(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)

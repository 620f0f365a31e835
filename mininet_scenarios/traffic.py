"""Traffic of a lab: probes that show who reaches whom and how long it was dark, and load that fills the
links.

    lab.traffic.reach(pairs)                    are all reached, and when was the last?
    flows = lab.traffic.begin(pairs, flows=4)   1 kHz probes, each flow with its own source port, until `end`
    lab.traffic.window(flows, since_s=t)        for each flow: sent, lost, gap, duplicates, reorder
    with lab.traffic.load([("h1", "h5")]): ...  iperf3 meanwhile

All times are CLOCK_MONOTONIC seconds, the clock of `time.monotonic()`. The probes are sent by a process of
its own (prober/).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.model.errors import OperatorError, TreadleError
from controller.model.identity import PortRef
from mininet_scenarios.build import Peopled
from mininet_scenarios.bulk import BulkLoad
from mininet_scenarios.load import Load
from mininet_scenarios.prober.streams import Window
from mininet_scenarios.wiring import host_interface

Pair = tuple[str, str]
PERIOD_S = 0.001
_ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Flow:
    """One stream of probes. Flows of the same pair differ in their source port, and so in the path they are
    given.
    """

    src: str
    dst: str
    flow: int
    number: int

    def __str__(self) -> str:
        return f"{self.src}->{self.dst}/{self.flow}"


@dataclass(frozen=True, slots=True)
class Reachability:
    """Who was reached. `last_s` is when the last of them was first reached (monotonic), None when nobody
    was.
    """

    pairs: int
    missing: tuple[Pair, ...]
    last_s: float | None

    @property
    def reached(self) -> int:
        return self.pairs - len(self.missing)

    @property
    def complete(self) -> bool:
        return not self.missing

    def seconds_since(self, start_s: float) -> float | None:
        """How long after `start_s` the last pair was first reached; None unless all were."""
        return None if self.missing or self.last_s is None else self.last_s - start_s


class Traffic:
    """Probes and load between the hosts of one fabric. The prober starts with the first request."""

    def __init__(self, fabric: Peopled) -> None:
        self._fabric = fabric
        self._process: subprocess.Popen[str] | None = None

    def reach(self, pairs: Sequence[Pair], *, timeout_s: float = 30.0, ipv6: bool = False) -> Reachability:
        """Probe every pair until each has been reached once, or time is up."""
        times = self._ask("reach", pairs=list(pairs), timeout_s=timeout_s, address=int(ipv6))
        missing = tuple(pair for pair, at in zip(pairs, times, strict=True) if at is None)
        return Reachability(len(pairs), missing, max((at for at in times if at is not None), default=None))

    def begin(
        self, pairs: Sequence[Pair], *, flows: int = 1, period_s: float = PERIOD_S, ipv6: bool = False
    ) -> tuple[Flow, ...]:
        """Send probes on every pair from now on, `flows` for each, one a flow in each period."""
        asked = [(src, dst, flow) for src, dst in pairs for flow in range(flows)]
        return self.begin_flows(asked, period_s=period_s, ipv6=ipv6)

    def begin_flows(
        self, asked: Sequence[tuple[str, str, int]], *, period_s: float = PERIOD_S, ipv6: bool = False
    ) -> tuple[Flow, ...]:
        """Send probes on flows that are chosen one by one: source, destination and number of the flow."""
        numbers = self._ask("begin", flows=list(asked), period_ns=int(period_s * 1e9), address=int(ipv6))
        return tuple(Flow(*each, number) for each, number in zip(asked, numbers, strict=True))

    def end(self, flows: Sequence[Flow]) -> None:
        """Send no more on flows that were begun together."""
        self._ask("end", streams=[flow.number for flow in flows])

    def window(
        self, flows: Sequence[Flow], *, since_s: float, until_s: float | None = None
    ) -> Mapping[Flow, Window]:
        """What happened to each flow from `since_s` to `until_s` (None: to now)."""
        asked = self._ask("window", streams=[flow.number for flow in flows], since_s=since_s, until_s=until_s)
        return {flow: Window(**each) for flow, each in zip(flows, asked["windows"], strict=True)}

    def losses(self, flows: Sequence[Flow], *, since_s: float) -> Mapping[Flow, tuple[float, ...]]:
        """When the packets of each flow were sent that have not arrived, of those sent from `since_s` on."""
        asked = self._ask("losses", streams=[flow.number for flow in flows], since_s=since_s)
        return {flow: tuple(times) for flow, times in zip(flows, asked, strict=True)}

    @property
    def paused_s(self) -> float:
        """How long, in all, the machine has kept the prober from sending. Above a few milliseconds, doubt
        the gaps.
        """
        return float(self._ask("window", streams=[], since_s=0.0)["paused_s"])

    def inject(self, host: str, frames: Sequence[bytes]) -> None:
        """Send whole Ethernet frames from a host's interface."""
        self._ask("inject", host=host, frames=[frame.hex() for frame in frames])

    @contextmanager
    def listening(self, host: str, ethertype: int) -> Iterator[Callable[[], tuple[bytes, ...]]]:
        """Meanwhile frames of an ethertype that reach a host are noted; call what is yielded for them."""
        number = self._ask("listen", host=host, ethertype=ethertype)
        try:
            yield lambda: tuple(map(bytes.fromhex, self._ask("heard", listening=number)))
        finally:
            self._ask("end_listening", listening=number)

    def capture(
        self, host: str, ethertype: int, *, count: int = 1, timeout_s: float = 10.0
    ) -> tuple[bytes, ...]:
        """The next frames of an ethertype that reach a host; fewer than `count` when time is up."""
        deadline_s = time.monotonic() + timeout_s
        with self.listening(host, ethertype) as heard:
            while len(seen := heard()) < count and time.monotonic() < deadline_s:
                time.sleep(0.01)
        return seen[:count]

    def tap(self, end: PortRef) -> str:
        """A tap on the cable of a switch port, with a name that stands for a host in inject, capture and
        relay.

        It hears what comes to the port out of the cable, and what it injects goes from the port into the
        cable.
        """
        name = self._fabric.names.port(end)
        self._ask("tap", name=name, pid=os.getpid())
        return name

    @contextmanager
    def relay(self, one: str, other: str, ethertype: int) -> Iterator[None]:
        """Meanwhile two hosts pass all frames of an ethertype on to one another and out of their
        interfaces.
        """
        self._ask("relay", hosts=[one, other], ethertype=ethertype)
        try:
            yield
        finally:
            self._ask("end_relays")

    @contextmanager
    def load(self, pairs: Sequence[Pair], *, rate_bps: int = 0, udp: bool = False) -> Iterator[Load]:
        """Meanwhile iperf3 sends on every pair, as fast as TCP allows or at `rate_bps` each."""
        load = Load(self._fabric, pairs, rate_bps, udp)
        load.start()
        try:
            yield load
        finally:
            load.stop()

    @contextmanager
    def bulk(self, pairs: Sequence[Pair]) -> Iterator[BulkLoad]:
        """Meanwhile a TCP flow for each of these pairs, as fast as it may; a pair may stand twice."""
        self._fabric.make_room()
        load = BulkLoad(self._fabric, pairs)
        load.start()
        try:
            yield load
        finally:
            load.stop()

    def stop(self) -> None:
        """End the prober."""
        if self._process is not None:
            assert self._process.stdin
            self._process.stdin.close()
            self._process.kill()
            self._process.wait()
            assert self._process.stdout
            self._process.stdout.close()
        self._process = None

    def _ask(self, op: str, **words: Any) -> Any:
        process = self._process or self._start()
        assert process.stdin
        assert process.stdout
        try:
            process.stdin.write(json.dumps({"op": op, **words}) + "\n")
            process.stdin.flush()
            answer = json.loads(process.stdout.readline() or "null")
        except (BrokenPipeError, ValueError):
            answer = None
        if answer is None:
            raise TreadleError("the prober has ended; its last words stand above")
        if "error" in answer:
            raise OperatorError(
                f"the prober refuses to {op}: {answer['error']}", mend="ask for hosts of this lab"
            )
        return answer["result"]

    def _start(self) -> subprocess.Popen[str]:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mininet_scenarios.prober"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=_ROOT,
            env=self._fabric.state.environment(),
            start_new_session=True,
        )
        hosts = self._fabric.hosts.values()
        stations = [
            [h.plan.name, h.pid, host_interface(h.plan), self._fabric.addresses(h.plan)] for h in hosts
        ]
        self._ask("stations", stations=stations)
        return self._process


def all_pairs(names: Sequence[str]) -> tuple[Pair, ...]:
    """Every ordered pair."""
    return tuple((src, dst) for src in names for dst in names if src != dst)

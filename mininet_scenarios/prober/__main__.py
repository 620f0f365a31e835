"""Requests to the prober: a JSON object on each line, answered by one JSON object on a line.

Streams go on being sent while a request is answered. End of input ends the process.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from mininet_scenarios.prober.frames import Frames
from mininet_scenarios.prober.pump import Pump, Station
from mininet_scenarios.prober.reach import reach_all

Request = dict[str, Any]
_PRIORITY = -10  # a busy machine should show in the fabric, not in the measuring of it


class Prober:
    """Answers requests between two turns of the pump."""

    def __init__(self) -> None:
        self._pump = Pump()
        self._frames = Frames(self._pump)
        self._input = b""
        self._ended = False
        self._answers: dict[str, Callable[[Request], Any]] = {
            "stations": self._stations,
            "tap": self._tap,
            "begin": self._begin,
            "end": lambda request: self._pump.end(request["streams"]),
            "window": self._window,
            "losses": self._losses,
            "reach": self._reach,
            "inject": self._inject,
            "listen": self._listen,
            "heard": lambda request: [frame.hex() for frame in self._frames.heard(request["listening"])],
            "end_listening": lambda request: self._frames.end_listening(request["listening"]),
            "relay": self._relay,
            "end_relays": lambda _: self._frames.end_relays(),
        }

    def run(self) -> None:
        """Serve until the input ends."""
        os.set_blocking(0, False)
        os.setpriority(os.PRIO_PROCESS, 0, _PRIORITY)
        self._pump.watch(0, self._read)
        while not self._ended:
            self._pump.turn(1.0)

    def _read(self) -> None:
        text = os.read(0, 1 << 20)
        self._ended = not text
        self._input += text
        while b"\n" in self._input:
            line, _, self._input = self._input.partition(b"\n")
            print(json.dumps(self._answer(json.loads(line))), flush=True)

    def _answer(self, request: Request) -> Request:
        try:
            return {"result": self._answers[request["op"]](request)}
        except (KeyError, OSError, ValueError) as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def _stations(self, request: Request) -> None:
        for name, pid, interface, addresses in request["stations"]:
            self._pump.add_station(Station(name, pid, interface, tuple(addresses)))

    def _tap(self, request: Request) -> None:
        self._pump.stations[request["name"]] = Station(request["name"], request["pid"], request["name"], ())

    def _begin(self, request: Request) -> list[int]:
        flows = [(src, dst, flow) for src, dst, flow in request["flows"]]
        numbers = self._pump.open(flows, request["period_ns"], request["address"])
        self._pump.begin(numbers, request["period_ns"])
        return numbers

    def _window(self, request: Request) -> Request:
        until_ns = int(request["until_s"] * 1e9) if request.get("until_s") else time.monotonic_ns()
        since_ns = int(request["since_s"] * 1e9)
        streams = [
            self._pump.streams[number].window(since_ns, until_ns).as_json() for number in request["streams"]
        ]
        return {"windows": streams, "paused_s": self._pump.paused_ns / 1e9}

    def _losses(self, request: Request) -> list[list[float]]:
        """When the lost packets of each stream were sent (seconds)."""
        since_ns, until_ns = int(request["since_s"] * 1e9), time.monotonic_ns()
        streams = (self._pump.streams[number] for number in request["streams"])
        return [[at_ns / 1e9 for at_ns in stream.lost_ns(since_ns, until_ns)] for stream in streams]

    def _reach(self, request: Request) -> list[float | None]:
        """When each pair was first reached (seconds), None for those that were not when time was up."""
        flows = [(src, dst, 0) for src, dst in request["pairs"]]
        numbers = self._pump.open(flows, 0, request["address"])
        reach_all(self._pump, numbers, request["timeout_s"])
        first_ns = (self._pump.streams[number].first_ns for number in numbers)
        return [at_ns / 1e9 if at_ns else None for at_ns in first_ns]

    def _inject(self, request: Request) -> None:
        station = self._pump.stations[request["host"]]
        self._frames.inject(station, [bytes.fromhex(frame) for frame in request["frames"]])

    def _listen(self, request: Request) -> int:
        return self._frames.listen(self._pump.stations[request["host"]], request["ethertype"])

    def _relay(self, request: Request) -> None:
        one, other = (self._pump.stations[name] for name in request["hosts"])
        self._frames.relay(one, other, request["ethertype"])


if __name__ == "__main__":
    try:
        Prober().run()
    except KeyboardInterrupt:
        sys.exit(130)

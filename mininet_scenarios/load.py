"""Load by iperf3: a server at each destination, a client at each source."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence
from math import inf

from controller.model.errors import OperatorError
from mininet_scenarios.build import Peopled

_FIRST_PORT = 5201
_LONGEST_S = 86_400
_READY_TIMEOUT_S = 10.0
_REPORT_TIMEOUT_S = 3.0


class Arrivals:
    """What one server has received, in intervals: (begin, end, bytes), seconds of the monotonic clock.

    A server tells its intervals from its own start of the test; `began_s` is when its client was started, a
    few milliseconds before that.
    """

    def __init__(self, began_s: float, intervals: Sequence[tuple[float, float, int]]) -> None:
        self._intervals = [(began_s + begin, began_s + end, size) for begin, end, size in intervals]

    def mean_bps(self, since_s: float = -inf, until_s: float = inf) -> float:
        """The mean rate over the intervals that lie within this time; 0 where there is none."""
        within = [each for each in self._intervals if since_s <= each[0] and each[1] <= until_s]
        seconds = sum(end - begin for begin, end, _ in within)
        return 8 * sum(size for *_, size in within) / seconds if seconds else 0.0


class Load:
    """iperf3 between pairs of hosts, each a flow of its own, also where a pair stands twice.

    After `stop`, `arrivals` says of each flow what arrived, in the order of the pairs, and `received_bps` of
    each pair at which rate on average, all its flows together. `full_since_s`: when the last one was started.
    """

    def __init__(self, fabric: Peopled, pairs: Sequence[tuple[str, str]], rate_bps: int, udp: bool) -> None:
        self._fabric = fabric
        self._pairs = tuple(pairs)
        self._options = (["-u"] if udp else []) + (["-b", str(rate_bps)] if rate_bps else [])
        self._servers: list[subprocess.Popen[str]] = []
        self._clients: list[subprocess.Popen[str]] = []
        self._began_s: list[float] = []
        self.full_since_s = 0.0
        self.arrivals: tuple[Arrivals, ...] = ()
        self.received_bps: dict[tuple[str, str], float] = {}

    def start(self) -> None:
        """Start all servers, wait until they listen, then start all clients."""
        for number, (_, dst) in enumerate(self._pairs):
            self._servers.append(
                self._popen(dst, "-s", "-1", "-J", "-i", "0.2", "-p", str(_FIRST_PORT + number))
            )
        self._wait_for_servers()
        for number, (src, dst) in enumerate(self._pairs):
            where = ("-c", str(self._fabric.hosts[dst].plan.address), "-p", str(_FIRST_PORT + number))
            self._began_s.append(time.monotonic())
            self._clients.append(self._popen(src, *where, "-t", str(_LONGEST_S), *self._options))
        self.full_since_s = time.monotonic()

    def stop(self) -> None:
        """End all clients and servers, and note what arrived, by the servers' own word."""
        for client in self._clients:
            client.terminate()
        for client in self._clients:
            client.communicate()
        reports = [_intervals(_last_words(server)) for server in self._servers]
        self.arrivals = tuple(map(Arrivals, self._began_s, reports))
        for pair, arrivals in zip(self._pairs, self.arrivals, strict=False):
            self.received_bps[pair] = self.received_bps.get(pair, 0.0) + arrivals.mean_bps()

    def _popen(self, host: str, *words: str) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
        try:
            return self._fabric.hosts[host].popen(["iperf3", *words], **pipes)
        except FileNotFoundError:
            raise OperatorError("load needs iperf3", mend="apt-get install iperf3") from None

    def _wait_for_servers(self) -> None:
        deadline_s = time.monotonic() + _READY_TIMEOUT_S
        for number, (_, dst) in enumerate(self._pairs):
            port = f":{_FIRST_PORT + number:04X} "
            table = f"/proc/{self._fabric.hosts[dst].pid}/net/tcp6"
            while not _listens(table, port) and time.monotonic() < deadline_s:
                time.sleep(0.01)


def _listens(table: str, port: str) -> bool:
    with open(table) as rows:
        return any(port in row and row.split()[3] == "0A" for row in rows)


def _last_words(server: subprocess.Popen[str]) -> str:
    """The report of a server, which ends with its client; one that never had a client is ended."""
    try:
        return server.communicate(timeout=_REPORT_TIMEOUT_S)[0]
    except subprocess.TimeoutExpired:
        server.kill()
        return server.communicate()[0]


def _intervals(report: str) -> list[tuple[float, float, int]]:
    """What a server says that it has received, by interval; empty without a client."""
    try:
        sums = [interval["sum"] for interval in json.loads(report)["intervals"]]
    except (ValueError, KeyError):
        return []
    return [(each["start"], each["end"], each["bytes"]) for each in sums]

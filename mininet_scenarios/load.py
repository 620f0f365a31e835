"""Load by iperf3: a server at each destination, a client at each source."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence

from controller.model.errors import OperatorError
from mininet_scenarios.build import Peopled

_FIRST_PORT = 5201
_LONGEST_S = 86_400
_READY_TIMEOUT_S = 10.0
_REPORT_TIMEOUT_S = 3.0


class Load:
    """iperf3 between pairs of hosts. `received_bps` says, after `stop`, what arrived on each pair."""

    def __init__(self, fabric: Peopled, pairs: Sequence[tuple[str, str]], rate_bps: int, udp: bool) -> None:
        self._fabric = fabric
        self._pairs = tuple(pairs)
        self._options = (["-u"] if udp else []) + (["-b", str(rate_bps)] if rate_bps else [])
        self._servers: list[subprocess.Popen[str]] = []
        self._clients: list[subprocess.Popen[str]] = []
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
            self._clients.append(self._popen(src, *where, "-t", str(_LONGEST_S), *self._options))

    def stop(self) -> None:
        """End all clients and servers, and note what arrived, by the servers' own word."""
        for client in self._clients:
            client.terminate()
            client.communicate()
        for pair, server in zip(self._pairs, self._servers, strict=False):
            self.received_bps[pair] = _received_bps(_last_words(server))

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


def _received_bps(report: str) -> float:
    """What a server has received, on average over its intervals; 0 without a client."""
    try:
        intervals = [interval["sum"] for interval in json.loads(report)["intervals"]]
    except (ValueError, KeyError):
        return 0.0
    seconds = sum(interval["seconds"] for interval in intervals)
    return float(8 * sum(interval["bytes"] for interval in intervals) / seconds) if seconds else 0.0

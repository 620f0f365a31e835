"""How fast the switch farm itself is: what it takes of the two processors that a controller also needs.

A driver, as simple as can be, takes the controller's place at the other end of the sockets: it sends bytes
that were made beforehand and looks only at the types of the answers. Measured is the farm's processor time:

    rules_per_s       flow-mods taken, up to the answered barrier, on all switches at once
    lldp_round_s      one LLDP frame out of each cabled port, and its packet-in at the other end
    handshake_s       all switches, from the first connection to the last port description

    python -m bench.farm [K]        a fat tree of K-port switches (default: 32), into out/bench/farm.json
"""

from __future__ import annotations

import json
import resource
import select
import socket
import sys
import tempfile
import time
from pathlib import Path
from struct import pack, unpack_from

from controller.model.blueprint import Blueprint, fat_tree
from controller.model.flow import TO_CONTROLLER as PUNT
from controller.model.flow import EtherType, Output, match
from simulator.farm.process import FarmProcess, peak_kib_of
from simulator.switch.instructions import encoded_actions, encoded_what
from simulator.switch.matches import encoded, padded
from simulator.switch.wire import FLOW_MOD_BODY, NO_BUFFER, Type, message

OUT = Path("out/bench/farm.json")
_RULES_A_SWITCH = 500
_ANY = 0xFFFFFFFF


def flow_mod(priority: int, table: int, where: bytes, what: bytes) -> bytes:
    """A FLOW_MOD that adds a rule; `where` is a padded match."""
    head = FLOW_MOD_BODY.pack(0, 0, table, 0, 0, 0, priority, NO_BUFFER, _ANY, _ANY, 0, 0, 0)[:-4]
    return message(Type.FLOW_MOD, 1, head + where + what)


def packet_out(port: int, frame: bytes) -> bytes:
    actions = encoded_actions((Output(port),))
    return message(Type.PACKET_OUT, 1, pack("!IIH6x", NO_BUFFER, 0xFFFFFFFD, len(actions)) + actions + frame)


class Driver:
    """The other end of all lines."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._listener.setblocking(False)
        self.port = self._listener.getsockname()[1]
        self._epoll = select.epoll()
        self._epoll.register(self._listener, select.EPOLLIN)
        self._lines: dict[int, socket.socket] = {}
        self._rest: dict[int, bytes] = {}
        self._unsent: dict[int, bytes] = {}
        self.dpid_of: dict[int, int] = {}
        self.heard = [0] * len(Type)

    def turn(self) -> None:
        for fileno, what in self._epoll.poll(0.1, 2048):
            if fileno == self._listener.fileno():
                self._accept()
            else:
                if what & select.EPOLLIN:
                    self._read(fileno)
                if what & select.EPOLLOUT:
                    self._flush(fileno)

    def until(self, kind: int, count: int) -> None:
        """Go on until so many messages of a type have been heard in all."""
        while self.heard[kind] < count:
            self.turn()

    def send(self, fileno: int, data: bytes) -> None:
        self._unsent[fileno] = self._unsent.get(fileno, b"") + data
        self._flush(fileno)

    def _accept(self) -> None:
        while True:
            try:
                line, _ = self._listener.accept()
            except BlockingIOError:
                return
            line.setblocking(False)
            self._lines[line.fileno()] = line
            self._epoll.register(line, select.EPOLLIN)
            describe = message(Type.MULTIPART_REQUEST, 3, pack("!HH4x", 13, 0))
            self.send(line.fileno(), message(Type.HELLO, 1) + message(Type.FEATURES_REQUEST, 2) + describe)

    def _read(self, fileno: int) -> None:
        data = self._rest.get(fileno, b"") + self._lines[fileno].recv(1 << 18)
        at = 0
        while len(data) - at >= 8 and len(data) - at >= (length := unpack_from("!H", data, at + 2)[0]):
            self.heard[data[at + 1]] += 1
            if data[at + 1] == Type.FEATURES_REPLY:
                self.dpid_of[fileno] = unpack_from("!Q", data, at + 8)[0]
            at += length
        self._rest[fileno] = data[at:]

    def _flush(self, fileno: int) -> None:
        data = self._unsent.get(fileno, b"")
        try:
            while data:
                data = data[self._lines[fileno].send(data) :]
        except BlockingIOError:
            pass
        self._unsent[fileno] = data
        self._epoll.modify(fileno, select.EPOLLIN | (select.EPOLLOUT if data else 0))


def handshake(driver: Driver, farm: FarmProcess, switches: int) -> float:
    driver.until(Type.MULTIPART_REPLY, switches)
    status = farm.status()
    return float(status["last_ready_s"] - status["began_s"])


def rules(driver: Driver, farm: FarmProcess) -> tuple[float, float]:
    """Rules a second of the farm's processor time, and by the clock."""
    outputs = [encoded_what((Output(port),), None, None) for port in range(1, 5)]
    wheres = [
        padded(encoded(match(eth_type=EtherType.IPV4, ipv4_dst=(0x0A000000 + n * 16, 0xFFFFFFF0))))
        for n in range(_RULES_A_SWITCH)
    ]
    batch = b"".join(flow_mod(100, 4, where, outputs[n % 4]) for n, where in enumerate(wheres))
    batch += message(Type.BARRIER_REQUEST, 9)
    answered, before_s, began_s = driver.heard[Type.BARRIER_REPLY], farm.cpu_s(), time.monotonic()
    for fileno in driver.dpid_of:
        driver.send(fileno, batch)
    driver.until(Type.BARRIER_REPLY, answered + len(driver.dpid_of))
    count = _RULES_A_SWITCH * len(driver.dpid_of)
    return count / (farm.cpu_s() - before_s), count / (time.monotonic() - began_s)


def lldp_round(driver: Driver, farm: FarmProcess, blueprint: Blueprint) -> tuple[float, float]:
    """One frame out of every cabled port: the farm's processor time, and by the clock."""
    ports: dict[int, list[int]] = {}
    for end in blueprint.peer:
        ports.setdefault(end.dpid, []).append(end.port)
    punt = flow_mod(
        1000, 0, padded(encoded(match(eth_type=EtherType.LLDP))), encoded_what((PUNT,), None, None)
    )
    frame = bytes.fromhex("0180c200000e02545245414388cc") + bytes(86)
    batches = {}
    for fileno, dpid in driver.dpid_of.items():
        driver.send(fileno, punt + message(Type.BARRIER_REQUEST, 9))
        batches[fileno] = b"".join(packet_out(port, frame) for port in ports[dpid])
    driver.until(Type.BARRIER_REPLY, driver.heard[Type.BARRIER_REPLY] + len(batches))
    came, before_s, began_s = driver.heard[Type.PACKET_IN], farm.cpu_s(), time.monotonic()
    for fileno, batch in batches.items():
        driver.send(fileno, batch)
    driver.until(Type.PACKET_IN, came + len(blueprint.peer))
    return farm.cpu_s() - before_s, time.monotonic() - began_s


def measure(k: int) -> dict[str, float]:
    blueprint, driver = fat_tree(k), Driver()
    with (
        tempfile.TemporaryDirectory() as room,
        FarmProcess(f"fat_tree({k})", driver.port, Path(room), options=["--mute"]) as farm,
    ):
        handshake_s = handshake(driver, farm, len(blueprint.switches))
        cpu_rules, clock_rules = rules(driver, farm)
        cpu_s, clock_s = lldp_round(driver, farm, blueprint)
        peak_kib = peak_kib_of(farm.pid)
    return {
        "switches": len(blueprint.switches),
        "handshake_s": handshake_s,
        "rules": _RULES_A_SWITCH * len(blueprint.switches),
        "rules_per_cpu_s": cpu_rules,
        "rules_per_s": clock_rules,
        "lldp_frames": len(blueprint.peer),
        "lldp_round_cpu_s": cpu_s,
        "lldp_round_s": clock_s,
        "rss_mib": peak_kib / 1024,
    }


if __name__ == "__main__":
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    figures = measure(int(sys.argv[1]) if len(sys.argv) > 1 else 32)
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))

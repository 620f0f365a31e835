"""What discovery costs, by itself: a fabric in memory whose frames arrive where its cables lead.

No sockets, no apps, no rules: events are folded in turns of at most 4,096, as the loop does, and the frames
that discovery sends come back as the next turn's events. Processor time, of one core, is taken around the
fold and its snapshot alone:

    start       switches connect, 400 a second, until every cable is known             by link end
    hosts       every host announces itself, 512 in a turn                             by host
    round       nothing but hellos: said, received, believed                           by hello
    quiet       turns in which nothing happens                                         by turn
    link_down   both ports of a cable die                                              by cable
    storm       all sessions end at once, and come back, 6,400 a second                by switch

`worst_ms` is the longest turn of each. The interpreter's garbage collector is off, as its pauses depend on
all else that a process holds. Writes `out/bench/discovery.json`.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from controller.discovery.fold import fold_all, next_due_s, start
from controller.discovery.frames import arp_announcement, encode
from controller.discovery.settings import DiscoverySettings
from controller.model.blueprint import Blueprint, fat_tree
from controller.model.errors import OperatorError
from controller.model.event import Event, FrameIn, PortChanged, SwitchDown, SwitchUp, Tick
from controller.model.identity import Dpid, Mac, PortRef
from controller.model.pacing import next_beat_s
from controller.model.topology import Port, Topology

_MOST_EVENTS = 4096
_TURN_S = 0.01
_PATIENCE_S = 120.0
_ROUND_S = 10.0
_DELAY_S = 0.002
_SWITCHES_A_TURN = {"start": 4, "storm": 64}


class Fabric:
    """The cables of a blueprint around a state of discovery, and the stopwatch."""

    def __init__(self, blueprint: Blueprint) -> None:
        self.blueprint = blueprint
        self.now_s = 100.0
        self.hellos = 0
        self._state = start(DiscoverySettings(key=bytes(32)))
        self._up: set[Dpid] = set()
        self._waiting: deque[Event] = deque()
        self._turns_s: list[float] = []
        self._ups = {switch.dpid: SwitchUp(switch.dpid, ()) for switch in blueprint.switches}
        ends = sorted((*blueprint.peer, *blueprint.host_at))
        for dpid in self._ups:
            self._ups[dpid] = SwitchUp(dpid, tuple(_port(end) for end in ends if end.dpid == dpid))

    @property
    def topology(self) -> Topology:
        return self._state.topology

    def connect(self, switches_a_turn: int) -> None:
        """All switches connect, so many in a turn; until every cable is known and nothing is under way."""
        ups = iter(self._ups.values())
        limit_s = self.now_s + _PATIENCE_S
        while len(self._up) < len(self._ups) or len(self.topology.links) < len(self.blueprint.peer):
            batch = list(islice(ups, switches_a_turn))
            self._up.update(up.dpid for up in batch)
            self.turn(batch, _TURN_S)
            if self.now_s > limit_s:
                raise OperatorError(f"only {len(self.topology.links)} link ends were found")
        self.settle()

    def turn(self, events: Iterable[Event], after_s: float) -> None:
        """Some time later these events have happened, beside those that were under way."""
        self.now_s += after_s
        self._waiting += events
        self._fold()
        while len(self._waiting) > _MOST_EVENTS // 2:
            self._fold()

    def settle(self) -> None:
        while self._waiting:
            self._fold()

    def pass_time(self, seconds: float) -> None:
        """Turns when something is due or arrives, and at no other time."""
        until_s = self.now_s + seconds
        while self.now_s < until_s:
            due_s = next_due_s(self._state)
            self.turn((), _DELAY_S if self._waiting else max(0.0, (due_s or until_s) - self.now_s))

    def forget(self) -> None:
        """What was measured until now does not count."""
        self._turns_s.clear()

    def spent(self, count: int, of_what: str) -> dict[str, Any]:
        """What was measured since the last time, shared out over so many things."""
        turns_s, self._turns_s = self._turns_s, []
        total_s = sum(turns_s)
        return {
            of_what: count,
            "total_s": round(total_s, 3),
            "each_us": round(1e6 * total_s / max(1, count), 1),
            "turns": len(turns_s),
            "worst_ms": round(1e3 * max(turns_s), 1),
        }

    def _fold(self) -> None:
        events = tuple(self._waiting.popleft() for _ in range(min(_MOST_EVENTS, len(self._waiting))))
        began_s = time.process_time()
        self._state, effects = fold_all(self._state, (*events, Tick()), self.now_s)
        next_due_s(self._state)
        self._turns_s.append(time.process_time() - began_s)
        for frame in effects.frames:
            other = self.blueprint.peer.get(frame.at)
            if other is not None and other.dpid in self._up:
                self.hellos += 1
                self._waiting.append(FrameIn(other.dpid, other.port, frame.data))

    # --- what happens ---------------------------------------------------------------------------------------

    def announce(self) -> None:
        announcements = (
            FrameIn(plan.at.dpid, plan.at.port, encode(arp_announcement(plan.mac, plan.address)))
            for plan in self.blueprint.hosts
        )
        while batch := list(islice(announcements, 512)):
            self.turn(batch, _TURN_S)

    def cut(self, count: int) -> None:
        """Cables die, each in a turn of its own, between two beats."""
        for cable in Random(1).sample(self.blueprint.cables, count):
            ends = (cable.a, cable.b)
            self.turn([PortChanged(end.dpid, _port(end, live=False)) for end in ends], 1e-6)

    def lose_everybody(self) -> None:
        self._up.clear()
        self.turn([SwitchDown(dpid, "storm") for dpid in self._ups], _TURN_S)


def _port(end: PortRef, *, live: bool = True) -> Port:
    return Port(end.port, f"p{end.port}", Mac(0x0600_0000_0000 | end.dpid << 8 | end.port), live)


def measure(k: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each thing that is measured on a fat tree of this size, in its order."""
    fabric = Fabric(fat_tree(k))
    ends, switches = len(fabric.blueprint.peer), len(fabric.blueprint.switches)
    fabric.connect(_SWITCHES_A_TURN["start"])
    yield "start", fabric.spent(ends, "link ends")
    fabric.pass_time(1.0)
    fabric.forget()
    fabric.announce()
    yield "hosts", fabric.spent(len(fabric.blueprint.hosts), "hosts")
    fabric.settle()
    fabric.forget()
    before = fabric.hellos
    fabric.pass_time(_ROUND_S)
    share = fabric.spent(fabric.hellos - before, "hellos")
    yield "round", share | {"share_of_a_core": round(share["total_s"] / _ROUND_S, 3)}
    fabric.settle()
    fabric.now_s = next_beat_s(fabric.now_s)
    fabric.turn((), 0.0)
    fabric.settle()
    fabric.forget()
    for _ in range(100):
        fabric.turn((), 1e-6)
    yield "quiet", fabric.spent(100, "turns")
    fabric.cut(20)
    yield "link_down", fabric.spent(20, "cables")
    fabric.lose_everybody()
    fabric.connect(_SWITCHES_A_TURN["storm"])
    yield "storm", fabric.spent(switches, "switches")


def main() -> None:
    """Measure, show, and write the report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--k", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--json", default="out/bench/discovery.json", metavar="FILE")
    args = parser.parse_args()
    gc.disable()
    reports = [{"k": k, **dict(measure(k))} for k in args.k]
    path = Path(args.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(reports, indent=2) + "\n")
    for report in reports:
        Console().print(_table(report))


def _table(report: dict[str, Any]) -> Table:
    table = Table("", "of", "s", "µs each", "turns", "longest turn, ms", title=f"discovery, k={report['k']}")
    for part, figures in list(report.items())[1:]:
        (of_what, count), *_ = figures.items()
        shown = (figures[key] for key in ("total_s", "each_us", "turns", "worst_ms"))
        table.add_row(part, f"{count:,} {of_what}", *map(str, shown))
    return table


if __name__ == "__main__":
    main()

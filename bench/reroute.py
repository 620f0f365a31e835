"""A thousand flows lose their interface: the ONOS prototype's experiment, replayed on the farm.

206 switches, 416 cables, 16,000 flows with rules of their own at every hop (bench/pinned.py); one interface
goes down under exactly 1,000 of them. Measured from the moment the port dies:

    reroute_ms     to the last barrier reply: every flow has its new path, and its old rules are gone
    paths_per_s    flows rerouted over that time; published: 18,832 a second (Berde et al., HotSDN 2014)
    rules          rules set or deleted, on how many switches

Each repetition mends the cable before it cuts it again; the medians count. Writes `out/bench/reroute.json`;
needs no root and no Open vSwitch.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console

from bench.pinned import Flow, PinnedFlows, backbone, choose
from controller.documents.blueprints import write_blueprint
from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError
from controller.model.topology import Link, Switch, Topology, topology
from controller.runtime.engine import Engine
from controller.runtime.feed import Feed
from controller.runtime.loop import Loop
from controller.runtime.settings import Settings
from controller.southbound.framework import prepare
from simulator.farm.process import FarmProcess

_PUBLISHED_PATHS_PER_S = 18_832
_QUIET_S, _SETTLE_S = 0.5, 120.0


@contextmanager
def controller(blueprint: Blueprint, flows: list[Flow]) -> Iterator[tuple[Engine, int]]:
    """The whole controller in this process, with the app that pins flows; its engine and its port."""
    from controller.southbound.openflow import OpenFlowSouthbound
    from treadle.wiring import engine_for, new_life, southbound_settings

    settings = Settings(listen="127.0.0.1:0", counters_interval_s=0)
    engine = engine_for(settings, new_life(), blueprint, (PinnedFlows(flows),))
    southbound = OpenFlowSouthbound(southbound_settings(settings), on_port_down=engine.fast_lane)
    loop = Loop(engine, southbound, Feed(), None, lambda _: None, time.monotonic())
    southbound.start()
    turning = threading.Thread(target=loop.run, name="loop")
    turning.start()
    try:
        yield engine, southbound.port
    finally:
        loop.stop()
        turning.join()
        southbound.stop()


def _settled(farm: FarmProcess, engine: Engine, since_s: float) -> dict[str, Any]:
    """What has changed since the mark, once nothing changes any more."""
    deadline_s = time.monotonic() + _SETTLE_S
    while time.monotonic() < deadline_s:
        time.sleep(_QUIET_S)
        change = farm.since()
        if since_s < (change["last_barrier_s"] or 0.0) < change["now_s"] - _QUIET_S and engine.idle:
            return change
    raise OperatorError("the fabric does not settle")


def run(flow_count: int, crossing: int, repetitions: int) -> dict[str, Any]:
    """The experiment, some times over."""
    blueprint = backbone()
    link, flows = choose(_snapshot(blueprint), blueprint.hosts, flow_count, crossing)
    console = Console(stderr=True)
    with (
        console.status("coming up") as words,
        tempfile.TemporaryDirectory(prefix="treadle-reroute-") as place,
        controller(blueprint, flows) as (engine, port),
    ):
        fabric = Path(place) / "backbone.yaml"
        fabric.write_text(write_blueprint(blueprint))
        with FarmProcess(str(fabric), port, Path(place)) as farm:
            held = farm.until(lambda status: bool(engine.idle and status["rules"] > len(flows)), _SETTLE_S)
            if held is None:
                raise OperatorError("the flows are not pinned")
            cuts = []
            for number in range(1, repetitions + 1):
                words.update(f"cutting, {number} of {repetitions}")
                name = blueprint.switch_by_dpid[link.src.dpid].name
                cuts.append(_cut(farm, engine, f"{name}:{link.src.port}"))
    reroute_ms = median(cut["reroute_ms"] for cut in cuts)
    return {
        "switches": len(blueprint.switches),
        "links": len(blueprint.cables),
        "flows": len(flows),
        "flows_rerouted": crossing,
        "rules_held": held["rules"],
        "reroute_ms": reroute_ms,
        "paths_per_s": crossing / reroute_ms * 1e3,
        "published_paths_per_s": _PUBLISHED_PATHS_PER_S,
        "rules": median(cut["rules"] for cut in cuts),
        "switches_touched": median(cut["switches"] for cut in cuts),
        "cuts": cuts,
    }


def _snapshot(blueprint: Blueprint) -> Topology:
    switches = [Switch(plan.dpid, ()) for plan in blueprint.switches]
    return topology(0, switches, [Link(a, b) for a, b in blueprint.peer.items()])


def _cut(farm: FarmProcess, engine: Engine, port: str) -> dict[str, Any]:
    reacted, spent_s = len(engine.timings.reactions), dict(engine.timings.phases_s)
    farm.ask("mark")
    at_s = farm.happen(port_down=port)
    change = _settled(farm, engine, at_s)
    after_s = dict(engine.timings.phases_s)
    _settled(farm, engine, farm.happen(port_up=port))
    return {
        "reroute_ms": 1e3 * (change["last_barrier_s"] - at_s),
        "sent_ms": 1e3 * (change["last_s"] - at_s),
        "rules": change["flow_mods"],
        "groups": change["group_mods"],
        "switches": change["switches"],
        "phases_ms": {name: 1e3 * (after_s[name] - spent_s.get(name, 0.0)) for name in after_s},
        "turns": len(engine.timings.reactions) - reacted,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example:\n  python -m bench.reroute --repetitions 3",
    )
    parser.add_argument("--flows", type=int, default=16_000)
    parser.add_argument("--crossing", type=int, default=1_000, help="flows over the interface that goes down")
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--json", default="out/bench/reroute.json", metavar="FILE")
    args = parser.parse_args()
    prepare()
    report = run(args.flows, args.crossing, args.repetitions)
    path = Path(args.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({key: value for key, value in report.items() if key != "cuts"}, indent=2))


if __name__ == "__main__":
    main()

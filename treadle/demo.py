"""`treadle demo`: a fabric comes up, carries traffic, loses a cable and a switch, heals, and reports.

    1. a fat tree of emulated switches and hosts comes up under the controller
    2. every ordered pair of hosts is probed until all are reached
    3. all pairs send at once: how evenly do the equal-cost paths share the load?
    4. a cable between aggregation and core is cut under traffic and repaired, then a whole core switch
    5. a table on the terminal, a report as JSON, and a picture of the fabric coloured by load

Everything in the report was measured in this run, on real Open vSwitch. Exit status 0: every pair was
reached and every pair that was affected by a failure recovered; 1: not so, and the report says where."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from controller.model.blueprint import Blueprint, Cable, fat_tree
from controller.model.errors import ModelError, OperatorError
from controller.model.identity import PortRef
from mininet_scenarios.lab import Lab
from mininet_scenarios.paths import sent_packets
from mininet_scenarios.traffic import Flow, Pair
from treadle.demo_report import Failure, Report, failure_of, rules_by_switch, table
from treadle.picture import draw

_REACH_TIMEOUT_S = 60.0
_SPREAD_S, _SPREAD_PERIOD_S = 2.0, 0.05
_PROBE_PERIOD_S = 0.004
_MOST_PROBED = 24
_BEFORE_S, _DARK_S, _AFTER_S = 0.5, 1.5, 1.5
_STEPS = 6


def demo(args: argparse.Namespace) -> int:
    """Run the demo; `args.json` names the report's file, `args.k` the size. Raises `OperatorError`."""
    try:
        blueprint = fat_tree(args.k)
    except ModelError as error:
        raise OperatorError(str(error), key="--k", mend="for instance --k 4") from None
    console, place = Console(), Path(args.json or "out/demo/report.json")
    place.parent.mkdir(parents=True, exist_ok=True)
    report = _run(blueprint, console, place.parent)
    place.write_text(json.dumps(report.as_json(), indent=2) + "\n")
    console.print(table(report))
    console.print(
        f"report: {place}   picture: {place.parent / 'fabric.svg'}   controller's log: {report.log}"
    )
    return 0 if report.healthy else 1


@dataclass
class _Stage:
    """The progress line: what is being done, and how many of the steps are behind us."""

    progress: Progress
    task: Any

    def say(self, what: str) -> None:
        self.progress.update(self.task, description=what)

    def step(self, what: str) -> None:
        self.progress.update(self.task, advance=1, description=what)


def _run(blueprint: Blueprint, console: Console, directory: Path) -> Report:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=console.is_terminal) as progress:
        stage = _Stage(progress, progress.add_task("starting", total=_STEPS))

        def building(what: str, _done: int, _total: int) -> None:
            stage.say(f"building {blueprint.name}: {what}")

        with Lab(blueprint, directory=directory, progress=building) as lab:
            report = _measure(lab, stage, directory)
            stage.step("taking the fabric down")
    return report


def _measure(lab: Lab, stage: _Stage, directory: Path) -> Report:
    stage.step(f"waiting until all {len(lab.pairs)} pairs reach one another")
    found = lab.ping_all(timeout_s=_REACH_TIMEOUT_S)
    seconds = found.seconds_since(lab.controller.started_s)
    stage.step("all pairs send at once")
    load = _spread_load(lab)
    stage.step("cutting a cable between aggregation and core under traffic")
    failures = [_cut_a_cable(lab, load)]
    stage.step("killing a core switch under traffic")
    failures.append(_kill_a_core_switch(lab))
    stage.step("asking the controller for its rules")
    status = json.loads(lab.ask("status", "--json"))
    picture = draw(lab.blueprint, _shares(load), title=f"{lab.blueprint.name}, all pairs sending")
    (directory / "fabric.svg").write_text(picture)
    return Report(
        fabric=lab.blueprint.name,
        switching=lab.fabric.switching,
        pairs_total=found.pairs,
        pairs_reachable=found.reached,
        seconds_to_reachable=None if seconds is None else round(seconds, 3),
        rules=rules_by_switch(lab),
        control_messages=(status["counters"]["messages sent"], status["counters"]["messages received"]),
        load_by_tier=_load_by_tier(lab.blueprint, load),
        failures=tuple(failures),
        log=str(lab.controller.log_path),
    )


# --- traffic ------------------------------------------------------------------------------------------------


def _spread_load(lab: Lab) -> Mapping[PortRef, int]:
    """Packets that left each port while every pair sent a little."""
    before = lab.counters()
    flows = lab.traffic.begin(lab.pairs, period_s=max(_SPREAD_PERIOD_S, len(lab.pairs) / 5000))
    time.sleep(_SPREAD_S)
    lab.traffic.end(flows)
    return sent_packets(before, lab.counters())


def _shares(load: Mapping[PortRef, int]) -> Mapping[PortRef, float]:
    most = max(load.values(), default=0) or 1
    return {end: count / most for end, count in load.items()}


def _load_by_tier(blueprint: Blueprint, load: Mapping[PortRef, int]) -> Mapping[str, tuple[int, int, int]]:
    """For each tier boundary and direction: least, mean and most packets of its links."""
    tiers = blueprint.switch_by_dpid
    groups: dict[str, list[int]] = {}
    for cable in blueprint.cables:
        for src, dst in ((cable.a, cable.b), (cable.b, cable.a)):
            name = f"{tiers[src.dpid].tier} to {tiers[dst.dpid].tier}"
            groups.setdefault(name, []).append(load.get(src, 0))
    return {name: (min(seen), sum(seen) // len(seen), max(seen)) for name, seen in sorted(groups.items())}


# --- failures -----------------------------------------------------------------------------------------------


def _cut_a_cable(lab: Lab, load: Mapping[PortRef, int]) -> Failure:
    """The busiest cable between aggregation and core, or any where there is none."""
    tier = {plan.dpid: plan.tier for plan in lab.blueprint.switches}

    def busy(cable: Cable) -> tuple[bool, int]:
        above = {tier[cable.a.dpid], tier[cable.b.dpid]} == {"aggregation", "core"}
        return above, load.get(cable.a, 0) + load.get(cable.b, 0)

    cable = max(lab.blueprint.cables, key=busy)
    a, b = (lab.blueprint.switch_by_dpid[end.dpid].name for end in (cable.a, cable.b))
    flows = _probe(lab)
    fault = lab.cut(a, b)
    time.sleep(_DARK_S)
    repair = lab.restore(a, b)
    return _conclude(lab, f"cable {a}-{b} cut", flows, fault.began_s, repair.began_s)


def _kill_a_core_switch(lab: Lab) -> Failure:
    core = lab.blueprint.switches[-1].name
    flows = _probe(lab)
    fault = lab.kill_switch(core)
    time.sleep(_DARK_S)
    repair = lab.restart_switch(core)
    time.sleep(_AFTER_S)
    return _conclude(lab, f"core switch {core} killed", flows, fault.began_s, repair.began_s)


def _probe(lab: Lab) -> Sequence[Flow]:
    """Probes between hosts of different pods, as many as this machine carries without being the
    bottleneck."""
    flows = lab.traffic.begin(_far_pairs(lab.hosts), period_s=_PROBE_PERIOD_S)
    time.sleep(_BEFORE_S)
    return flows


def _far_pairs(hosts: Sequence[str]) -> list[Pair]:
    """Each host to those half, a quarter and three quarters of all hosts further on, up to a bound."""
    count = len(hosts)
    steps = dict.fromkeys(step for step in (count // 2, count // 4, 3 * count // 4) if step)
    pairs = [(hosts[i], hosts[(i + step) % count]) for step in steps for i in range(count)]
    return pairs[:: max(1, -(-len(pairs) // _MOST_PROBED))]


def _conclude(lab: Lab, what: str, flows: Sequence[Flow], fault_s: float, repair_s: float) -> Failure:
    time.sleep(_AFTER_S)
    lab.traffic.end(flows)
    time.sleep(0.1)
    dark = lab.traffic.window(flows, since_s=fault_s - 0.05, until_s=repair_s)
    after = lab.traffic.window(flows, since_s=repair_s)
    return failure_of(what, tuple(dark.values()), tuple(after.values()))

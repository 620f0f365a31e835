"""How long transfers take on a lopsided fabric: ours beside weighted and plain ECMP, at loads 0.3 to 0.9.

Four leaves with eight hosts each, four spines, every link 1 Gbit/s; one uplink of the first leaf is dead, one
of the second carries half. Transfers come by a Poisson process between hosts drawn at random, with the sizes
of a web search's cluster and of a data-mining one (simulator/flows/sizes.py). Load 1 is what the narrowest
leaf could carry at best.

Simulated as a fluid, so no core is measured but the scheduler's choice: mean, median and 99th percentile of
completion times and slowdowns, of all transfers, those below 100 kB and those above 10 MB. All schedulers get
the same transfers. The first tenth is not counted, as the fabric is empty when they come.

Writes `out/bench/completion.json` and a picture.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bench.picture import picture, where_possible
from controller.model.blueprint import leaf_spine
from controller.model.identity import port_ref
from controller.model.topology import Topology
from simulator.flows.arrivals import bearable_bps, poisson
from simulator.flows.fabric import as_planned, failed
from simulator.flows.simulation import Request, simulate
from simulator.flows.sizes import SIZES
from treadle.schedulers import NAMES, control_by

BLUEPRINT = leaf_spine(4, 4, 8)
RATE_BPS = 1_000_000_000
DEAD, HALF = port_ref(1, 9), port_ref(2, 10)
"""The first leaf's uplink to the first spine, and the second's to the second."""

LOADS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
_UNCOUNTED = 0.1


@dataclass(frozen=True, slots=True)
class Case:
    sizes: str
    load: float
    scheduler: str
    seed: int


@dataclass(frozen=True, slots=True)
class Loop:
    """How many transfers, and how quick the controller is."""

    count: int
    interval_s: float
    delay_s: float


def lopsided() -> Topology:
    """The fabric."""
    return failed(as_planned(BLUEPRINT, capacity_bps=RATE_BPS, rate_bps={HALF: RATE_BPS // 2}), [DEAD])


def measure(fabric: Topology, case: Case, loop: Loop) -> dict[str, Any]:
    """One run."""
    offered_bps = case.load * bearable_bps(fabric)
    transfers = poisson(
        BLUEPRINT, SIZES[case.sizes], count=loop.count, offered_bps=offered_bps, seed=case.seed
    )
    control = control_by(
        case.scheduler, interval_s=loop.interval_s, delay_s=loop.delay_s, blueprint=BLUEPRINT
    )
    counted_from_s = transfers[int(_UNCOUNTED * len(transfers))].begin_s
    began_s = time.monotonic()
    outcome = simulate(Request(fabric, transfers, control, counted_from_s=counted_from_s, seed=case.seed))
    return {
        "sizes": case.sizes,
        "load": case.load,
        "scheduler": case.scheduler,
        "seed": case.seed,
        "offered_bps": offered_bps,
        "simulated_s": outcome.until_s,
        "took_s": round(time.monotonic() - began_s, 2),
        "moved": outcome.moved,
        **outcome.completions(fabric).as_json(),
    }


def cases(args: argparse.Namespace) -> Iterator[Case]:
    """All runs, those that are to be compared one after the other."""
    for sizes in args.sizes:
        for load in args.loads:
            for seed in args.seeds:
                for name in args.schedulers:
                    yield Case(sizes, load, name, seed)


def main() -> None:
    """Measure, show, and write the report."""
    args = _arguments()
    fabric, loop = lopsided(), Loop(args.flows, args.interval, args.delay)
    planned, runs = list(cases(args)), []
    with _progress() as progress:
        task = progress.add_task("completion", total=len(planned))
        for case in planned:
            progress.update(task, description=f"{case.sizes} {case.load:.1f} {case.scheduler}")
            runs.append(measure(fabric, case, loop))
            progress.advance(task)
    report = {
        "fabric": f"{BLUEPRINT.name}, one uplink dead, one at half rate",
        "rate_bps": RATE_BPS,
        "bearable_bps": bearable_bps(fabric),
        "flows": args.flows,
        "interval_s": args.interval,
        "delay_s": args.delay,
        "runs": runs,
    }
    path = Path(args.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")
    with where_possible(Console(stderr=True)):
        plot(runs, path.with_suffix(".svg"))
    Console().print(_table(runs))


def _arguments() -> argparse.Namespace:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("--schedulers", nargs="+", default=["ours", "ecmp", "plain"], choices=NAMES)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--loads", nargs="+", type=float, default=list(LOADS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1])
    parser.add_argument("--flows", type=int, default=10_000, help="transfers in each run")
    parser.add_argument(
        "--interval", type=float, default=0.1, metavar="S", help="the controller looks so often"
    )
    parser.add_argument("--delay", type=float, default=0.02, metavar="S", help="until its pins are in place")
    parser.add_argument("--json", default="out/bench/completion.json", metavar="FILE")
    return parser.parse_args()


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=Console(stderr=True))


def plot(runs: list[dict[str, Any]], path: Path) -> None:
    """Slowdown over load: a panel for each workload and kind of transfer, a line for each scheduler."""
    kinds = ("all", "slowdown_mean"), ("small", "slowdown_p99"), ("large", "slowdown_mean")
    workloads = sorted({run["sizes"] for run in runs})
    with picture(path, panels=len(kinds), rows=len(workloads)) as panels:
        wanted = [(sizes, kind, figure) for sizes in workloads for kind, figure in kinds]
        for axes, (sizes, kind, figure) in zip(panels, wanted, strict=True):
            mine = [run for run in runs if run["sizes"] == sizes]
            for name in dict.fromkeys(run["scheduler"] for run in mine):
                by_load: dict[float, list[float]] = {}
                for run in mine:
                    if run["scheduler"] == name:
                        by_load.setdefault(run["load"], []).append(run[kind][figure])
                axes.plot(by_load.keys(), [mean(each) for each in by_load.values()], marker="o", label=name)
            axes.set(title=f"{sizes}, {kind}: {figure.replace('_', ' ')}", xlabel="load", yscale="log")
            axes.grid(visible=True, which="both", alpha=0.25)
        panels[0].legend(loc="upper left", fontsize="small")


def _table(runs: list[dict[str, Any]]) -> Table:
    columns = ("sizes", "load", "scheduler", "mean, ms", "slowdown", "small p99", "large mean", "moved")
    table = Table(*columns, title="completion times and slowdowns", box=None, pad_edge=False)
    for run in runs:
        figures = run["all"]["slowdown_mean"], run["small"]["slowdown_p99"], run["large"]["slowdown_mean"]
        mean_ms = f"{1e3 * run['all']['mean_s']:.1f}"
        shown = (f"{figure:.2f}" for figure in figures)
        table.add_row(
            run["sizes"], f"{run['load']:.1f}", run["scheduler"], mean_ms, *shown, str(run["moved"])
        )
    return table


if __name__ == "__main__":
    main()

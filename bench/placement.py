"""Placement by itself: how much of a non-blocking switch each solver gets out of a fat tree, and how fast.

For each k, pattern and number of failed cables, all solvers place the same demands, starting from what ECMP
does with them; rates are max-min fair. For each run:

    fraction    sum of the rates, as a part of what a switch that never blocks would give
    slowest     the least part of that which any flow gets
    bound       what `fraction` could be at most if flows could be split; `bound_by` says how it was found:
                `ideal` (it is reached), `lp` (linear program), `cuts` (weaker, where that takes too long)
    bound_slowest    the same for `slowest`, though an unsplit flow may be kept from it by nature
    solver_ms   processor time of the solver alone, on a snapshot that it knows already
    moved       flows that are elsewhere than ECMP had them, by solver

Failed cables are drawn by seed, or are the worst of `WORST_OF` drawn sets: those that leave ours the least.
Annealing is left out at k=32, where its lists would not fit into memory. Writes `out/bench/placement.json`,
and a picture; needs no root, no Open vSwitch and no controller.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.picture import picture, where_possible
from controller.model.blueprint import fat_tree
from controller.model.demand import Demand, Flow, FlowKey, Placement
from controller.model.identity import PortRef
from controller.model.topology import DEFAULT_CAPACITY_BPS, Link, Switch, Topology, topology
from controller.placement.bound import bound
from controller.placement.clos import clos
from controller.placement.cuts import cut_bound
from controller.placement.ecmp import ecmp
from controller.placement.patterns import PATTERNS, Pairs, fat_tree_shape, stride
from controller.placement.problem import Problem, Worth, problem
from controller.placement.solvers import SOLVERS

_TCP, _PORT = 6, 5001
_LP_SWITCHES = 80
_ANNEALED_SWITCHES = 320
HALF = "stride(half)"
"""Everybody across the middle of the fabric: what stride(8) is at k=4."""

FAILED, WORST_OF, WORST_PATTERNS = (0, 1, 2, 4, 8), 8, ("randbij", HALF, "random")
_console = Console(stderr=True)


@dataclass(frozen=True)
class Fabric:
    """A fat tree and its hosts, numbered pod by pod and edge by edge."""

    k: int
    topology: Topology
    hosts: tuple[PortRef, ...]

    def without(self, cables: Sequence[PortRef]) -> Fabric:
        """The same, after these cables were cut."""
        if not cables:
            return self
        whole, cut = self.topology, set(cables)
        links = [link for link in whole.links if link.src not in cut and link.dst not in cut]
        after = topology(whole.version + 1, whole.switches, links, (), whole.edge_ports)
        return Fabric(self.k, after, self.hosts)

    def demands(self, pairs: Pairs) -> list[Demand]:
        """A TCP flow for each pair, which would send as much as its host's port can take."""
        found = []
        for number, (src, dst) in enumerate(pairs):
            ends = IPv4Address(0x0A00_0000 + src), IPv4Address(0x0A00_0000 + dst)
            flow = Flow(FlowKey(*ends, _TCP, 10_000 + number, _PORT), self.hosts[src], self.hosts[dst])
            found.append(Demand(flow, float(DEFAULT_CAPACITY_BPS)))
        return found

    def drawn(self, count: int, random: Random) -> list[PortRef]:
        """Cables, by seed."""
        return random.sample([link.src for link in self.topology.links if link.src < link.dst], count)


def fabric(k: int) -> Fabric:
    """The whole fat tree of k-port switches."""
    blueprint = fat_tree(k)
    switches = [Switch(plan.dpid, (), plan.name) for plan in blueprint.switches]
    links = [Link(a, b) for a, b in blueprint.peer.items()]
    hosts = tuple(plan.at for plan in blueprint.hosts)
    return Fabric(k, topology(1, switches, links, (), hosts), hosts)


def cases(whole: Fabric, patterns: Sequence[str], seed: int, worst: bool) -> Iterator[dict[str, Any]]:
    """What is to be placed: pattern, failed cables, and how these were chosen."""
    for pattern in patterns:
        pairs = drawn_pairs(pattern, whole.k, seed)
        for count in FAILED:
            random = Random(f"{seed} {count}")
            cut = whole.without(whole.drawn(count, random))
            yield {"pattern": pattern, "failed": count, "chosen": "random", "fabric": cut, "pairs": pairs}
            if worst and count and pattern in WORST_PATTERNS:
                drawn = [whole.without(whole.drawn(count, random)) for _ in range(WORST_OF)]
                least = min(drawn, key=lambda each: _ours(each, pairs))
                yield {
                    "pattern": pattern,
                    "failed": count,
                    "chosen": "worst",
                    "fabric": least,
                    "pairs": pairs,
                }


def drawn_pairs(pattern: str, k: int, seed: int) -> Pairs:
    """Who sends to whom in a fat tree."""
    shape = fat_tree_shape(k)
    return stride(shape, shape.hosts // 2) if pattern == HALF else PATTERNS[pattern](shape, Random(seed))


def _ours(cut: Fabric, pairs: Pairs) -> Worth:
    wanted = cut.demands(pairs)
    asked = problem(cut.topology, wanted)
    return asked.worth(asked.rows(SOLVERS["ours"](cut.topology, wanted, Placement())))


def measure(case: dict[str, Any], seed: int) -> dict[str, Any]:
    """One run: all solvers on the same demands."""
    cut: Fabric = case["fabric"]
    wanted = cut.demands(case["pairs"])
    asked = problem(cut.topology, wanted)
    hashed = ecmp(cut.topology, [each.flow for each in wanted], seed)
    SOLVERS["ours"](cut.topology, wanted[:8], hashed)  # what is known of a snapshot is worked out here
    clos(cut.topology)
    ideal_bps = float(asked.ideal_bps.sum())
    report: dict[str, Any] = {
        "k": cut.k,
        "pattern": case["pattern"],
        "seed": seed,
        "failed": case["failed"],
        "chosen": case["chosen"],
        "flows": len(wanted),
    }
    for name in ("fraction", "slowest", "solver_ms", "moved"):
        report[name] = {}
    for solver, place in SOLVERS.items():
        if solver == "sa" and len(cut.topology.switches) > _ANNEALED_SWITCHES:
            placed, took_s = None, 0.0
        else:
            began_s = time.process_time()
            placed = place(cut.topology, wanted, hashed)
            took_s = time.process_time() - began_s
        found = None if placed is None else asked.worth(asked.rows(placed))
        report["fraction"][solver] = found and found.total_bps / ideal_bps
        report["slowest"][solver] = found and found.slowest
        report["solver_ms"][solver] = None if placed is None else 1e3 * took_s
        report["moved"][solver] = None if placed is None else len(placed.moved(hashed))
    most, how = _bound(cut, wanted, asked, report["slowest"]["ours"])
    return report | {"bound": most.total_bps / ideal_bps, "bound_slowest": most.slowest, "bound_by": how}


def _bound(cut: Fabric, wanted: list[Demand], asked: Problem, slowest: float) -> tuple[Worth, str]:
    if slowest >= 1.0:
        return Worth(1.0, float(asked.ideal_bps.sum())), "ideal"
    if len(cut.topology.switches) <= _LP_SWITCHES:
        return bound(cut.topology, wanted), "lp"
    return cut_bound(cut.topology, wanted), "cuts"


def summary(runs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """By k and number of failed cables: means over the patterns, and what went worst."""
    found = []
    for k, failed in sorted({(run["k"], run["failed"]) for run in runs}):
        mine = [run for run in runs if (run["k"], run["failed"]) == (k, failed)]
        found.append(
            {
                "k": k,
                "failed": failed,
                "runs": len(mine),
                "mean_fraction": {name: _mean(run["fraction"][name] for run in mine) for name in SOLVERS},
                "mean_slowest": {name: _mean(run["slowest"][name] for run in mine) for name in SOLVERS},
                "worst_of_bound": min(run["fraction"]["ours"] / run["bound"] for run in mine),
                "mean_of_bound": mean(run["fraction"]["ours"] / run["bound"] for run in mine),
                "below_ecmp": sum(_below_ecmp(run) for run in mine),
                "solver_ms_max": max(run["solver_ms"]["ours"] for run in mine),
                "permutation_ms": _mean(
                    run["solver_ms"]["ours"] for run in mine if run["pattern"] == "randbij"
                ),
            }
        )
    return found


def _mean(values: Iterator[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _below_ecmp(run: dict[str, Any]) -> bool:
    ours, ecmp = ((run["slowest"][name], run["fraction"][name]) for name in ("ours", "ecmp"))
    return bool(Worth(*ecmp).exceeds(Worth(*ours)))


def table(rows: Sequence[dict[str, Any]]) -> Table:
    """The summary for people."""
    shown = Table(title="fraction of a non-blocking switch (slowest flow)")
    for title in ("k", "failed", *SOLVERS, "of bound: mean, worst", "below ECMP", "ours, most ms"):
        shown.add_column(title, justify="right")
    for row in rows:
        means = [(row["mean_fraction"][name], row["mean_slowest"][name]) for name in SOLVERS]
        cells = [f"{total:.3f} ({slowest:.2f})" if total is not None else "-" for total, slowest in means]
        bounds = f"{row['mean_of_bound']:.3f}, {row['worst_of_bound']:.3f}"
        below, most_ms = str(row["below_ecmp"]), f"{row['solver_ms_max']:.0f}"
        shown.add_row(str(row["k"]), str(row["failed"]), *cells, bounds, below, most_ms)
    return shown


def plot(rows: Sequence[dict[str, Any]], path: Path) -> None:
    """Mean fraction over failed cables, a line for each solver and a panel for each k."""
    sizes = sorted({row["k"] for row in rows})
    with picture(path, panels=len(sizes)) as panels:
        for axes, k in zip(panels, sizes, strict=True):
            mine = [row for row in rows if row["k"] == k]
            for name in SOLVERS:
                points = [(row["failed"], row["mean_fraction"][name]) for row in mine]
                known = [(x, y) for x, y in points if y is not None]
                axes.plot([x for x, _ in known], [y for _, y in known], marker="o", label=name)
            axes.set(title=f"k={k}", xlabel="failed cables", ylim=(0, 1.02))
            axes.grid(visible=True, alpha=0.25)
        panels[0].set_ylabel("fraction of a non-blocking switch")
        panels[0].legend(loc="lower left", fontsize="small")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--k", type=int, nargs="+", default=[8, 16, 32])
    patterns = [*PATTERNS, HALF]
    parser.add_argument("--pattern", nargs="+", default=patterns, choices=patterns)
    parser.add_argument("--seeds", type=int, default=1, help="how many draws of each pattern")
    parser.add_argument("--json", default="out/bench/placement.json", metavar="FILE")
    args = parser.parse_args()
    path, runs = Path(args.json), list[dict[str, Any]]()
    path.parent.mkdir(parents=True, exist_ok=True)
    for k in args.k:
        whole = fabric(k)
        for seed in range(args.seeds):
            for case in cases(whole, args.pattern, seed, worst=k <= 8):
                runs.append(measure(case, seed))
                _console.print(_line(runs[-1]), highlight=False)
        report = {"summary": summary(runs), "runs": runs}
        path.write_text(json.dumps(report, indent=2) + "\n")
    with where_possible(_console):
        plot(report["summary"], path.with_suffix(".svg"))
    Console().print(table(report["summary"]))


def _line(run: dict[str, Any]) -> str:
    ours, ecmp, took_ms = run["fraction"]["ours"], run["fraction"]["ecmp"], run["solver_ms"]["ours"]
    what = f"k={run['k']} {run['pattern']}, {run['failed']} failed ({run['chosen']})"
    return f"{what}: {ours:.3f} of {run['bound']:.3f} in {took_ms:.0f} ms, ECMP {ecmp:.3f}"


if __name__ == "__main__":
    main()

"""What flows get on an emulated fat tree: ours beside the hash, global first fit and annealing, all of them
beside a switch that blocks nobody.

    for each scheduler   a k=4 fat tree on real Open vSwitch comes up under a controller that places so
    for each pattern     TCP from every source; the first seconds do not count
    fraction             what arrives in all, as a share of what arrives on one switch with all hosts
    slowest              the least of the flows' shares of what they get there
    control_loop_ms      from two flows that collide to the first packet on another path (bench/collisions.py)
    idle_cpu, busy_cpu   the controller's share of a core while nothing is sent, and while a matrix is played

Writes `out/bench/congestion.json`, anew after each scheduler, and a picture. Run it as root:
`python -m bench.congestion [--patterns "stride(8);randbij"] [--seeds 2]`.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console

from bench.collisions import control_loop_ms
from bench.failover import idle_cpu
from bench.picture import picture, where_possible
from controller.documents.matrices import Matrix
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine
from controller.model.errors import OperatorError
from controller.placement.patterns import BY_SEED, PATTERNS, fat_tree_shape
from mininet_scenarios.controller import treadle
from mininet_scenarios.fidelity import LEAST_IDLE
from mininet_scenarios.figures import spread
from mininet_scenarios.lab import Lab
from mininet_scenarios.matrix import Played, play_matrix
from mininet_scenarios.traffic_command import SCHEDULERS, settings_for
from mininet_scenarios.wiring import JUMBO_MTU

K = 4
_REACH_S, _CALM_S = 90.0, 7.0
console = Console(stderr=True)
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One matrix: its pattern, its seed, and the flows."""

    pattern: str
    seed: int
    matrix: Matrix

    @property
    def name(self) -> str:
        return f"{self.pattern} seed {self.seed}"


def asked(patterns: Sequence[str], seeds: int) -> list[Asked]:
    """The matrices, each pattern with every seed that makes it different."""
    shape = fat_tree_shape(K)
    return [
        Asked(pattern, seed, tuple(PATTERNS[pattern](shape, Random(f"{pattern} {seed}"))))
        for pattern in patterns
        for seed in range(seeds if pattern in BY_SEED else 1)
    ]


@dataclass(frozen=True, slots=True)
class Session:
    """All matrices on one running fabric, and the controller's processor time as a share of one core: while
    nothing is sent, and while a matrix is played.
    """

    played: list[Played]
    idle_cpu: float
    busy_cpu: float


def session(
    blueprint: Blueprint, scheduler: str, wanted: Sequence[Asked], args: argparse.Namespace
) -> Session:
    """Play all matrices, one after the other."""
    found, busy_s = list[Played](), 0.0
    with Lab(blueprint, treadle(settings_for(scheduler)), mtu=JUMBO_MTU, daemons="each") as lab:
        if not lab.ping_all(timeout_s=_REACH_S).complete:
            raise OperatorError(f"{blueprint.name} under {scheduler} did not come up")
        idle = idle_cpu(lab)
        for number, each in enumerate(wanted, 1):
            console.print(f"{blueprint.name} {scheduler}: {each.name} ({number} of {len(wanted)})")
            before_s = lab.controller.cpu_s()
            found.append(play_matrix(lab, each.matrix, seconds=args.seconds, settle_s=args.settle))
            busy_s += lab.controller.cpu_s() - before_s
            time.sleep(_CALM_S)  # pins expire, queues drain
    return Session(found, round(idle, 4), round(busy_s / (len(wanted) * args.seconds), 4))


def runs(wanted: Sequence[Asked], results: Mapping[str, Session], free: list[Played]) -> list[Json]:
    """Each matrix with what every scheduler made of it."""
    found: list[Json] = []
    for number, each in enumerate(wanted):
        ideal = free[number]
        mine = {name: several.played[number] for name, several in results.items()}
        found.append(
            {
                "pattern": each.pattern,
                "seed": each.seed,
                "flows": len(each.matrix),
                "fraction": {name: round(it.total_bps / ideal.total_bps, 4) for name, it in mine.items()},
                "slowest": {name: round(_slowest(it, ideal), 4) for name, it in mine.items()},
                "machine_idle": {name: it.idle_share for name, it in mine.items()},
                "valid": all(it.idle_share >= LEAST_IDLE for it in mine.values()),
            }
        )
    return found


def _slowest(mine: Played, ideal: Played) -> float:
    """The least share that a flow gets of what it gets where nobody is blocked."""
    pairs = zip(mine.rates_bps, ideal.rates_bps, strict=True)
    return min((rate / best for rate, best in pairs if best), default=0.0)


def report(found: list[Json], results: Mapping[str, Session], args: argparse.Namespace) -> Json:
    """The figures of all runs."""
    schedulers = tuple(results)
    means = {
        what: {name: round(statistics.mean(run[what][name] for run in found), 4) for name in schedulers}
        for what in ("fraction", "slowest")
    }
    return {
        "fabric": f"fat_tree({K})",
        "link_bps": args.mbit * 10**6,
        "seconds": args.seconds,
        "settle": args.settle,
        "runs": found,
        "mean_fraction": means["fraction"],
        "mean_slowest": means["slowest"],
        "below_ecmp": [
            f"{run['pattern']} seed {run['seed']}"
            for run in found
            if "ecmp" in run["fraction"] and run["fraction"].get("ours", 1.0) < run["fraction"]["ecmp"]
        ],
        "slowest_spread": {name: spread([run["slowest"][name] for run in found], 4) for name in schedulers},
        "idle_cpu": {name: mine.idle_cpu for name, mine in results.items()},
        "busy_cpu": {name: mine.busy_cpu for name, mine in results.items()},
    }


def plot(found: Sequence[Json], path: Path) -> None:
    """Fraction and slowest flow of each run, a bar for each scheduler."""
    with picture(path, size=(12.0, 3.0), rows=2) as panels:
        for axes, what in zip(panels, ("fraction", "slowest"), strict=True):
            names = list(found[0][what])
            for number, name in enumerate(names):
                places = [place + 0.8 * number / len(names) for place in range(len(found))]
                axes.bar(places, [run[what][name] for run in found], 0.8 / len(names), label=name)
            labels = [f"{run['pattern']} {run['seed']}" for run in found]
            axes.set_xticks(
                [place + 0.3 for place in range(len(found))], labels, rotation=60, fontsize="x-small"
            )
            axes.set(ylabel=f"{what}, of a switch that blocks nobody", ylim=(0, 1.1))
            axes.grid(visible=True, axis="y", alpha=0.25)
        panels[0].legend(loc="lower left", fontsize="small", ncols=4)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.congestion", description="What do flows get?")
    parser.add_argument("--patterns", default=";".join(PATTERNS), help=f"of {';'.join(PATTERNS)}")
    parser.add_argument("--schedulers", default=",".join(SCHEDULERS), help=f"of {','.join(SCHEDULERS)}")
    parser.add_argument("--seeds", type=int, default=2, help="of each pattern that has any (default: 2)")
    parser.add_argument("--seconds", type=float, default=30.0, help="each matrix (default: 30)")
    parser.add_argument("--settle", type=float, default=10.0, help="of these don't count (default: 10)")
    parser.add_argument("--collisions", type=int, default=20, help="to react to (default: 20)")
    parser.add_argument("--mbit", type=int, default=10, help="capacity of links, Mbit/s (default: 10)")
    parser.add_argument("--json", default="out/bench/congestion.json", metavar="FILE")
    args = parser.parse_args()
    patterns, schedulers = args.patterns.split(";"), args.schedulers.split(",")
    if strange := {*patterns} - {*PATTERNS} or {*schedulers} - {*SCHEDULERS}:
        parser.error(f"there is no {', '.join(sorted(strange))}")
    wanted, capacity_bps = asked(patterns, args.seeds), args.mbit * 10**6
    hosts = fat_tree_shape(K).hosts
    free = session(leaf_spine(1, 1, hosts, capacity_bps=capacity_bps), "ecmp", wanted, args).played
    results: dict[str, Session] = {}
    document: Json = {}
    for scheduler in schedulers:
        results[scheduler] = session(fat_tree(K, capacity_bps=capacity_bps), scheduler, wanted, args)
        document = report(runs(wanted, results, free), results, args)
        _write(document, Path(args.json))
    console.print(f"{args.collisions} collisions")
    reactions = control_loop_ms(args.collisions, capacity_bps)
    half, most = (_rank(reactions, share) for share in (0.5, 0.99))
    document["control_loop_ms"] = {"p50": half, "p99": most, "all": reactions}
    _write(document, Path(args.json))
    with where_possible(console):
        plot(document["runs"], Path(args.json).with_suffix(".svg"))
    print(json.dumps({key: document[key] for key in ("mean_fraction", "mean_slowest", "control_loop_ms")}))


def _rank(values: Sequence[float], share: float) -> float | None:
    """The value below which this share of all lies (nearest rank); None where there is none."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)] if values else None


def _write(document: Json, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")


if __name__ == "__main__":
    main()

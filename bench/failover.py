"""How long is it dark when a cable dies: every cable between switches cut in turn, under 1 kHz probes
that cross it.

    for each cable    find pairs whose probes cross it, in both directions
                      probe them at 1 kHz; cut the cable (carrier gone at both ends); wait; repair it; wait
    a pair's gap      the longest time without a delivery around the cut, less the sender's own pause
    lost on repair    packets sent from the repair on that never arrived

Writes `out/bench/failover.json`. Run it as root: `python -m bench.failover [--k 4] [--cables N]`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from controller.model.blueprint import Blueprint, Cable, fat_tree
from controller.model.identity import PortRef
from mininet_scenarios.fidelity import LEAST_IDLE, IdleShare
from mininet_scenarios.figures import spread
from mininet_scenarios.lab import Lab
from mininet_scenarios.paths import ways
from mininet_scenarios.traffic import Pair

_BEFORE_S, _DARK_S, _AFTER_S = 0.3, 0.8, 1.0
_PAIRS_EACH_WAY = 2
_IDLE_S = 20.0


@dataclass
class Result:
    """What all cuts showed; gaps in milliseconds."""

    gaps_ms: list[float] = field(default_factory=list)
    unrecovered: list[str] = field(default_factory=list)
    lost_on_repair: int = 0
    sent_on_repair: int = 0
    cut: int = 0
    uncrossed: list[str] = field(default_factory=list)


def measure(lab: Lab, cables: Sequence[Cable]) -> Result:
    """Cut and repair each cable."""
    result, crossed = Result(), ways(lab, lab.pairs)
    for cable in track(cables, description="cutting cables", console=Console(stderr=True)):
        pairs = _pairs_across(cable, crossed)
        if not pairs:
            result.uncrossed.append(_name(lab.blueprint, cable))
            continue
        _cut(lab, cable, pairs, result)
    return result


def _cut(lab: Lab, cable: Cable, pairs: Sequence[Pair], result: Result) -> None:
    a, b = (lab.blueprint.switch_by_dpid[end.dpid].name for end in (cable.a, cable.b))
    flows = lab.traffic.begin(pairs)
    time.sleep(_BEFORE_S)
    fault = lab.cut(a, b)
    time.sleep(_DARK_S)
    repair = lab.restore(a, b)
    time.sleep(_AFTER_S)
    lab.traffic.end(flows)
    time.sleep(0.05)
    result.cut += 1
    for flow, seen in lab.traffic.window(flows, since_s=fault.began_s - 0.05, until_s=repair.began_s).items():
        if not seen.recovered or seen.gap_ms is None:
            result.unrecovered.append(f"{flow} with {a}-{b} cut")
        elif seen.lost:
            result.gaps_ms.append(seen.gap_ms)
    for seen in lab.traffic.window(flows, since_s=repair.began_s).values():
        result.lost_on_repair += seen.lost
        result.sent_on_repair += seen.sent


def _pairs_across(cable: Cable, crossed: Mapping[Pair, frozenset[PortRef]]) -> list[Pair]:
    up = [pair for pair, ports in crossed.items() if cable.a in ports]
    down = [pair for pair, ports in crossed.items() if cable.b in ports]
    return [*up[:_PAIRS_EACH_WAY], *down[:_PAIRS_EACH_WAY]]


def _name(blueprint: Blueprint, cable: Cable) -> str:
    return "-".join(blueprint.switch_by_dpid[end.dpid].name for end in (cable.a, cable.b))


def idle_cpu(lab: Lab, seconds: float = _IDLE_S) -> float:
    """The controller's processor time while nothing happens, as a share of one core."""
    before = lab.controller.cpu_s()
    time.sleep(seconds)
    return (lab.controller.cpu_s() - before) / seconds


def run(blueprint: Blueprint, most_cables: int | None = None) -> dict[str, Any]:
    """The whole bench on one fabric."""
    with Lab(blueprint) as lab:
        lab.wait_until_reachable(timeout_s=60.0)
        time.sleep(2.0)
        idle = idle_cpu(lab)
        machine = IdleShare()
        result = measure(lab, blueprint.cables[:most_cables])
        share = machine.share
        return {
            "fabric": blueprint.name,
            "switching": lab.fabric.switching,
            "links_cut": result.cut,
            "links_not_crossed": result.uncrossed,
            "pairs_affected": len(result.gaps_ms),
            "pairs_unrecovered": len(result.unrecovered),
            "unrecovered": result.unrecovered,
            "gap_ms": spread(result.gaps_ms),
            "gaps_ms": sorted(round(gap, 2) for gap in result.gaps_ms),
            "packets_lost_on_repair": result.lost_on_repair,
            "packets_sent_on_repair": result.sent_on_repair,
            "idle_cpu": round(idle, 4),
            "machine_idle": round(share, 3),
            "sender_paused_ms": round(lab.traffic.paused_s * 1000, 1),
            "valid": share >= LEAST_IDLE,
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--k", type=int, default=4, help="the fat tree of k-port switches")
    parser.add_argument("--cables", type=int, help="cut only the first N")
    parser.add_argument("--json", default="out/bench/failover.json", metavar="FILE")
    args = parser.parse_args()
    report = run(fat_tree(args.k), args.cables)
    path = Path(args.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps({key: value for key, value in report.items() if key != "gaps_ms"}, indent=2))


if __name__ == "__main__":
    main()

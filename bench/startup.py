"""How long from the controller's start until every pair of hosts is reached: fat trees of k=4 and k=8.

The fabric is up before, its switches empty and looking for a controller; then the controller process
starts, and every ordered pair is probed until all have been reached once. RFC 8456 would call the sum of
what it does first the network discovery time.

Writes `out/bench/startup.json`. Run it as root: `python -m bench.startup [--k 4 8]`.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

from controller.model.blueprint import fat_tree
from mininet_scenarios.fidelity import LEAST_IDLE, IdleShare
from mininet_scenarios.lab import Lab


def run(k: int) -> dict[str, Any]:
    """Start the controller on an empty fabric of this size."""
    blueprint = fat_tree(k)
    building_s = time.monotonic()
    with Lab(blueprint) as lab:
        built_s = time.monotonic() - building_s
        lab.stop_controller(kill=True)
        for plan in blueprint.switches:
            for what in ("flows", "groups", "meters"):
                lab.ofctl(plan.name, f"del-{what}")
        time.sleep(1.0)
        machine = IdleShare()
        lab.controller.start()
        found = lab.ping_all(timeout_s=120.0)
        share = machine.share
        seconds = found.seconds_since(lab.controller.started_s)
    return {
        "fabric": blueprint.name,
        "switches": len(blueprint.switches),
        "hosts": len(blueprint.hosts),
        "fabric_built_s": round(built_s, 2),
        "pairs_total": found.pairs,
        "pairs_reachable": found.reached,
        "seconds_to_reachable": None if seconds is None else round(seconds, 2),
        "machine_idle": round(share, 3),
        "valid": share >= LEAST_IDLE,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--k", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--json", default="out/bench/startup.json", metavar="FILE")
    args = parser.parse_args()
    report = [run(k) for k in args.k]
    path = Path(args.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()

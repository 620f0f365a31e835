"""`python -m bench.healing [--fabric fat_tree:4 ...] [--modes protected,frr] [--cuts N] [--json FILE]`"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from bench.healing.modes import MODES, named
from bench.healing.plots import plot
from bench.healing.report import Report, shown
from bench.healing.running import console, run
from bench.picture import where_possible
from controller.documents.blueprints import parse_spec
from controller.model.errors import TreadleError

FABRICS = ["leaf_spine:4,4,2", "fat_tree:4", "fat_tree:6"]
_ALL = [mode.name for mode in MODES]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.healing", description="How long is it dark?")
    parser.add_argument("--fabric", nargs="+", default=FABRICS, metavar="SHAPE", help=", ".join(FABRICS))
    parser.add_argument("--modes", default=",".join(_ALL), help=f"of {','.join(_ALL)}")
    parser.add_argument("--cuts", type=int, help="at most N failures a mode, spread over the fabric")
    parser.add_argument("--json", default="out/bench/healing.json", metavar="FILE")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # fabrics are removed on the way
    modes = args.modes.split(",")
    if unknown := set(modes) - set(_ALL):
        parser.error(f"there is no mode {', '.join(sorted(unknown))}")
    report = Report(Path(args.json))
    for fabric in args.fabric:
        blueprint = parse_spec(fabric)
        for name in modes:
            try:
                figures = run(named(name), blueprint, args.cuts)
            except TreadleError as error:
                console.print(f"{blueprint.name} {name}: {error}", style="red")
                report.skip(blueprint.name, name, str(error))
                continue
            report.put(blueprint.name, name, figures)
            print(json.dumps({blueprint.name: {name: shown(figures)}}), flush=True)
    draw(report)


def draw(report: Report) -> None:
    """A picture of each fabric beside the report."""
    with where_possible(console):
        for fabric, measured in report.fabrics.items():
            if path := plot(fabric, measured, report.path.parent):
                console.print(f"{fabric}: {path}")


if __name__ == "__main__":
    main()

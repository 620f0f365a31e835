"""`treadle lab traffic`: play a traffic matrix on an emulated fabric, and say what each flow got."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from controller.documents.matrices import read_matrix
from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError
from mininet_scenarios.controller import treadle
from mininet_scenarios.fidelity import LEAST_IDLE
from mininet_scenarios.lab import Lab
from mininet_scenarios.machine import Sharing
from mininet_scenarios.matrix import Played, play_matrix
from mininet_scenarios.shown import shown, write_json
from mininet_scenarios.wiring import JUMBO_MTU

SCHEDULERS = ("ours", "ecmp", "gff", "sa")
DEFAULT_RATE = "10M"
_REACH_TIMEOUT_S = 90.0
_MOST_SHOWN = 40


def add_traffic(command: argparse.ArgumentParser) -> None:
    """Declare what is particular about `treadle lab traffic`; the fabric's options are the lab's."""
    command.add_argument("file", metavar="FILE.json", type=Path, help='as in {"flows": [[0, 8], [1, 9]]}')
    add = command.add_argument
    add("--scheduler", choices=SCHEDULERS, default="ours", help="who places the flows (default: ours)")
    add("--seconds", type=float, default=30.0, metavar="S", help="how long the flows last (default: 30)")
    add(
        "--settle",
        type=float,
        default=10.0,
        metavar="S",
        help="the first S seconds don't count (default: 10)",
    )
    add(
        "--mtu",
        type=int,
        default=JUMBO_MTU,
        metavar="BYTES",
        help=f"of all interfaces (default: {JUMBO_MTU})",
    )
    add("--json", metavar="OUT", help="write each flow's rate there ('-': to the terminal)")


def settings_for(scheduler: str) -> dict[str, object]:
    """The settings of a controller that places flows in this way."""
    if scheduler == "ecmp":
        return {"scheduler": "ecmp"}
    return {"scheduler": scheduler, "sflow": "127.0.0.1:0", "ovsdb": "{ovsdb}"}


def run_traffic(args: argparse.Namespace, blueprint: Blueprint, settings: dict[str, object]) -> int:
    """Play the matrix on this fabric; 0. Raises `OperatorError`."""
    matrix = read_matrix(args.file, len(blueprint.hosts))
    command = treadle(settings_for(args.scheduler) | settings)
    daemons: Sharing = args.daemons
    title = f"{args.file.name} on {blueprint.name}, {args.scheduler}"
    with shown(title) as progress:
        lab = Lab(
            blueprint, command, mtu=args.mtu, daemons=daemons, directory=args.directory, progress=progress
        )
        with lab:
            progress("waiting until all hosts reach one another", 0, 1)
            if not lab.ping_all(timeout_s=_REACH_TIMEOUT_S).complete:
                said = lab.controller.last_words()
                raise OperatorError(
                    "some hosts do not reach one another", mend=f"the controller said: {said}"
                )
            played = play_matrix(
                lab,
                matrix,
                seconds=args.seconds,
                settle_s=args.settle,
                progress=lambda passed_s: progress("sending", int(passed_s), int(args.seconds)),
            )
            switching = lab.fabric.switching
    report = as_json(played, blueprint, args.scheduler) | {"switching": switching}
    if args.json:
        write_json(report, args.json)
    if args.json != "-":
        _print(played, blueprint, args.scheduler)
    return 0


def as_json(played: Played, blueprint: Blueprint, scheduler: str) -> dict[str, Any]:
    """The report: each flow's rate in the order of the file, and what they amount to; rates in bit/s."""
    return {
        "fabric": blueprint.name,
        "scheduler": scheduler,
        "measured_s": played.measured_s,
        "flows": [list(pair) for pair in played.matrix],
        "rates_bps": [round(rate) for rate in played.rates_bps],
        "total_bps": round(played.total_bps),
        "slowest_bps": round(played.slowest_bps),
        "machine_idle": played.idle_share,
        "valid": played.idle_share >= LEAST_IDLE,
    }


def _print(played: Played, blueprint: Blueprint, scheduler: str) -> None:
    names = [host.name for host in blueprint.hosts]
    table = Table("flow", "from", "to", "Mbit/s", box=None)
    for number, ((src, dst), rate) in enumerate(zip(played.matrix, played.rates_bps, strict=True)):
        if number < _MOST_SHOWN:
            table.add_row(str(number), names[src], names[dst], f"{rate / 1e6:.2f}")
    console = Console()
    console.print(table)
    if len(played.matrix) > _MOST_SHOWN:
        console.print(f"and {len(played.matrix) - _MOST_SHOWN} more: see --json")
    console.print(
        f"{scheduler} on {blueprint.name}: {played.total_bps / 1e6:.1f} Mbit/s in all, the slowest flow"
        f" {played.slowest_bps / 1e6:.2f}; the machine was {played.idle_share:.0%} idle"
    )
    if played.idle_share < LEAST_IDLE:
        console.print("that is too little: these figures measure the machine, not the fabric", style="yellow")

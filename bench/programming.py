"""How fast rules reach real Open vSwitch bridges: ours, the framework's own way, and a bare socket.

    one bridge       all rules into one
    twenty bridges   the same number of rules, spread over twenty at once

The rules are distinct IPv4 host routes. Each of the three senders (bench/senders.py) gives the same rules to
the same bridges, by turns, several times; a time runs from the first call, through a barrier after the last
rule, to its answer. Between two turns the bridges are emptied. What counts is the ratio of medians: all three
share one machine and one Open vSwitch, which is what limits the fast two.

Writes `out/bench/programming.json`. Run it as root:

    python -m bench.programming
    python -m bench.programming --rules 20000 --repetitions 3
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bench.bridges import Bridges
from bench.senders import BareSocket, Framework, Ours, Sender
from controller.model.flow import FlowRule, Output, match
from controller.southbound.framework import prepare
from mininet_scenarios.fidelity import IdleShare

TWENTY = 20
_AT_REST_S = 0.3
_ROUTES, _HOST_PRIORITY, _PORTS = 5, 132, 48


def host_routes(count: int) -> list[FlowRule]:
    """Distinct host routes, as the compiler would give them to a large edge switch."""
    return [
        FlowRule(
            _ROUTES,
            _HOST_PRIORITY,
            match(eth_type=0x0800, ipv4_dst=0x0A00_0000 + number),
            (Output(1 + number % _PORTS),),
            cookie=1 << 60 | number,
        )
        for number in range(count)
    ]


def compare(bridges: int, rules: int, repetitions: int, console: Console) -> dict[str, Any]:
    """Let the three senders program as many bridges, by turns."""
    bare = BareSocket()
    senders: list[Sender] = [Ours(), Framework(), bare]
    taken_s: dict[str, list[float]] = {sender.name: [] for sender in senders}
    rest, busy = [], []
    try:
        with Bridges(bridges, [sender.port for sender in senders]):
            for sender in senders:
                sender.connect(bridges)
            title = f"{rules:,} rules into {bridges} bridge{'s' if bridges > 1 else ''}"
            for turn in track(range(repetitions), description=title, console=console):
                for number in range(len(senders)):
                    sender = senders[(turn + number) % len(senders)]
                    batches = _spread(host_routes(rules), bridges)
                    bare.clear()
                    at_rest = IdleShare()
                    time.sleep(_AT_REST_S)
                    rest.append(at_rest.share)
                    meanwhile = IdleShare()
                    taken_s[sender.name].append(sender.program(batches))
                    busy.append(meanwhile.share)
    finally:
        for sender in senders:
            sender.close()
    return _figures(rules, taken_s, rest, busy)


def _spread(rules: Sequence[FlowRule], bridges: int) -> list[Sequence[FlowRule]]:
    return [rules[number::bridges] for number in range(bridges)]


def _figures(
    rules: int, taken_s: dict[str, list[float]], rest: list[float], busy: list[float]
) -> dict[str, Any]:
    per_s = {name: rules / median(times) for name, times in taken_s.items()}
    return {
        "rules": rules,
        **{f"{name}_per_s": round(rate) for name, rate in per_s.items()},
        "ratio_to_framework": round(per_s["ours"] / per_s["framework"], 2),
        "ratio_to_raw": round(per_s["ours"] / per_s["raw_socket"], 3),
        "seconds": {name: [round(each, 4) for each in times] for name, times in taken_s.items()},
        "idle_at_rest": round(median(rest), 3),
        "idle_meanwhile": round(median(busy), 3),
    }


def _table(report: dict[str, Any]) -> Table:
    table = Table(
        title=f"rules a second, medians of {report['repetitions']}; the framework is {report['framework']}"
    )
    for title in ("", "ours", "framework's own", "bare socket", "ratio to framework", "ratio to bare"):
        table.add_column(title, justify="right" if title else "left")
    for title, of in (("one bridge", report), ("twenty bridges", report["twenty_bridges"])):
        rates = [f"{of[f'{name}_per_s']:,}" for name in ("ours", "framework", "raw_socket")]
        table.add_row(title, *rates, f"{of['ratio_to_framework']:.1f}", f"{of['ratio_to_raw']:.2f}")
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rules", type=int, default=50_000, metavar="N", help="in each turn (50000)")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N", help="turns of each sender (5)")
    parser.add_argument("--json", default="out/bench/programming.json", metavar="FILE")
    args = parser.parse_args()
    framework, hub = prepare()
    console = Console(stderr=True)
    one = compare(1, args.rules, args.repetitions, console)
    twenty = compare(TWENTY, args.rules, args.repetitions, console)
    report = {
        **one,
        "twenty_bridges": twenty,
        "repetitions": args.repetitions,
        "framework": framework,
        "hub": hub,
    }
    path = Path(args.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(report, indent=2) + "\n")
    console.print(_table(report))


if __name__ == "__main__":
    main()

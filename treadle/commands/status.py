"""`treadle status`: the controller in numbers."""

from __future__ import annotations

import argparse
from typing import Any

from treadle.commands.asking import asked, print_json
from treadle.tables import console, duration, table

Json = dict[str, Any]


def run(args: argparse.Namespace) -> int:
    answer = asked(args, "status")
    if args.json:
        print_json(answer)
    else:
        phases = answer["timings"].get("phases_s", {})
        spent = [(f"time to {name}", f"{seconds:.3f} s") for name, seconds in sorted(phases.items())]
        console().print(table(("", ""), [*_facts(answer), *spent, *sorted(answer["counters"].items())]))
    return 0


def _facts(answer: Json) -> list[tuple[str, object]]:
    planned = answer["switches_planned"]
    switches = f"{answer['switches_connected']} connected" + (f" of {planned} planned" if planned else "")
    return [
        ("running", duration(answer["running_s"])),
        ("blueprint", answer["blueprint"] or "none"),
        ("switches", switches),
        ("cables", answer["links"]),
        ("hosts", answer["hosts"]),
        ("rules", f"{answer['rules']}, and {answer['groups']} groups"),
        ("programs", "all as wanted" if answer["idle"] else "being changed"),
        ("findings", answer["findings"]),
        ("journal", answer["journal"] or "none"),
    ]

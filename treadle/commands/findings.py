"""`treadle findings`: what is not as it should be."""

from __future__ import annotations

import argparse
from typing import Any

from rich.text import Text

from treadle.commands.asking import asked, print_json
from treadle.tables import SEVERITY_STYLE, console, duration, table


def run(args: argparse.Namespace) -> int:
    answer = asked(args, "findings")
    if args.json:
        print_json(answer)
    elif answer["findings"]:
        columns = ("severity", "kind", "subject", "evidence and advice", "first", "seen")
        rows = [_row(finding) for finding in answer["findings"]]
        console().print(table(columns, rows, right=frozenset({"first", "seen"})))
    else:
        print("nothing to find: all is as it should be")
    return 0


def _row(finding: dict[str, Any]) -> tuple[object, ...]:
    text = finding["evidence"] + (f"; {finding['advice']}" if finding["advice"] else "")
    severity = Text(finding["severity"], style=SEVERITY_STYLE[finding["severity"]])
    first = duration(finding["first_s"])
    return severity, finding["kind"], finding["subject"], text, first, f"{finding['count']}x"

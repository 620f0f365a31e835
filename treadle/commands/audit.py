"""`treadle audit [SWITCH]`: what switches really hold, read now."""

from __future__ import annotations

import argparse
from typing import Any

from treadle.commands.asking import asked, print_json
from treadle.tables import console, count, table

Json = dict[str, Any]


def run(args: argparse.Namespace) -> int:
    answer = asked(args, "audit", **({"switch": args.switch} if args.switch else {}))
    if args.json:
        print_json(answer)
    else:
        _show(answer["switches"])
    return 0


def _show(switches: list[Json]) -> None:
    rows = [row for switch in switches for row in _rows(switch)]
    if rows:
        console().print(table(("switch", "kind", "evidence and advice"), rows))
    else:
        print(f"{count(len(switches), 'switch', 'switches')} read: all hold what they should")


def _rows(switch: Json) -> list[tuple[str, str, str]]:
    if not switch["read"]:
        return [(switch["switch"], "not-read", "no answer that could be judged; ask again in a moment")]
    return [
        (switch["switch"], each["kind"], f"{each['evidence']}; {each['advice']}") for each in switch["found"]
    ]

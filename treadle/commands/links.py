"""`treadle links`: the cables, how each is, and what it carries."""

from __future__ import annotations

import argparse
from typing import Any

from rich.text import Text

from treadle.commands.asking import asked, print_json
from treadle.tables import bits_per_second, console, table

_STYLE = {"up": "green", "down": "bold red", "drained": "cyan", "damped": "yellow"}


def run(args: argparse.Namespace) -> int:
    answer = asked(args, "links")
    if args.json:
        print_json(answer)
    elif answer["links"]:
        columns = ("cable", "state", "health", "there", "back")
        console().print(table(columns, map(_row, answer["links"]), right=frozenset({"there", "back"})))
    else:
        print("no cable is known yet")
    return 0


def _row(link: dict[str, Any]) -> tuple[object, ...]:
    loads = [_load(link[way]) for way in ("a_to_b_bps", "b_to_a_bps")]
    return f"{link['a']}-{link['b']}", Text(_state(link), style=_STYLE[link["state"]]), _health(link), *loads


def _state(link: dict[str, Any]) -> str:
    notes = ["down"] if not link["up"] and link["state"] != "down" else []
    notes += ["used: nothing else leads there"] if link["needed"] else []
    return f"{link['state']} ({', '.join(notes)})" if notes else str(link["state"])


def _health(link: dict[str, Any]) -> str:
    if not link["penalty"]:
        return "well"
    rest_s = link["suppressed_for_s"]
    rest = "" if rest_s is None else f", used again in {rest_s:.0f} s"
    return f"{link['downs']}x down, penalty {link['penalty']}{rest}"


def _load(bps: int | None) -> str:
    return "" if bps is None else bits_per_second(bps)

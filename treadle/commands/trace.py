"""`treadle trace SRC DST`: the rules that a packet meets, hop by hop, on every path that it may take.

A hop that several paths lead to is shown once and referred to by its number.
"""

from __future__ import annotations

import argparse
from typing import Any

from rich.console import Console
from rich.text import Text

from treadle.commands.asking import asked, print_json
from treadle.tables import console, without_table

Json = dict[str, Any]


def run(args: argparse.Namespace) -> int:
    answer = asked(args, "trace", src=args.src, dst=args.dst)
    if args.json:
        print_json(answer)
    else:
        _show(answer)
    return 0


def _show(answer: Json) -> None:
    out = console()
    out.print(Text(f"packet  {answer['packet']}", style="bold"))
    for hop in answer["hops"]:
        out.print(
            Text(f"\n{hop['number']:>2}  {hop['switch']}", style="bold") + Text(f"  in port {hop['in_port']}")
        )
        for met in hop["rules"]:
            _show_met(out, met)
        for branch in _merged(hop["branches"]):
            out.print(Text(f"    → {_way(branch)}", style=_style(branch)))
    out.print(Text(f"\n{_verdict(answer)}", style="bold"))


def _show_met(out: Console, met: Json) -> None:
    place = Text(f"    {met['table_name']:<10}", style="cyan")
    out.print(place + _rule(met))


def _rule(met: Json) -> Text:
    return Text(without_table(met["rule"])) if met["rule"] else Text("no rule matches", style="red")


def _merged(branches: list[Json]) -> list[Json]:
    """The branches, those that lead to the same place as one with their shares added."""
    ways: dict[tuple[object, ...], Json] = {}
    for branch in branches:
        key = (branch["out"], branch["next_hop"], branch["disposition"], *branch["rewritten"])
        known = ways.setdefault(key, {**branch, "weight": 0})
        known["weight"] += branch["weight"]
    return list(ways.values())


def _way(branch: Json) -> str:
    share = f" ({branch['weight']} of {branch['total']})" if branch["total"] != branch["weight"] else ""
    changed = f" with {', '.join(branch['rewritten'])}" if branch["rewritten"] else ""
    out = branch["out"] or "nowhere"
    end = f"hop {branch['next_hop']}" if branch["disposition"] is None else branch["disposition"]
    return f"{out}{share}{changed}: {end}"


def _style(branch: Json) -> str:
    if branch["disposition"] is None:
        return "default"
    return "green" if branch["disposition"] == "delivered" else "yellow"


def _verdict(answer: Json) -> str:
    ends = " or ".join(answer["dispositions"])
    places = f" at {', '.join(answer['delivered_at'])}" if answer["delivered_at"] else ""
    return f"{ends}{places}"

"""`treadle rules SWITCH`: what the switch has confirmed that it holds, table by table, in ovs-ofctl's
text."""

from __future__ import annotations

import argparse
from typing import Any

from rich.text import Text

from controller.model.errors import OperatorError
from treadle.commands.asking import asked, print_json
from treadle.tables import console, count, without_table

Json = dict[str, Any]


def run(args: argparse.Namespace) -> int:
    answer = asked(args, "rules", switch=args.switch)
    if args.table is not None:
        answer["tables"] = _chosen(answer["tables"], args.table)
    if args.json:
        print_json(answer)
    else:
        _show(answer, whole=args.table is None)
    return 0


def _chosen(tables: list[Json], text: str) -> list[Json]:
    chosen = [table for table in tables if text in (table["name"], str(table["table"]))]
    if not chosen:
        names = ", ".join(table["name"] or str(table["table"]) for table in tables)
        raise OperatorError(f"there is no table '{text}'", mend=f"the tables are {names}")
    return chosen


def _show(answer: Json, *, whole: bool) -> None:
    out = console()
    state = "" if answer["connected"] else ", not connected"
    rules = count(sum(len(table["rules"]) for table in answer["tables"]), "rule")
    out.print(Text(f"{answer['switch']} ({answer['dpid']}{state}): {rules}", style="bold"))
    for table in answer["tables"]:
        head = Text(f"\ntable {table['table']} {table['name'] or ''}".rstrip(), style="bold cyan")
        out.print(head + Text(f"  {table['purpose'] or ''}", style="dim"))
        for rule in table["rules"]:
            owner = Text(f"  {rule['owner'] or 'foreign':<9} ", style="dim")
            out.print(owner + Text(_pin(rule) if "flow" in rule else without_table(rule["text"])))
    if whole:
        for kind in ("groups", "meters"):
            if answer[kind]:
                out.print(Text(f"\n{kind}", style="bold cyan"))
                for entry in answer[kind]:
                    out.print(Text(f"  {entry['text']}"))


def _pin(rule: Json) -> str:
    """What a pin says, for people: its flow, its port, and the ports for when that is dead."""
    first, *others = rule["ports"] or ["?"]
    return f"{rule['flow']} by port {first}" + (f", or else {', '.join(map(str, others))}" if others else "")

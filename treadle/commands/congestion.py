"""`treadle congestion` and `treadle why FLOW`: where it is full, and why large flows go where they go."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from treadle.commands.asking import asked, print_json
from treadle.tables import bits_per_second, console, duration, table

Json = dict[str, Any]


def run(args: argparse.Namespace) -> int:
    answer = asked(args, "congestion")
    if args.json:
        print_json(answer)
        return 0
    out = console()
    if not answer["measured"]:
        out.print("nothing is measured yet: flows are seen where 'sflow' and 'ovsdb' are set")
    flows = f"{answer['flows_in_all']} flows, {answer['pinned']} pinned by {answer['scheduler']}"
    out.print(Text(flows, style="bold"))
    if answer["links"]:
        rows = map(_link, answer["links"])
        out.print(table(("hot link", "rate", "full"), rows, right=frozenset({"rate", "full"})))
    if answer["queues"]:
        rows = map(_queue, answer["queues"])
        out.print(
            table(("queue at", "number", "rate", "drops/s"), rows, right=frozenset({"rate", "drops/s"}))
        )
    if answer["flows"]:
        out.print(table(("flow", "from", "to", "rate", "±", "age", "path"), map(_flow, answer["flows"])))
    for decision in answer["decisions"][:5]:
        out.print(Text(f"{duration(decision['for_s'])} ago: {decision['flow']} {_gain(decision)}"))
    if decided := answer["decided"]:
        times = f"the last in {decided['last_ms']:.1f} ms, the longest in {decided['max_ms']:.1f} ms"
        out.print(f"{decided['count']} decisions, {times}")
    return 0


def why(args: argparse.Namespace) -> int:
    answer = asked(args, "why", flow=args.flow)
    if args.json:
        print_json(answer)
        return 0
    out = console()
    for known in answer["flows"]:
        out.print(Text(f"{known['src']} to {known['dst']}: {known['flow']}", style="bold"))
        measured, decision = known["measured"], known["decision"]
        if measured is not None:
            rate = f"{bits_per_second(measured['bps'])} ± {bits_per_second(measured['error_bps'])}"
            out.print(f"  measured {rate}, seen for {duration(measured['age_s'])}")
        if decision is None:
            out.print("  goes by the hash of the equal-cost groups: it was never placed")
            continue
        out.print(f"  goes by {_way(decision['path'])}, for {duration(decision['for_s'])}")
        out.print(f"  {_gain(decision)}")
        if decision["before"] is not None:
            out.print(f"  before: {_way(decision['before'])}")
    return 0


def _link(link: Json) -> Sequence[object]:
    return link["link"], bits_per_second(link["bps"]), f"{link['utilisation']:.0%}"


def _queue(queue: Json) -> Sequence[object]:
    return queue["port"], queue["queue"], bits_per_second(queue["bps"]), f"{queue['drops_per_s']:g}"


def _flow(flow: Json) -> Sequence[object]:
    way = "by hash" if not flow["pinned"] else "pinned"
    shown = way if flow["path"] is None else f"{way}: {_way(flow['path'])}"
    rates = bits_per_second(flow["bps"]), bits_per_second(flow["error_bps"])
    return flow["flow"], flow["src"], flow["dst"], *rates, duration(flow["age_s"]), shown


def _way(path: list[str]) -> str:
    return ", ".join(path) if path else "its own switch"


def _gain(decision: Json) -> str:
    expected, demand = decision["expected_bps"], decision["demand_bps"]
    wanted = f"{bits_per_second(expected)} of {bits_per_second(demand)} expected"
    before = decision["before_bps"]
    return wanted if before is None else f"{wanted}, {bits_per_second(before)} on the path before"

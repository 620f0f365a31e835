"""`treadle protection`: which failures switches heal by themselves, what is bare and why, and what it costs.

A *next hop* in this table is one that a failure takes away: of one switch, for packets to one other switch.
It is healed by spreading (the switch has others) or by a detour; else it is bare.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from rich.text import Text

from treadle.commands.asking import asked, print_json
from treadle.tables import console, count, table

Json = dict[str, Any]

_MOST_NAMED = 4
_NUMBERS = frozenset({"failures", "healed", "next hops", "by spreading", "by detour", "bare"})


def run(args: argparse.Namespace) -> int:
    answer = asked(args, "protection")
    if args.json:
        print_json(answer)
    else:
        for shown in _report(answer, every=args.failures):
            console().print(shown)
    return 1 if args.strict and not _is_whole(answer) else 0


def _is_whole(answer: Json) -> bool:
    """Whether every failure is healed, and the switches hold what heals it."""
    return answer["settled"] and not answer["bare"]


def _report(answer: Json, *, every: bool) -> Iterator[object]:
    if not answer["protects"]:
        yield Text("protection is switched off (setting protection)", style="yellow")
    elif not answer["settled"]:
        yield Text("detours are being looked for or installed: ask again in a moment", style="yellow")
    columns: tuple[str, ...] = (
        "one dies",
        "failures",
        "healed",
        "next hops",
        "by spreading",
        "by detour",
        "bare",
    )
    rows = [_total("a link", answer["links"]), _total("a switch", answer["switches"])]
    yield table(columns, rows, right=_NUMBERS)
    if every:
        columns = ("dies", "by spreading", "by detour", "bare")
        yield ""
        yield table(columns, map(_failure, answer["failures"]), right=_NUMBERS)
    if answer["bare"]:
        columns = ("when this dies", "this loses its way", "to", "because")
        yield ""
        yield table(columns, map(_bare, answer["bare"]))
    if answer["cost"]:
        columns = ("tier", "switches", "rules for it", "of", "groups for it", "of all")
        yield ""
        yield table(columns, _cost(answer), right=frozenset(columns[1:]))


def _total(what: str, total: Json) -> tuple[object, ...]:
    figures = ("failures", "healed", "next_hops", "spread", "detour", "bare")
    return what, *(total[figure] for figure in figures)


def _failure(failure: Json) -> tuple[object, ...]:
    return failure["what"], failure["spread"], failure["detour"], failure["bare"]


def _bare(bare: Json) -> tuple[object, ...]:
    named = ", ".join(bare["targets"][:_MOST_NAMED])
    more = len(bare["targets"]) - _MOST_NAMED
    return bare["failure"], bare["at"], named + (f" and {more} more" if more > 0 else ""), bare["why"]


def _cost(answer: Json) -> Iterator[tuple[object, ...]]:
    """For each tier the switch that pays most."""
    by_tier: dict[str, list[Json]] = {}
    for share in answer["cost"]:
        by_tier.setdefault(share["tier"], []).append(share)
    for tier, shares in by_tier.items():
        most = max(shares, key=lambda share: (share["rules"] + share["groups"], share["switch"]))
        yield (
            f"{tier} (at most: {most['switch']})",
            len(shares),
            most["rules"],
            count(most["all_rules"], "rule"),
            most["groups"],
            count(most["all_groups"], "group"),
        )

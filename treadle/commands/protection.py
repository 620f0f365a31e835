"""`treadle protection [LINK|SWITCH]`: which single failures the fabric survives by itself, which not and why,
and what that costs.

What is counted are ordered pairs of switches that have hosts. Exit status 1 with --strict: some pair would be
cut off by some failure.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from itertools import groupby
from math import floor
from typing import Any

from rich.text import Text

from treadle.commands.asking import asked, print_json
from treadle.tables import console, count, table

Json = dict[str, Any]

_ALL_IS_WELL = """\
every single failure of a cable or a switch is covered (but for a switch's own hosts: they die with it)"""
_MOST_GAPS = 24
_MOST_NAMES = 4
_NUMBERS = frozenset({"affected", "spread", "by detour", "cut off", "pairs"})
_COUNTS = ("affected", "spread", "detoured", "cut_off")


def run(args: argparse.Namespace) -> int:
    """Ask about the whole fabric, or about what was named."""
    answer = asked(args, "exposure", what=args.what) if args.what else asked(args, "protection")
    if args.json:
        print_json(answer)
    elif args.what:
        _show_each(answer["failures"])
    else:
        _show(answer, every=args.failures)
    bare = any(each["cut_off"] for each in answer["failures"])
    return 1 if args.strict and bare else 0


# --- the whole fabric ---------------------------------------------------------------------------------------


def _show(answer: Json, *, every: bool) -> None:
    _say_state(answer)
    _show_totals(answer)
    if every:
        columns = ("failure", "affected", "spread", "by detour", "cut off")
        console().print()
        console().print(table(columns, map(_failure_row, answer["failures"]), right=_NUMBERS))
    _show_gaps(answer["failures"], most=None if every else _MOST_GAPS)
    _show_added(answer["added"])


def _say_state(answer: Json) -> None:
    pairs = count(answer["pairs"], "ordered pair")
    print(f"{pairs} of switches with hosts" + _unless_none(answer["unreachable"], ", {} without a path"))
    if not answer["protection"]:
        print("protection is switched off: only where there are several next hops a failure is survived")
    elif answer["searching"]:
        print("detours are being looked for; until they are found they count for nothing")
    if answer["changing"]:
        print(f"{count(answer['changing'], 'switch', 'switches')} to confirm what was asked")
    if answer["avoided"]:
        print(f"{count(answer['avoided'], 'cable')} drained or damped: not used for detours either")


def _unless_none(number: int, text: str) -> str:
    return text.format(number) if number else ""


def _show_totals(answer: Json) -> None:
    columns = (
        "one dies of",
        "covered",
        "partly",
        "not",
        "no transit",
        "pairs hit",
        "spread",
        "by detour",
        "cut off",
        "",
    )
    rows = [
        (
            count(sums["failures"], *words),
            *(sums[key] for key in ("covered", "partly", "bare", "unused", *_COUNTS)),
            _share(sums) if sums["affected"] else "",
        )
        for sums, words in (
            (answer["totals"]["link"], ("cable",)),
            (answer["totals"]["switch"], ("switch", "switches")),
        )
    ]
    console().print()
    console().print(table(columns, rows, right=frozenset(columns[1:-1])))


def _share(sums: Json) -> str:
    """`99.99% covered`: rounded down, so that 100% is all."""
    return f"{floor(10_000 * (1 - sums['cut_off'] / sums['affected'])) / 100:g}% covered"


def _failure_row(failure: Json) -> tuple[object, ...]:
    *fine, lost = (failure[key] for key in _COUNTS)
    return failure["failure"], *fine, Text(str(lost), style="bold red" if lost else "")


def _show_gaps(failures: Sequence[Json], most: int | None) -> None:
    """What is not covered, and why."""
    gaps = [(failure, gap) for failure in failures for gap in failure["gaps"]]
    print()
    if not gaps:
        print(_ALL_IS_WELL if failures else "there is no switch yet")
        return
    columns = ("not covered", "pairs", "of", "at", "why")
    console().print(table(columns, (_gap_row(*each) for each in gaps[:most]), right=_NUMBERS | {"of"}))
    if most is not None and len(gaps) > most:
        print(f"... and {len(gaps) - most} more: 'treadle protection --failures' lists them")


def _gap_row(failure: Json, gap: Json) -> tuple[object, ...]:
    names, more = gap["at"][:_MOST_NAMES], len(gap["at"]) - _MOST_NAMES
    at = ", ".join(names) + (f" and {more} more" if more > 0 else "")
    return failure["failure"], gap["pairs"], failure["affected"], at, f"{gap['why']}; {gap['advice']}"


def _show_added(switches: Iterable[Json]) -> None:
    """Rules and groups that protection adds, by tier from the edge up."""
    ordered = sorted(switches, key=lambda each: (each["level"], each["tier"] or ""))
    rows = [
        (tier, len(mine), *_sizes(mine))
        for tier, mine in ((tier, list(same)) for tier, same in groupby(ordered, key=_tier))
    ]
    if rows:
        columns = (
            "protection adds",
            "switches",
            "rules, most",
            "in all",
            "of",
            "groups, most",
            "in all ",
            "of ",
        )
        console().print()
        console().print(table(columns, rows, right=frozenset(columns[1:])))


def _tier(switch: Json) -> str:
    return str(switch["tier"] or f"tier {switch['level']}")


def _sizes(switches: Sequence[Json]) -> Iterable[int]:
    for what in ("rules", "groups"):
        added = [switch[what] for switch in switches]
        yield from (max(added), sum(added), sum(switch[f"of_{what}"] for switch in switches))


# --- one failure --------------------------------------------------------------------------------------------


def _show_each(failures: Sequence[Json]) -> None:
    for failure in failures:
        print(_said(failure))
        for gap in failure["gaps"]:
            print(f"  {count(gap['pairs'], 'pair')} at {', '.join(gap['at'])}: {gap['why']}; {gap['advice']}")
        for pair in failure["pairs"]:
            print(f"  cut off: {pair['from']} to {pair['to']}")


def _said(failure: Json) -> str:
    if not failure["affected"]:
        return f"{failure['failure']}: {'nobody sends over it' if failure['there'] else 'not there now'}"
    parts = [f"{failure['spread']} spread over other next hops", f"{failure['detoured']} by a detour"]
    hit = count(failure["affected"], "pair")
    return f"{failure['failure']}: {hit} affected, {', '.join(parts)}, {failure['cut_off']} cut off"

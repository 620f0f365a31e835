"""`treadle history LINK|FLOW`: what it has carried, as a line of bars and as points."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from treadle.commands.asking import asked, print_json
from treadle.tables import bits_per_second, console, duration, table

Json = dict[str, Any]
_BARS = " ▁▂▃▄▅▆▇█"
_MOST_BARS = 60


def run(args: argparse.Namespace) -> int:
    """Ask and show; 0."""
    answer = asked(args, "history", what=args.what)
    if args.json:
        print_json(answer)
        return 0
    rows = [_row(series) for series in answer["series"] if series["bps"]]
    if not rows:
        console().print(f"{args.what} has carried nothing worth a note")
        return 0
    console().print(table(("of", "since", "bit/s", "now", "most", "drops"), rows))
    return 0


def _row(series: Json) -> Sequence[object]:
    points = series["bps"]
    most = max(point["most"] for point in points)
    drops = max((point["most"] for point in series.get("drops_per_s", ())), default=0.0)
    return (
        series["of"],
        f"{duration(points[0]['ago_s'])} ago",
        bars([point["mean"] for point in points[-_MOST_BARS:]], most),
        bits_per_second(points[-1]["mean"]),
        bits_per_second(most),
        f"{drops:g}/s" if drops else "none",
    )


def bars(values: Sequence[float], most: float) -> str:
    """A bar for each value, full at `most`."""
    if most <= 0:
        return _BARS[0] * len(values)
    return "".join(_BARS[min(round(value / most * (len(_BARS) - 1)), len(_BARS) - 1)] for value in values)

"""The figures that reports and benches give: median, 99th percentile, maximum."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def spread(values: Sequence[float], digits: int = 2) -> dict[str, float | None]:
    """`median`, `p99` (nearest rank) and `max` of the values; None each when there are none."""
    if not values:
        return {"median": None, "p99": None, "max": None}
    ordered = sorted(values)
    rank = ordered[min(math.ceil(0.99 * len(ordered)), len(ordered)) - 1]
    return {
        "median": round(statistics.median(ordered), digits),
        "p99": round(rank, digits),
        "max": round(ordered[-1], digits),
    }

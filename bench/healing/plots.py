"""The distribution of gaps, ours and the peers': one picture a fabric, `out/bench/healing-FABRIC.svg`.

Each line says for which share of the affected pairs it was dark for no longer than so many milliseconds; the
scale of time is logarithmic, because peers differ by powers of ten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.healing.result import Figures
from bench.picture import picture

_OURS = ("protected", "controller_dead", "silent_bfd", "switch_killed", "controller_only")
_LEAST_MS = 0.1


def cumulative(gaps_ms: Sequence[float]) -> tuple[list[float], list[float]]:
    """The empirical distribution: gaps in order, and the share of all that is at most as long."""
    ordered = sorted(max(gap, _LEAST_MS) for gap in gaps_ms)
    return ordered, [(number + 1) / len(ordered) for number in range(len(ordered))]


def plot(fabric: str, modes: Mapping[str, Figures], directory: Path) -> Path | None:
    """Draw one fabric; the file, or None when nothing was measured. Raises `OperatorError` without
    matplotlib.
    """
    drawn = {name: figures["gaps_ms"] for name, figures in modes.items() if figures.get("gaps_ms")}
    if not drawn:
        return None
    path = directory / f"healing-{re.sub(r'[^a-z0-9]+', '-', fabric.lower()).strip('-')}.svg"
    with picture(path, size=(7.5, 4.5)) as (axes,):
        for name in [*(each for each in _OURS if each in drawn), *sorted(drawn.keys() - set(_OURS))]:
            gaps_ms, shares = cumulative(drawn[name])
            label = f"{name} (n={len(gaps_ms)})"
            axes.step([gaps_ms[0], *gaps_ms], [0.0, *shares], where="post", label=label, **_style(name))
        axes.set(
            xscale="log",
            xlabel="gap of an affected pair, ms",
            ylabel="share of affected pairs",
            ylim=(0, 1.02),
            title=f"How long it is dark: {fabric}",
        )
        axes.grid(visible=True, which="both", alpha=0.25)
        axes.legend(loc="lower right", fontsize="small")
    return path


def _style(name: str) -> dict[str, str | float]:
    """Ours in full lines, the others broken."""
    return {"linestyle": "-", "linewidth": 1.8} if name in _OURS else {"linestyle": "--", "linewidth": 1.4}

"""The figures of one mode on one fabric.

A pair is affected when it lost something, or when nothing reached it for longer than a stall
(`STALL_MS`) although nothing was lost. Every affected pair of every failure gives one gap; one that was
still dark when the repair came gives none and counts as unrecovered. Beside it stands the spread over all
pairs that crossed what died (`gap_crossing_ms`), with those whose detour was so near that they lost nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.healing.procedure import Observation
from mininet_scenarios.figures import spread
from mininet_scenarios.prober.streams import Window

STALL_MS = 10.0

Figures = dict[str, Any]


@dataclass
class Tally:
    """What the failures of one mode have shown so far."""

    gaps_ms: list[float] = field(default_factory=list)
    unrecovered: list[str] = field(default_factory=list)
    uncrossed: list[str] = field(default_factory=list)
    not_whole: list[str] = field(default_factory=list)
    whole_s: list[float] = field(default_factory=list)
    of: int = 0
    """How many failures there were to choose from."""
    cuts: int = 0
    crossing_gaps_ms: list[float] = field(default_factory=list)
    repair_lost: int = 0
    repair_sent: int = 0
    probes_sent: int = 0

    def add(self, seen: Observation) -> None:
        """Count one failure."""
        self.cuts += 1
        self.crossing_gaps_ms += [each.gap_ms for each in seen.struck.values() if each.gap_ms is not None]
        self.probes_sent += seen.sent
        gaps_ms, dark = gaps(seen.struck)
        self.gaps_ms += gaps_ms
        self.unrecovered += [f"{flow} when {seen.failure} died" for flow in dark]
        self.repair_lost += sum(window.lost for window in seen.mended.values())
        self.repair_sent += sum(window.sent for window in seen.mended.values())
        if seen.whole_after_s is None:
            self.not_whole.append(seen.failure)
        else:
            self.whole_s.append(seen.whole_after_s)

    def figures(self) -> Figures:
        """As they stand in the report."""
        return {
            "cuts": self.cuts,
            "cuts_possible": self.of,
            "pairs_affected": len(self.gaps_ms) + len(self.unrecovered),
            "pairs_unrecovered": len(self.unrecovered),
            "gap_ms": spread(self.gaps_ms),
            "repair_lost": self.repair_lost,
            "repair_sent": self.repair_sent,
            "probes_sent": self.probes_sent,
            "pairs_crossing": len(self.crossing_gaps_ms),
            "gap_crossing_ms": spread(self.crossing_gaps_ms),
            "not_crossed": self.uncrossed,
            "unrecovered": self.unrecovered,
            "not_whole_after_repair": self.not_whole,
            "whole_s": spread(self.whole_s),
            "gaps_ms": sorted(round(gap, 2) for gap in self.gaps_ms),
        }


def gaps(struck: Mapping[Any, Window]) -> tuple[list[float], list[Any]]:
    """The gaps of the pairs that were affected and came back, and those that did not come back."""
    dark = [flow for flow, seen in struck.items() if not seen.recovered or seen.gap_ms is None]
    back = [seen for flow, seen in struck.items() if flow not in dark]
    return [seen.gap_ms for seen in back if seen.gap_ms is not None and _affected(seen)], dark


def _affected(seen: Window) -> bool:
    return seen.lost > 0 or (seen.gap_ms or 0.0) > STALL_MS


def ratios(peer: Figures, ours: Figures) -> dict[str, float | None]:
    """How many times longer a peer's gaps are than ours; None where either has none."""
    return {name: _ratio(peer["gap_ms"][name], ours["gap_ms"][name]) for name in ("median", "p99", "max")}


def _ratio(theirs: float | None, ours: float | None) -> float | None:
    return round(theirs / ours, 1) if theirs is not None and ours else None


def added(with_it: Mapping[str, Iterable[int]], without: Mapping[str, Iterable[int]]) -> dict[str, Any]:
    """What protection adds to the switches: rules and groups of each, by the tables of two runs."""
    both = sorted(with_it.keys() & without.keys())
    more = [[a - b for a, b in zip(with_it[name], without[name], strict=True)] for name in both]
    return {
        kind: {"mean": round(sum(column) / len(column), 1), "max": max(column)}
        if (column := list(each))
        else None
        for kind, each in zip(("rules", "groups"), zip(*more, strict=True), strict=False)
    }

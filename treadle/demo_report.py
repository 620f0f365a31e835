"""What the demo found out: as a value, as JSON with keys that stay, and as a table for people."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table as Grid

from controller.dataplane.pipeline import Table
from mininet_scenarios.figures import spread
from mininet_scenarios.lab import Lab
from mininet_scenarios.prober.streams import Window

RulesByTable = Mapping[str, int]


@dataclass(frozen=True)
class Failure:
    """One failure: the pairs whose probes it lost, how long each was dark (ms), and what its repair cost."""

    what: str
    pairs_probed: int
    gaps_ms: tuple[float, ...]
    pairs_unrecovered: int
    packets_lost_on_repair: int

    @property
    def pairs_affected(self) -> int:
        return len(self.gaps_ms) + self.pairs_unrecovered

    def as_json(self) -> dict[str, Any]:
        return {
            "what": self.what,
            "pairs_probed": self.pairs_probed,
            "pairs_affected": self.pairs_affected,
            "pairs_unrecovered": self.pairs_unrecovered,
            "gap_ms": spread(self.gaps_ms),
            "packets_lost_on_repair": self.packets_lost_on_repair,
        }


def failure_of(what: str, dark: Sequence[Window], after: Sequence[Window]) -> Failure:
    """A failure from what each flow went through, until the repair and after it."""
    recovered = [seen for seen in dark if seen.recovered]
    gaps = tuple(seen.gap_ms for seen in recovered if seen.lost and seen.gap_ms is not None)
    lost = sum(seen.lost for seen in after)
    return Failure(what, len(dark), gaps, len(dark) - len(recovered), lost)


@dataclass(frozen=True)
class Report:
    """The whole demo. `load_by_tier`: least, mean and most packets over a tier's links."""

    fabric: str
    switching: str
    pairs_total: int
    pairs_reachable: int
    seconds_to_reachable: float | None
    rules: Mapping[str, RulesByTable]
    control_messages: tuple[int, int]
    load_by_tier: Mapping[str, tuple[int, int, int]]
    failures: tuple[Failure, ...]
    log: str

    @property
    def healthy(self) -> bool:
        unrecovered = sum(failure.pairs_unrecovered for failure in self.failures)
        return self.pairs_reachable == self.pairs_total and not unrecovered

    @property
    def totals(self) -> list[int]:
        """Rules of each switch."""
        return [sum(by_table.values()) for by_table in self.rules.values()]

    def as_json(self) -> dict[str, Any]:
        sent, received = self.control_messages
        return {
            "fabric": self.fabric,
            "switching": self.switching,
            "pairs_total": self.pairs_total,
            "pairs_reachable": self.pairs_reachable,
            "seconds_to_reachable": self.seconds_to_reachable,
            "rules_per_switch": {
                "max": max(self.totals),
                "median": statistics.median(self.totals),
                "by_table": {table: max(row[table] for row in self.rules.values()) for table in _TABLES},
            },
            "control_messages": {"sent": sent, "received": received},
            "load_packets": {
                tier: dict(zip(("least", "mean", "most"), seen, strict=True))
                for tier, seen in self.load_by_tier.items()
            },
            "failures": [failure.as_json() for failure in self.failures],
        }


_TABLES = tuple(table.name.lower() for table in Table)


def rules_by_switch(lab: Lab) -> Mapping[str, RulesByTable]:
    """How many rules each switch holds in each table, by what the switches themselves have confirmed."""
    found = {}
    for plan in lab.blueprint.switches:
        rules = json.loads(lab.ask("rules", plan.name, "--json"))
        found[plan.name] = {table["name"]: len(table["rules"]) for table in rules["tables"]}
    return found


def table(report: Report) -> Grid:
    """The report for people."""
    grid = Grid(
        title=f"{report.fabric} on Open vSwitch ({report.switching})", show_header=False, title_justify="left"
    )
    grid.add_column(style="bold")
    grid.add_column()
    seconds = report.seconds_to_reachable
    reached = "not all" if seconds is None else f"{seconds:.2f} s after the controller's start"
    grid.add_row("pairs reached", f"{report.pairs_reachable} of {report.pairs_total}, {reached}")
    grid.add_row("rules a switch", f"most {max(report.totals)}, median {statistics.median(report.totals):g}")
    by_table = report.as_json()["rules_per_switch"]["by_table"]
    grid.add_row("  most, by table", ", ".join(f"{name} {count}" for name, count in by_table.items()))
    sent, received = report.control_messages
    grid.add_row("control messages", f"{sent} sent, {received} received")
    for tier, (least, mean, most) in report.load_by_tier.items():
        grid.add_row(f"load, {tier}", f"{least} to {most} packets a link, mean {mean}")
    for failure in report.failures:
        grid.add_row(failure.what, _failure_text(failure))
    return grid


def _failure_text(failure: Failure) -> str:
    gap = spread(failure.gaps_ms, 1)
    dark = (
        f"dark {gap['median']} ms (median), {gap['max']} ms (most)" if failure.gaps_ms else "nobody was dark"
    )
    back = "all recovered" if not failure.pairs_unrecovered else f"{failure.pairs_unrecovered} NOT recovered"
    affected = f"{failure.pairs_affected} of {failure.pairs_probed} probed pairs affected"
    return f"{affected}; {dark}; {back}; {failure.packets_lost_on_repair} packets lost on repair"

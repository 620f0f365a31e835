"""The report: `{fabric: {mode: figures}}` in one JSON file, written again after every mode.

What an earlier run has measured stays until it is measured again, so that an interrupted run loses nothing
and parts can be repeated. Ratios of the others to `protected`, and what protection adds to the tables, are
worked out at every writing.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from bench.healing.result import Figures, added, ratios

OURS = "protected"
_PLAIN = "controller_only"


class Report:
    """The file and what it holds."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.fabrics: dict[str, dict[str, Figures]] = {}
        if path.exists():
            self.fabrics = json.loads(path.read_text())

    def put(self, fabric: str, mode: str, figures: Figures) -> None:
        """Note what a mode has shown, and write."""
        self.fabrics.setdefault(fabric, {})[mode] = figures
        _compare(self.fabrics[fabric])
        self._write()

    def skip(self, fabric: str, mode: str, reason: str) -> None:
        """Note why a mode could not run, unless an earlier run has measured it."""
        if "gap_ms" not in self.fabrics.get(fabric, {}).get(mode, {}):
            self.put(fabric, mode, {"skipped": reason})

    def _write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        draft = self.path.with_suffix(f".{os.getpid()}")
        draft.write_text(json.dumps(self.fabrics, indent=2) + "\n")
        draft.replace(self.path)


def _compare(modes: dict[str, Figures]) -> None:
    """Set every mode beside ours."""
    ours = modes.get(OURS)
    if ours is None or "gap_ms" not in ours:
        return
    for name, figures in modes.items():
        if name != OURS and "gap_ms" in figures:
            figures["ratio"] = ratios(figures, ours)
    plain = modes.get(_PLAIN, {})
    if ours.get("tables") and plain.get("tables"):
        ours["protection_adds"] = added(ours["tables"], plain["tables"])


def shown(figures: Figures) -> dict[str, Any]:
    """The figures without their long lists."""
    return {key: value for key, value in figures.items() if key not in ("gaps_ms", "tables", "whole_s")}

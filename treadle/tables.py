"""How things look on a terminal: tables and lines that stay whole when they are piped.

On a terminal rich fits tables to its width. In a pipe nobody knows a width, and a rule cut at 80 columns is
of no use to grep: there, lines are as long as they have to be, and nothing is coloured."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta

from rich.console import Console
from rich.table import Table
from rich.text import Text

_PIPE_COLUMNS = 10_000

SEVERITY_STYLE = {"error": "bold red", "warning": "yellow", "info": "cyan"}


def console() -> Console:
    """Where commands print; nothing in square brackets is taken for markup."""
    width = None if sys.stdout.isatty() else _PIPE_COLUMNS
    return Console(width=width, highlight=False, markup=False, emoji=False)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: frozenset[str] = frozenset()
) -> Table:
    """A plain table; the columns named in `right` are numbers. No header where no column has a name."""
    made = Table(
        box=None, show_header=any(columns), pad_edge=False, header_style="bold", padding=(0, 2, 0, 0)
    )
    for column in columns:
        made.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        made.add_row(*(cell if isinstance(cell, Text) else str(cell) for cell in row))
    return made


def duration(seconds: float) -> str:
    """`0:01:23`"""
    return str(timedelta(seconds=int(seconds)))


def bits_per_second(bps: float) -> str:
    """`10 Gbit/s`: three digits and a unit."""
    for unit in ("bit/s", "kbit/s", "Mbit/s", "Gbit/s"):
        if bps < 1000:
            return f"{bps:.3g} {unit}"
        bps /= 1000
    return f"{bps:.3g} Tbit/s"


def without_table(rule: str) -> str:
    """The text of a rule without the table that it stands under."""
    table, _, rest = rule.partition(" ")
    return rest if table.startswith("table=") else rule


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 switch`, `2 switches`"""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"

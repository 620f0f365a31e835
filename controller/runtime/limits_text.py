"""Limits as an operator writes them in the settings.

    limits: ["* groups=256 buckets=16", "0000000000000003 routes=1000 meters=0"]

The first word names a switch (hexadecimal) or, with `*`, each of them; then come sizes: of a table of the
pipeline by its name, and `groups`, `buckets`, `meters`, `tables`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controller.dataplane.pipeline import Table
from controller.model.identity import Dpid
from controller.model.limits import UNLIMITED, Limits

_TABLES = {table.name.lower(): int(table) for table in Table}
_SIZES = ("groups", "buckets", "meters", "tables")


def limits_from(texts: Iterable[str]) -> dict[Dpid | None, Limits]:
    """Limits by switch, None for each. Raises `ValueError` that says what cannot be understood."""
    limits: dict[Dpid | None, Limits] = {}
    for text in texts:
        name, *sizes = text.split()
        dpid = None if name == "*" else Dpid(int(name, 16))
        for size in sizes:
            limits[dpid] = limits.get(dpid, UNLIMITED).tightened(_limit(size))
    return limits


def _limit(text: str) -> Limits:
    key, _, number = text.partition("=")
    if key not in (*_TABLES, *_SIZES) or not number.isdecimal():
        raise ValueError(f"'{text}' is not a limit: one of {', '.join((*_TABLES, *_SIZES))}, '=', a number")
    if key in _TABLES:
        return Limits({_TABLES[key]: int(number)})
    size: dict[str, Any] = {key: int(number)}
    return Limits(**size)

"""Hill climbing on what a placement is really worth, for problems that are small enough to afford it.

The search goes by a cost that is quick to follow; where some links stay overloaded whatever is done, it does
not see that a flow which is slowed down on one link leaves room on others. Here each single move is judged by
fair rates: all other paths of the flows that get less than their ideal, and of those that share a full link
with them. The first move that is worth more is made; it ends when no move is, or when enough were tried.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from controller.graph.fair_shares import Numbers
from controller.placement.problem import SLACK, Problem

_TRIES, _ENTRIES = 50, 12_000
"""At most so many moves are tried, and so many (flow, move) pairs: a move costs more where flows are many."""


def polished(wanted: Problem, rows: Numbers) -> Numbers:
    """Rows that are worth no less."""
    best, worth = rows.copy(), wanted.worth(rows)
    tries = min(_TRIES, _ENTRIES // max(len(wanted), 1))
    moves = _moves(wanted, best)
    while tries > 0:
        move = next(moves, None)
        if move is None:
            break
        tries -= 1
        flow, row = move
        tried = best.copy()
        tried[flow] = row
        found = wanted.worth(tried)
        if found.exceeds(worth):
            best, worth = tried, found
            moves = _moves(wanted, best)
    return best


def _moves(wanted: Problem, rows: Numbers) -> Iterator[tuple[int, Numbers]]:
    """Single moves that may help, those of the slowest flows first."""
    rates = wanted.rates_bps(rows)
    share = rates / wanted.ideal_bps
    slow = np.flatnonzero(share < 1 - SLACK)
    links = np.unique(rows[slow])
    links = links[links != wanted.ways.filler]
    near = np.flatnonzero(np.isin(rows, links).any(axis=1))
    for flow in near[np.argsort(share[near], kind="stable")].tolist():
        for choice in wanted.ways.candidates(int(wanted.src[flow]), int(wanted.dst[flow])):
            row = np.full(rows.shape[1], wanted.ways.filler, np.intp)
            row[: len(choice)] = choice
            if (row != rows[flow]).any():
                yield flow, row

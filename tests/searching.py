"""How long to search for a counterexample to a law: TREADLE_SEARCH is `quick`, `explore`, or not set.

quick      `make check`: a few examples of each law
(not set)  `make test`: as many as the law says
explore    by hand: new ones on every run, and many
"""

from __future__ import annotations

import os

SEARCH = os.environ.get("TREADLE_SEARCH", "")
_FACTORS = {"quick": 0.15, "explore": 20.0}


def examples(usual: int) -> int:
    """How many examples to try of a law that is usually tried on this many."""
    return max(2, int(usual * _FACTORS.get(SEARCH, 1.0)))

"""Which flows may be given paths of their own, where an operator's policy says so.

Without a document about it all flows may. With some, a flow of which none speaks is left to the hash; of
several that speak of it the first by name gives its thresholds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from controller.model.demand import FlowKey
from controller.model.errors import ModelError
from controller.telemetry.elephants import Thresholds
from policies.canonical import read
from policies.policy import Engineering
from policies.semantics import holds
from policies.witness import between


@lru_cache(maxsize=4)
def thresholds(policy: str, usual: Thresholds) -> Callable[[FlowKey], Thresholds | None] | None:
    """The thresholds of a flow under a policy (`policies/canonical.py`); None where they are the usual ones
    for all flows.
    """
    documents = _documents(policy)
    if not documents:
        return None

    @lru_cache(maxsize=65_536)
    def of(key: FlowKey) -> Thresholds | None:
        seen = between(key.src, key.dst, key.protocol, key.src_port, key.dst_port)
        for each in documents:
            if holds(each.predicate, seen):
                share = usual.share if each.elephant_share is None else each.elephant_share
                age_s = usual.age_s if each.elephant_age_s is None else each.elephant_age_s
                return replace(usual, share=share, age_s=age_s)
        return None

    return of


def _documents(policy: str) -> tuple[Engineering, ...]:
    try:
        return read(policy).engineering if policy else ()
    except ModelError:
        return ()  # the app `policy` says what is wrong with it

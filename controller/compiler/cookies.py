"""Cookies: every rule says who asked for it, in which life of the controller, and which entry it is."""

from __future__ import annotations

from functools import lru_cache

from controller.model.flow import Cookie, FlowRule, Match, Owner


def cookie(owner: Owner, life: int, table: int, priority: int, wanted: Match) -> int:
    """The cookie of a rule of this owner. An entry has the same digest, of 28 bits, in every life."""
    digest = hash((int(table), int(priority), wanted.order)) & 0xFFFFFFF  # of integers alone: never salted
    return Cookie(owner, life, digest).pack()


@lru_cache(maxsize=65_536)
def with_cookie(rule: FlowRule, owner: Owner, life: int) -> FlowRule:
    """The same rule, signed; equal rules of an owner give the same object."""
    return FlowRule(
        rule.table,
        rule.priority,
        rule.match,
        rule.actions,
        rule.goto,
        rule.meter,
        rule.idle_timeout_s,
        rule.hard_timeout_s,
        cookie(owner, life, rule.table, rule.priority, rule.match),
    )

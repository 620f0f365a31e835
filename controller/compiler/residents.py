"""Residents: the host rules of each switch, for the endpoints that live there.

Somebody who comes, moves or goes changes one switch, or two. They are found by what differs between two lists
of endpoints, of which most are the very same objects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controller.compiler.rules import host_rules
from controller.contract import Gateway
from controller.model.flow import FlowRule, RuleKey
from controller.model.identity import Dpid
from controller.model.routing import Endpoint, endpoint_order


@dataclass(frozen=True, slots=True)
class Residents:
    """The endpoints of one switch, and their rules."""

    endpoints: frozenset[Endpoint]
    rules: Mapping[RuleKey, FlowRule]


def residents(
    before: Mapping[Dpid, Residents],
    old: tuple[Endpoint, ...],
    new: tuple[Endpoint, ...],
    gateway: Gateway,
    life: int,
) -> tuple[Mapping[Dpid, Residents], set[Dpid]]:
    """The residents of every switch that has any, from those for the old endpoints; and where they differ."""
    if new is old:
        return before, set()
    kept, now = set(map(id, old)), set(map(id, new))
    gone = _by_switch(endpoint for endpoint in old if id(endpoint) not in now)
    come = _by_switch(endpoint for endpoint in new if id(endpoint) not in kept)
    after, changed = dict(before), set()
    for dpid in gone.keys() | come.keys():
        known = before[dpid].endpoints if dpid in before else frozenset()
        endpoints = (known - gone.get(dpid, set())) | come.get(dpid, set())
        if endpoints == known:
            continue
        changed.add(dpid)
        if endpoints:
            after[dpid] = Residents(endpoints, _rules(endpoints, gateway, life))
        else:
            del after[dpid]
    return after, changed


def _by_switch(endpoints: Iterable[Endpoint]) -> dict[Dpid, set[Endpoint]]:
    sets: dict[Dpid, set[Endpoint]] = {}
    for endpoint in endpoints:
        sets.setdefault(endpoint.at.dpid, set()).add(endpoint)
    return sets


def _rules(endpoints: Iterable[Endpoint], gateway: Gateway, life: int) -> Mapping[RuleKey, FlowRule]:
    ordered = sorted(endpoints, key=endpoint_order)
    return {rule.key: rule for endpoint in ordered for rule in host_rules(endpoint, gateway, life)}

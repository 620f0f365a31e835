"""A canary: a policy for some hosts first, and for all others the one that was there.

A packet is judged where it enters, by where it comes from. So "the new policy in pod 1 only" is itself a
policy: what the new one says of packets from these hosts, and what the old one says of all others. It is
planned, proven, applied and rolled back as any other, and one that is applied everywhere takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from ipaddress import ip_network

from controller.model.errors import ModelError
from controller.model.identity import IpAddress
from policies.canonical import with_version
from policies.policy import Expectation, Policy
from policies.predicate import All, Not, Predicate, Source


def staged(before: Policy, after: Policy, hosts: Iterable[IpAddress]) -> Policy:
    """`after` for what these addresses send, `before` for everything else. Raises `ModelError` where there
    are none.
    """
    chosen = tuple(sorted(set(hosts), key=lambda address: (address.version, int(address))))
    if not chosen:
        raise ModelError("a canary needs hosts to try the policy on")
    here = Source(tuple(ip_network(address) for address in chosen))
    new = _narrowed(after, here, lambda address: address in chosen)
    old = _narrowed(before, Not(here), lambda address: address not in chosen)
    return with_version(
        Policy(
            "",
            old.access + new.access,
            old.services + new.services,
            old.engineering + new.engineering,
            old.expectations + new.expectations,
        )
    )


def _narrowed(policy: Policy, to: Predicate, is_of: Callable[[IpAddress], bool]) -> Policy:
    """What a policy says of some packets only."""

    def both(predicate: Predicate) -> Predicate:
        return All((to, predicate))

    access = tuple(
        replace(each, clauses=tuple(replace(one, predicate=both(one.predicate)) for one in each.clauses))
        for each in policy.access
    )
    services = tuple(replace(each, predicate=both(each.predicate)) for each in policy.services)
    engineering = tuple(replace(each, predicate=both(each.predicate)) for each in policy.engineering)
    expectations = tuple(_from_some(each, is_of) for each in policy.expectations)
    kept = tuple(each for each in expectations if each.sources)
    return replace(policy, access=access, services=services, engineering=engineering, expectations=kept)


def _from_some(wanted: Expectation, is_of: Callable[[IpAddress], bool]) -> Expectation:
    return replace(wanted, sources=tuple(each for each in wanted.sources if is_of(each)))

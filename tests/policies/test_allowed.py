"""What may pass between two hosts, exactly and in words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from policies.allowed import OTHERS, Allowed, allowed, without, words
from policies.compile.rules import Compiled
from policies.policy import Effect, Policy
from policies.predicate import ICMP_OF, PORTED, Headers
from policies.semantics import verdict
from tests.laws.test_policy_law import headers, policies
from tests.policies.inventory import HOSTS, policy

((H1,), (H5,)) = HOSTS["h1"], HOSTS["h5"]


def between(text: str) -> Allowed:
    """What passes from h1 to h5 under some clauses."""
    clauses = "\n".join(f"  - {each}" for each in text.split("; "))
    some = policy(f"kind: access\nname: a\nclauses:\n{clauses}\n")
    return allowed(Compiled(some).between(H1, H5))


@pytest.mark.parametrize(
    ("clauses", "said"),
    [
        ("deny: {from: h2}", "everything"),
        ("deny: {from: h1}", "nothing"),
        ("deny: {protocol: tcp}", "everything but tcp"),
        ("deny: {protocol: tcp, ports: [22, 80-90]}", "everything but tcp to 22, 80-90"),
        ("deny: {ports: 53}", "everything but tcp to 53; udp to 53"),
        (
            "allow: {to: h5, protocol: tcp, ports: 80}; allow: {protocol: icmp}; deny: {to: h5}",
            "icmp; tcp to 80",
        ),
        ("allow: {protocol: icmp, icmp-type: [0, 8]}; deny: {to: h5}", "icmp type 0, 8"),
        ("allow: {protocol: udp, source-ports: 53}; deny: {to: h5}", "udp to 53 or from 53"),
        ("allow: {protocol: 47}; deny: {to: h5}", "protocol 47"),
    ],
)
def test_it_is_said_as_people_say_it(clauses: str, said: str) -> None:
    assert words(between(clauses)) == said


def test_what_one_allows_and_the_other_does_not() -> None:
    everything, web = (
        between("deny: {from: h2}"),
        between("allow: {protocol: tcp, ports: 80}; deny: {to: h5}"),
    )
    assert words(without(everything, web)) == "everything but tcp to 80 or from 80"
    assert words(without(web, everything)) == "nothing"
    assert words(without(web, web)) == "nothing"


def _passes(some: Allowed, seen: Headers) -> bool:
    region = some.get(seen.protocol, some[OTHERS])
    if seen.protocol in PORTED:
        across, down = seen.src_port, seen.dst_port
    elif seen.protocol == ICMP_OF[seen.src.version]:
        across, down = 0, seen.icmp_type
    else:
        across = down = 0
    assert across is not None
    assert down is not None
    return any(
        any(a <= across <= b for a, b in sources) and any(a <= down <= b for a, b in targets)
        for sources, targets in region
    )


@settings(max_examples=150, deadline=None)
@given(policies(), headers())
def test_it_is_what_the_policy_means(some: Policy, seen: Headers) -> None:
    if seen.src.version == 6 and seen.icmp_type in (135, 136):
        return  # no policy's concern
    found = allowed(Compiled(some).between(seen.src, seen.dst))
    assert _passes(found, seen) == (verdict(some, seen).effect is Effect.ALLOW)

"""A policy for some hosts first."""

from __future__ import annotations

import pytest

from controller.model.blueprint import fat_tree, leaf_spine, ring
from controller.model.errors import ModelError, OperatorError
from controller.model.identity import IpAddress
from policies.canary import staged
from policies.expectations import check_names
from policies.language.load import parse_policy
from policies.policy import EMPTY, Policy
from policies.semantics import verdict
from policies.witness import between
from treadle.ground import inventory_of, planned
from treadle.scope import hosts_of, pods

FABRIC = planned(fat_tree(4))
ADDRESSES = [host.addresses[0] for host in sorted(FABRIC.topology.hosts, key=lambda host: host.at)]


def policy(text: str) -> Policy:
    return parse_policy({"test.yaml": text}, inventory_of(FABRIC))


BEFORE = policy("""\
kind: access
name: old
clauses: [deny: {to: h2}]
---
kind: expect
name: shut
expect: [{from: [h1, h9], to: h2, must: not-reach}]
""")
AFTER = policy("""\
kind: access
name: new
clauses: [allow: {from: h1, to: h2}, deny: {to: [h2, h3]}]
---
kind: expect
name: open
expect: [{from: [h1, h9], to: h2, must: reach}]
""")


def effects(of: Policy, source: IpAddress) -> list[str]:
    others = [each for each in ADDRESSES if each != source]
    return [verdict(of, between(source, each, 6)).effect.value for each in others]


def test_each_host_is_under_one_of_the_two() -> None:
    chosen = hosts_of(FABRIC, ["pod:1"])
    both = staged(BEFORE, AFTER, chosen)
    assert len(chosen) == 4
    for source in ADDRESSES:
        assert effects(both, source) == effects(AFTER if source in chosen else BEFORE, source)


def test_what_is_expected_is_expected_of_those_who_are_concerned() -> None:
    both = staged(BEFORE, AFTER, hosts_of(FABRIC, ["pod:1"]))
    said = [(each.document.name, [str(a) for a in each.sources]) for each in both.expectations]
    assert said == [("shut", ["10.2.0.2"]), ("open", ["10.0.0.2"])]
    check_names(both.expectations, FABRIC.switches)


def test_a_canary_of_all_hosts_is_the_new_policy() -> None:
    everywhere = staged(BEFORE, AFTER, ADDRESSES)
    assert all(effects(everywhere, each) == effects(AFTER, each) for each in ADDRESSES)
    assert everywhere.version not in (BEFORE.version, AFTER.version)


def test_a_canary_needs_hosts() -> None:
    with pytest.raises(ModelError, match="needs hosts"):
        staged(EMPTY, AFTER, ())


def test_pods_switches_and_hosts_can_be_named() -> None:
    assert [len(each) for each in pods(FABRIC)] == [2, 2, 2, 2]
    assert hosts_of(FABRIC, ["pod:4"]) == tuple(ADDRESSES[12:])
    assert hosts_of(FABRIC, ["s1", "h3", "h1"]) == tuple(ADDRESSES[:3])
    with pytest.raises(OperatorError, match="'pod:5' is no pod, switch or host"):
        hosts_of(FABRIC, ["pod:5"])


def test_each_leaf_is_a_pod_and_so_is_a_ring() -> None:
    assert [len(each) for each in pods(planned(leaf_spine(3, 2, 1)))] == [1, 1, 1]
    assert [len(each) for each in pods(planned(ring(4)))] == [4]

"""Law 4, delta: `a.apply(a.diff(b)) == b`, and `a.diff(a)` is empty."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from apps.routing.app import NOTHING, follow
from controller.model.topology import Topology
from tests.fabrics import fabrics, random_fabrics
from tests.searching import examples

pytestmark = pytest.mark.law
search = settings(max_examples=examples(60), deadline=None)


@search
@given(fabrics(), random_fabrics())
def test_a_difference_applied_gives_the_other_table(one: Topology, other: Topology) -> None:
    a, b = (follow(NOTHING, topology).routes.table for topology in (one, other))
    assert a.apply(a.diff(b)) == b
    assert b.apply(b.diff(a)) == a


@search
@given(fabrics())
def test_nothing_differs_from_itself(topology: Topology) -> None:
    table = follow(NOTHING, topology).routes.table
    again = follow(NOTHING, topology).routes.table
    assert not table.diff(again)
    assert table.apply(table.diff(again)) == table

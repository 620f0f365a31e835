"""Clos fabrics are recognised, whole or with holes, and nothing else is."""

from __future__ import annotations

import pytest

from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, linear, mesh, ring, tree
from controller.placement.clos import clos
from tests.fabrics import snapshot, without


@pytest.mark.parametrize(
    ("blueprint", "planes", "cores"),
    [(fat_tree(4), 2, 2), (fat_tree(6), 3, 3), (leaf_spine(4, 3, 2), 3, 0)],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_planes_and_cores_are_counted(blueprint: Blueprint, planes: int, cores: int) -> None:
    found = clos(snapshot(blueprint))
    assert found is not None
    assert (found.planes, found.cores) == (planes, cores)
    for table in (found.up, found.down, found.rise, found.fall):
        assert (table >= 0).all()


def test_a_cut_cable_is_a_hole_each_way() -> None:
    whole = snapshot(fat_tree(4))
    edge = whole.hosts[0].at.dpid
    cut = clos(without(whole, [whole.out_links[edge][0].src]))
    assert cut is not None
    assert [(table < 0).sum() for table in (cut.up, cut.down, cut.rise, cut.fall)] == [1, 1, 0, 0]


@pytest.mark.parametrize(
    "blueprint", [ring(5), mesh(4), linear(3), tree(3, 2)], ids=lambda blueprint: blueprint.name
)
def test_other_fabrics_are_none(blueprint: Blueprint) -> None:
    found = clos(snapshot(blueprint))
    assert found is None or found.planes == 1

"""Names on the machine: short enough, and never shared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.model.blueprint import Blueprint, fat_tree, leaf_spine
from controller.model.identity import port_ref
from mininet_scenarios.names import LAB_IDS, Names, interface_group, lab_id, next_free_port


def _renamed(blueprint: Blueprint, name: str) -> Blueprint:
    switches = tuple(replace(plan, name=f"{name}-{plan.dpid}") for plan in blueprint.switches)
    return replace(blueprint, switches=switches)


@pytest.mark.parametrize(
    "blueprint", [fat_tree(16), _renamed(leaf_spine(), "a-switch-with-a-long-name")], ids=str
)
def test_every_name_fits_an_interface(blueprint: Blueprint) -> None:
    names = Names("tzz", blueprint)
    assert max(map(len, [*names.bridges, *names.ports.values()])) <= 15


def test_no_two_parts_have_one_name() -> None:
    names = Names("tzz", _renamed(fat_tree(4), "switch"))
    every = [*names.bridges, *names.ports.values()]
    assert len(set(every)) == len(every) == 20 + 2 * 32 + 16


def test_labs_have_neither_names_nor_interface_groups_in_common() -> None:
    ids = [lab_id(number) for number in range(LAB_IDS)]
    assert len(set(ids)) == LAB_IDS
    assert len({interface_group(lab) for lab in ids}) == LAB_IDS
    assert {len(lab) for lab in ids} == {3}


def test_a_port_is_named_after_its_switch_and_number() -> None:
    assert Names("t3f", fat_tree(4)).port(port_ref(12, 3)) == "t3fs12-eth3"


def test_a_moved_host_gets_the_port_above_all_others() -> None:
    names = Names("t00", fat_tree(4))
    assert next_free_port(names.ports, fat_tree(4).switches[0].dpid) == 5

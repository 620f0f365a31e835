"""What protection adds to a program, and whether a switch has it."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from controller.compiler.assemble import assemble
from controller.contract import FabricSettings, Pins, Routes
from controller.dataplane.protecting import holds_protection_of, protecting
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, linear, mesh
from controller.model.flow import Group
from controller.model.program import EMPTY_PROGRAM, FabricProgram
from tests.fabrics import snapshot
from tests.laws.compiled import with_detours
from tests.laws.pinning import paths_of, random_pins
from tests.laws.test_coverage_law import made

PLANNED = [fat_tree(4), fat_tree(6), leaf_spine(4, 3, 1), mesh(5), linear(3)]


def programs(plan: Blueprint) -> tuple[FabricProgram, FabricProgram]:
    """With protection and without."""
    topology = snapshot(plan, ipv6=True)
    return made(topology).program, made(topology, protected=False).program


@pytest.mark.parametrize("plan", PLANNED, ids=lambda plan: plan.name)
def test_what_is_counted_is_what_is_there_more_than_without(plan: Blueprint) -> None:
    guarded, bare = programs(plan)
    for dpid, program in guarded.items():
        more = protecting(program)
        assert len(more.rules) == len(program.rules) - len(bare[dpid].rules)
        assert len(more.groups) == len(program.groups) - len(bare[dpid].groups)
        assert protecting(bare[dpid]) == ({}, {})


def test_pins_are_no_protection() -> None:
    whole = snapshot(fat_tree(4))
    table, _ = with_detours(whole)
    pins = Pins(paths_of(random_pins(Random(1), whole, table, count=40)))
    plain = assemble([Routes(table)], whole, FabricSettings()).program
    pinned = assemble([Routes(table), pins], whole, FabricSettings()).program
    more = [dpid for dpid in plain if len(pinned[dpid].groups) > len(plain[dpid].groups)]
    assert len(more) > 3
    for dpid, program in plain.items():
        assert protecting(pinned[dpid]) == protecting(program)
        assert holds_protection_of(program, pinned[dpid])


def test_a_switch_holds_its_protection_when_nothing_of_it_is_missing_or_different() -> None:
    guarded, bare = programs(fat_tree(4))
    wanted = next(program for program in guarded.values() if protecting(program).groups)
    again = replace(wanted, rules=dict(wanted.rules))
    assert holds_protection_of(again, wanted)
    assert holds_protection_of(EMPTY_PROGRAM, EMPTY_PROGRAM)
    assert not holds_protection_of(EMPTY_PROGRAM, wanted)
    for key in protecting(wanted).rules:
        lacks = replace(wanted, rules={k: rule for k, rule in wanted.rules.items() if k != key})
        assert not holds_protection_of(lacks, wanted)
    for number, group in protecting(wanted).groups.items():
        other = Group(number, group.kind, group.buckets[:1])
        assert not holds_protection_of(replace(wanted, groups={**wanted.groups, number: other}), wanted)
    assert all(holds_protection_of(guarded[dpid], program) for dpid, program in bare.items())

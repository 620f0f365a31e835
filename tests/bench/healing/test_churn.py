"""Random changes that cut nobody off."""

from __future__ import annotations

from random import Random

from bench.healing.churn import Change, Fabric, outside
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine


def _replayed(blueprint: Blueprint, changes: list[Change]) -> list[tuple[set[frozenset[str]], set[str]]]:
    """What is cut and who is dead after each change."""
    cut: set[frozenset[str]] = set()
    dead: set[str] = set()
    found = []
    for change in changes:
        {
            "cut": lambda of: cut.add(frozenset(of)),
            "restore": lambda of: cut.remove(frozenset(of)),
            "kill": lambda of: dead.add(of[0]),
            "restart": lambda of: dead.remove(of[0]),
        }[change.what](change.of)
        found.append((set(cut), set(dead)))
    return found


def _reached(blueprint: Blueprint, cut: set[frozenset[str]], dead: set[str]) -> bool:
    name = {switch.dpid: switch.name for switch in blueprint.switches}
    cables = [frozenset({name[cable.a.dpid], name[cable.b.dpid]}) for cable in blueprint.cables]
    left = [cable for cable in cables if cable not in cut and not cable & dead]
    wanted = {name[host.at.dpid] for host in blueprint.hosts}
    seen = {min(wanted)}
    for _ in blueprint.switches:
        seen |= {each for cable in left if cable & seen for each in cable}
    return wanted <= seen


def test_no_change_cuts_a_host_off_and_nothing_is_broken_or_mended_twice() -> None:
    for blueprint in (fat_tree(4), leaf_spine(3, 2)):
        for seed in range(5):
            changes = list(Fabric(blueprint).changes(Random(seed), 100))
            assert len(changes) == 100, seed
            for cut, dead in _replayed(blueprint, changes):
                assert _reached(blueprint, cut, dead)


def test_the_same_seed_gives_the_same_changes_and_all_kinds_occur() -> None:
    first = list(Fabric(fat_tree(4)).changes(Random(4), 200))
    assert first == list(Fabric(fat_tree(4)).changes(Random(4), 200))
    assert {change.what for change in first} == {"cut", "restore", "kill", "restart"}


def test_what_is_broken_can_be_mended_to_the_last() -> None:
    fabric = Fabric(fat_tree(4))
    for _ in fabric.changes(Random(1), 57):
        pass
    while fabric.cut or fabric.dead:
        fabric.mend(Random(0))
    assert not fabric.cut
    assert not fabric.dead


def test_a_loss_counts_unless_it_lies_in_a_detection_gap() -> None:
    assert outside([1.0, 2.0, 2.1, 3.0], [(1.95, 2.1), (2.9, 3.05)]) == [1.0, 2.1]

"""Pins in plans: each changes in the step in which its destination's route does, after the group that it
names and before that of its past goes.
"""

from __future__ import annotations

from random import Random

from controller.dataplane.pipeline import PASS_PRIORITY, Table
from controller.model.blueprint import fat_tree
from controller.model.command import AddGroup, DeleteGroup, DeleteRule, SetRule
from controller.model.identity import Dpid
from controller.model.plan import Step, UpdatePlan
from controller.planner.plan import plan
from tests.fabrics import snapshot
from tests.laws.compiled import compiled, route_table
from tests.laws.pinning import paths_of, random_path, random_pins
from tests.laws.random_programs import random_graph, random_program, random_table, with_random_pins

WHOLE = snapshot(fat_tree(4))


def steps_by_switch(update: UpdatePlan) -> dict[Dpid, list[Step]]:
    found: dict[Dpid, list[Step]] = {}
    for step in update.steps:
        found.setdefault(step.dpid, []).append(step)
    return found


def test_pins_alone_are_one_step_a_switch_beside_their_groups() -> None:
    """Nothing waits for another switch: any mixture of pins is right."""
    pinned = random_pins(Random(1), WHOLE, route_table(WHOLE), count=40)
    plain, with_pins = compiled(WHOLE), compiled(WHOLE, pins=paths_of(pinned))
    for old, new in ((plain, with_pins), (with_pins, plain)):
        update = plan(old, new, WHOLE.peer)
        assert update
        for steps in steps_by_switch(update).values():
            assert all(update.steps[number].dpid == step.dpid for step in steps for number in step.after)
            rules = [
                step for step in steps if any(isinstance(c, SetRule | DeleteRule) for c in step.commands)
            ]
            assert len(rules) == 1


def test_groups_are_there_before_pins_name_them_and_go_after() -> None:
    random = Random(2)
    one, other = (paths_of(random_pins(random, WHOLE, route_table(WHOLE), count=30)) for _ in range(2))
    update = plan(compiled(WHOLE, pins=one), compiled(WHOLE, pins=other), WHOLE.peer)
    for steps in steps_by_switch(update).values():
        kinds = [{type(command) for command in step.commands} for step in steps]
        order = [0 if AddGroup in kind else 2 if DeleteGroup in kind else 1 for kind in kinds]
        assert order == sorted(order)
        assert all(step.prepares == (AddGroup in kind) for step, kind in zip(steps, kinds, strict=True))


def test_a_pin_that_turns_is_set_once_and_never_deleted() -> None:
    table, random = route_table(WHOLE), Random(3)
    one = random_pins(random, WHOLE, table, count=30)
    turned = {
        key: random_path(random, WHOLE, table, src.at.dpid, dst.at.dpid) or ()
        for key, (_, src, dst) in one.items()
    }
    update = plan(compiled(WHOLE, pins=paths_of(one)), compiled(WHOLE, pins=turned), WHOLE.peer)
    assert len(update.switches) > 3
    commands = [(step.dpid, command) for step in update.steps for command in step.commands]
    told = [(dpid, c.rule.key) for dpid, c in commands if isinstance(c, SetRule | DeleteRule)]
    assert len(told) == len(set(told))


def test_a_pin_changes_in_the_step_in_which_its_route_does() -> None:
    """Where routes wait for routes elsewhere, in random programs; the route is the last exception, if any."""
    looked = 0
    for seed in range(40):
        random = Random(seed)
        graph = random_graph(random, 5, 4)
        tables = random_table(random, graph), random_table(random, graph)
        old, new = (with_random_pins(random, random_program(random, ip), ip) for ip in tables)
        update = plan(old, new, graph.peer)
        for steps in steps_by_switch(update).values():
            waiting = [step for step in steps if step.after and _pins(step)]
            looked += len(waiting)
            assert all(_routes(step) for step in waiting)
    assert looked > 10


def _pins(step: Step) -> bool:
    return any(
        isinstance(command, SetRule | DeleteRule)
        and command.rule.table == Table.PINS
        and command.rule.priority > PASS_PRIORITY
        for command in step.commands
    )


def _routes(step: Step) -> bool:
    return any(
        isinstance(command, SetRule | DeleteRule) and command.rule.table == Table.ROUTES
        for command in step.commands
    )

"""Tables to which something has happened: rules lost, turned, denied or rewritten; wires cut."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from controller.dataplane.pipeline import Table
from controller.dataplane.render import rule_text
from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, linear, mesh, ring, tree
from controller.model.flow import (
    TO_CONTROLLER,
    Action,
    Bucket,
    Field,
    FlowRule,
    Group,
    GroupKind,
    Output,
    SetField,
    ToGroup,
    match,
)
from controller.model.identity import Dpid, PortRef
from controller.model.program import FabricProgram, SwitchProgram
from tests.simulator.programmed import program_of

FABRICS = (fat_tree(4), leaf_spine(3, 2, 2), ring(5), mesh(4), linear(4), tree(3))
_SPARSE_TREE = replace(FABRICS[0], hosts=FABRICS[0].hosts[::3])
_SCENES = [(each, program_of(each)) for each in (_SPARSE_TREE, *FABRICS[1:])]
_GROUP = 77


@dataclass(frozen=True, repr=False)
class Accident:
    """A fabric with its tables afterwards; `exact`: the proof must find as much as the trace."""

    blueprint: Blueprint
    program: FabricProgram
    dead: set[PortRef]
    exact: bool
    story: tuple[str, ...]

    def __repr__(self) -> str:
        return "; ".join((*self.story, f"dead: {sorted(map(str, self.dead))}"))

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def altered(
    program: FabricProgram,
    dpid: int,
    *,
    add: tuple[FlowRule, ...] = (),
    drop: FlowRule | None = None,
    groups: tuple[Group, ...] = (),
) -> FabricProgram:
    """The program with rules or groups of one switch added, replaced or removed."""
    before = program[Dpid(dpid)]
    rules = {key: rule for key, rule in before.rules.items() if drop is None or key != drop.key}
    rules.update({rule.key: rule for rule in add})
    held = {**before.groups, **{group.group_id: group for group in groups}}
    return {**program, Dpid(dpid): SwitchProgram(rules, held, before.meters)}


@dataclass(frozen=True)
class _Scene:
    """Where an accident happens: a switch, one of its rules and ports, and somebody far away."""

    blueprint: Blueprint
    program: FabricProgram
    dpid: Dpid
    rule: FlowRule
    ports: list[int]
    to_mac: int
    to_address: int

    def add(self, rule: FlowRule, *groups: Group) -> FabricProgram:
        return altered(self.program, self.dpid, add=(rule,), groups=groups)

    def acting(self, *actions: Action) -> FlowRule:
        """The rule, doing something else."""
        return replace(self.rule, actions=actions, goto=None)


def _drop(draw: st.DrawFn, scene: _Scene) -> FabricProgram:
    return altered(scene.program, scene.dpid, drop=scene.rule)


def _turn(draw: st.DrawFn, scene: _Scene) -> FabricProgram:
    return scene.add(scene.acting(Output(draw(st.sampled_from(scene.ports)))))


def _group(draw: st.DrawFn, scene: _Scene) -> FabricProgram:
    buckets = tuple(Bucket((Output(each),), 1, each) for each in draw(st.sets(st.sampled_from(scene.ports))))
    kind = draw(st.sampled_from((GroupKind.SELECT, GroupKind.FAST_FAILOVER)))
    return scene.add(scene.acting(ToGroup(_GROUP)), Group(_GROUP, kind, buckets))


def _rewrite(draw: st.DrawFn, scene: _Scene) -> FabricProgram:
    port = draw(st.sampled_from(scene.ports))
    return scene.add(scene.acting(SetField(Field.ETH_DST, scene.to_mac), Output(port)))


def _deny(draw: st.DrawFn, scene: _Scene) -> FabricProgram:
    where = match(eth_type=0x800, ipv4_dst=(scene.to_address & ~1 & 0xFFFFFFFF, 0xFFFFFFFE))
    return scene.add(FlowRule(Table.PINS, 7, where))


def _source(draw: st.DrawFn, scene: _Scene) -> FabricProgram:
    where = match(eth_src=(scene.to_mac & ~3, (1 << 48) - 4))
    return scene.add(FlowRule(Table.PINS, 6, where, goto=draw(st.sampled_from((None, Table.ROUTES)))))


def _priority(draw: st.DrawFn, scene: _Scene) -> FabricProgram:
    return scene.add(replace(scene.rule, priority=draw(st.integers(1, 3000))))


def _punt(draw: st.DrawFn, scene: _Scene) -> FabricProgram:
    return scene.add(scene.acting(TO_CONTROLLER))


_BLIND: list[Callable[[st.DrawFn, _Scene], FabricProgram]] = [_drop, _turn, _group, _deny, _priority, _punt]
_SEEING: list[Callable[[st.DrawFn, _Scene], FabricProgram]] = [_rewrite, _source]


@st.composite
def accidents(draw: st.DrawFn) -> Accident:
    """One of the fabrics after a few accidents, with a few dead ports."""
    number, exact = draw(st.integers(0, len(_SCENES) - 1)), True
    blueprint, program = _SCENES[number]
    story = [blueprint.name]
    for _ in range(draw(st.integers(1, 4))):
        happen, scene = draw(st.sampled_from(_BLIND + _SEEING)), _scene(draw, blueprint, program)
        exact = exact and happen in _BLIND
        program = happen(draw, scene)
        story.append(f"{happen.__name__} on {scene.dpid}: {rule_text(scene.rule)}")
    dead = draw(st.sets(st.sampled_from(sorted(blueprint.peer)), max_size=2))
    if draw(st.booleans()):
        dead |= {blueprint.peer[end] for end in dead}
    elif dead:
        exact = False  # the trace lets a packet into a port that is down, and a wire does not
    return Accident(blueprint, program, dead, exact, tuple(story))


def _scene(draw: st.DrawFn, blueprint: Blueprint, program: FabricProgram) -> _Scene:
    dpid = draw(st.sampled_from(sorted(program)))
    rules = [rule for table in Table for rule in program[dpid].table(table)]
    to = draw(st.sampled_from(blueprint.hosts))
    ports = sorted(int(end.port) for end in (*blueprint.peer, *blueprint.host_at) if end.dpid == dpid)
    rule = draw(st.sampled_from(rules)) if rules else FlowRule(Table.ADMISSION, 0)
    return _Scene(blueprint, program, dpid, rule, ports, int(to.mac), int(to.address))

"""Who is held back: each answer equals the one found by looking at every switch again."""

from __future__ import annotations

from math import inf
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.blueprint import Blueprint, leaf_spine, linear
from controller.model.flow import FlowRule, Match, Output
from controller.model.identity import Dpid, PortRef
from controller.model.program import EMPTY_PROGRAM, SwitchProgram, switch_program
from controller.model.succession import difference, successor
from controller.model.topology import Topology, topology
from controller.runtime.readiness import Patience, Readiness
from tests.fabrics import snapshot
from tests.searching import examples

PLAN = leaf_spine(3, 2, 2)
WHOLE = snapshot(PLAN)
ROW = linear(2)
EMPTY = Topology()


def forwarding(*ports: int) -> SwitchProgram:
    """A program of an earlier life that sends packets to these ports."""
    return switch_program([FlowRule(4, port, Match(), (Output(port),)) for port in ports])


def part(switches: set[Dpid], cut: set[PortRef]) -> Topology:
    """What is known while only these switches are there and these ports carry nothing yet."""
    links = [
        link
        for link in WHOLE.links
        if {link.src.dpid, link.dst.dpid} <= switches and not cut & {link.src, link.dst}
    ]
    hosts = [host for host in WHOLE.hosts if host.at.dpid in switches and host.at not in cut]
    there = [switch for switch in WHOLE.switches if switch.dpid in switches]
    return topology(1, there, links, hosts, [host.at for host in hosts])


class Plain:
    """The same rules, looked at for every switch at every time."""

    def __init__(self, patience: Patience, blueprint: Blueprint | None) -> None:
        self.patience = patience
        self.blueprint = blueprint
        self.waiting: dict[Dpid, tuple[float, set[PortRef]]] = {}
        self.seen: set[Dpid] = set()
        self.first_s: float | None = None
        self.found_s = -inf
        self.known: Topology = EMPTY
        self.guessed: dict[Dpid, set[PortRef]] = {}
        self.started = False

    def came(self, dpid: Dpid, ports: tuple[int, ...], now_s: float) -> None:
        used = {end for end in (*PLAN.peer, *PLAN.host_at) if end.dpid == dpid and end.port in ports}
        cabled = {end for end in self.blueprint.peer if end.dpid == dpid} if self.blueprint else set()
        wait_s = self.patience.max_settle_s if ports else self.patience.settle_s
        self.guessed.pop(dpid, None)
        self.waiting[dpid] = now_s + wait_s, used | cabled
        self.seen.add(dpid)
        self.first_s = now_s if self.first_s is None else self.first_s

    def held(self, known: Topology, now_s: float) -> set[Dpid]:
        homes = {host.at for host in known.hosts}
        if set(known.links) - set(self.known.links) and (self.waiting or self.guessed):
            self.found_s = now_s
        self.known = known
        for dpid, (until_s, expected) in list(self.waiting.items()):
            if self.explained(dpid, expected, known, homes):
                del self.waiting[dpid]
            elif now_s >= until_s:
                del self.waiting[dpid]
                self.guessed[dpid] = expected
        for dpid, expected in list(self.guessed.items()):
            if self.explained(dpid, expected, known, homes):
                del self.guessed[dpid]
        complete = self.blueprint is None or self.seen >= set(self.blueprint.switch_by_dpid)
        quiet = not self.guessed or now_s >= self.found_s + self.patience.settle_s
        over = self.first_s is not None and (
            now_s >= self.first_s + self.patience.max_settle_s or (complete and quiet and not self.waiting)
        )
        self.started = self.started or over
        if self.started:
            self.guessed.clear()
        return set(self.waiting) if self.started else set(self.seen)

    @staticmethod
    def explained(dpid: Dpid, expected: set[PortRef], known: Topology, homes: set[PortRef]) -> bool:
        there = dpid in known.switch_by_dpid
        return there and bool(expected) and all(end in known.peer or end in homes for end in expected)


@pytest.mark.parametrize("told", [True, False], ids=["with blueprint", "without"])
@given(st.randoms(use_true_random=False), st.integers(1, 30))
@settings(max_examples=examples(60), deadline=None)
def test_looking_at_what_has_changed_is_enough(told: bool, random: Random, length: int) -> None:
    patience, blueprint = Patience(), PLAN if told else None
    readiness, plain = Readiness(patience, blueprint), Plain(patience, blueprint)
    known, now_s = EMPTY, 0.0
    dpids = [switch.dpid for switch in WHOLE.switches]
    for _ in range(length):
        now_s += random.choice([0.0, 0.1, 0.6, 3.0])
        match random.choice(["came", "went", "known"]):
            case "came":
                dpid = random.choice(dpids)
                ports = tuple(end.port for end in (*PLAN.peer, *PLAN.host_at) if end.dpid == dpid)
                used = tuple(random.sample(ports, random.choice([0, 1, len(ports)])))
                readiness.came(dpid, forwarding(*used), now_s)
                plain.came(dpid, used, now_s)
            case "went":
                dpid = random.choice(dpids)
                readiness.went(dpid)
                plain.waiting.pop(dpid, None)
                plain.guessed.pop(dpid, None)
            case "known":
                there = set(random.sample(dpids, random.randint(0, len(dpids))))
                cut = set(random.sample(sorted(PLAN.peer), random.choice([0, 0, 1, 5])))
                known = successor(known, difference(known, part(there, cut)))
        assert readiness.held(known, now_s) == plain.held(known, now_s)
        assert readiness.started == plain.started


def test_all_are_held_until_the_blueprint_is_there_and_explained() -> None:
    readiness = Readiness(Patience(), ROW)
    readiness.came(Dpid(1), EMPTY_PROGRAM, 0.0)
    assert readiness.held(EMPTY, 0.0) == {1}
    assert readiness.held(EMPTY, 5.0) == {1}
    readiness.came(Dpid(2), EMPTY_PROGRAM, 5.0)
    assert readiness.held(snapshot(ROW), 5.1) == frozenset()
    assert readiness.started


def test_a_start_goes_on_while_cables_are_being_found() -> None:
    readiness = Readiness(Patience(), PLAN)
    for switch in PLAN.switches:
        readiness.came(switch.dpid, EMPTY_PROGRAM, 0.0)
    everybody = {switch.dpid for switch in PLAN.switches}
    first, second, *_ = sorted(PLAN.peer)
    assert readiness.held(part(everybody, {first, second}), 0.5) == everybody
    assert readiness.held(part(everybody, {first}), 1.0) == everybody
    assert readiness.due_s() == 1.6
    assert readiness.held(part(everybody, {first}), 1.6) == frozenset()


def test_nobody_waits_for_ever() -> None:
    readiness = Readiness(Patience(), ROW)
    readiness.came(Dpid(1), forwarding(1, 2), 0.0)
    assert readiness.due_s() == 10.0
    assert readiness.held(EMPTY, 9.9) == {1}
    assert readiness.held(EMPTY, 10.0) == frozenset()
    assert readiness.started
    assert readiness.due_s() is None


def test_the_answer_is_the_same_object_while_nothing_changes() -> None:
    readiness = Readiness(Patience(), ROW)
    readiness.came(Dpid(1), forwarding(1, 2), 0.0)
    assert readiness.held(EMPTY, 1.0) is readiness.held(EMPTY, 2.0)


def test_a_switch_that_comes_back_with_nothing_is_empty_until_it_is_explained() -> None:
    readiness = Readiness(Patience(), PLAN)
    everybody = {switch.dpid for switch in WHOLE.switches}
    for dpid in everybody:
        readiness.came(dpid, EMPTY_PROGRAM, 0.0)
    assert readiness.empty == frozenset(), "the fabric is not up yet"
    readiness.held(WHOLE, 0.1)
    back, other = sorted(everybody)[:2]
    cut = {end for end in PLAN.peer if end.dpid == back}
    readiness.came(back, EMPTY_PROGRAM, 5.0)
    readiness.came(other, forwarding(1), 5.0)
    readiness.held(part(everybody, {min(cut)}), 5.1)
    assert readiness.empty == {back}, "the other one forwards what it did before"
    readiness.held(WHOLE, 5.2)
    assert readiness.empty == frozenset()

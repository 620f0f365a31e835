"""Pins as rules: where they stand, where a path is out of date, and what switches without room keep."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from controller.compiler.assemble import Assembly, assemble
from controller.compiler.pins import without_pins
from controller.contract import Decision, FabricSettings, Pins, Routes
from controller.dataplane.pipeline import PASS_PRIORITY, PIN_PRIORITY, Table
from controller.model.blueprint import fat_tree, linear
from controller.model.demand import FlowKey, Path
from controller.model.errors import ModelError
from controller.model.flow import Cookie, GroupKind, Output, Owner
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.limits import Limits
from controller.model.routing import RouteTable
from controller.model.topology import Topology
from tests.fabrics import snapshot, without
from tests.laws.compiled import route_table, with_detours

PLAN = fat_tree(4)
WHOLE = snapshot(PLAN)
SRC, DST = PLAN.hosts[0], PLAN.hosts[-1]
FLOW = FlowKey(SRC.address, DST.address, 6, 40_000, 80)


def way(topology: Topology, *, last: bool = True) -> Path:
    """From host to host by the first of the next hops each time, or the last."""
    table, path, here = route_table(topology), list[PortRef](), SRC.at.dpid
    while here != DST.at.dpid:
        path.append(PortRef(here, table.hops[DST.at.dpid, here].ports[-1 if last else 0]))
        here = topology.peer[path[-1]].dpid
    return tuple(path)


def pinned(
    paths: Mapping[FlowKey, Path],
    topology: Topology = WHOLE,
    *,
    table: RouteTable | None = None,
    limits: Mapping[Dpid, Limits] | None = None,
    before: Assembly | None = None,
    life: int = 3,
) -> Assembly:
    said: list[Decision] = [Routes(table or route_table(topology)), Pins(paths)]
    return assemble(said, topology, FabricSettings(), life, before, limits)


def where(assembly: Assembly) -> dict[Dpid, list[list[int]]]:
    """The ports that the pins of each switch try, in turn."""
    found: dict[Dpid, list[list[int]]] = {}
    for dpid, program in assembly.program.items():
        for rule in program.table(Table.PINS):
            for number in rule.groups:
                group = program.groups[number]
                assert group.kind is GroupKind.FAST_FAILOVER
                assert all(bucket.actions == (Output(bucket.watch_port or 0),) for bucket in group.buckets)
                found.setdefault(dpid, []).append([bucket.watch_port or 0 for bucket in group.buckets])
    return found


def test_a_pin_stands_at_hops_with_a_choice_and_has_the_other_next_hops_behind_it() -> None:
    path = way(WHOLE)
    edge, aggregation, core, _ = path
    assert core.dpid in {plan.dpid for plan in PLAN.switches if plan.tier == "core"}
    table = route_table(WHOLE)
    others = [set(table.hops[DST.at.dpid, at.dpid].ports) - {at.port} for at in (edge, aggregation)]
    expected = {at.dpid: [[at.port, *rest]] for at, rest in zip((edge, aggregation), others, strict=True)}
    assert where(pinned({FLOW: path})) == expected


def test_a_pin_says_whose_it_is_and_the_table_still_lets_all_others_through() -> None:
    program = pinned({FLOW: way(WHOLE)}).program[SRC.at.dpid]
    pin, passing = program.table(Table.PINS)
    assert (pin.priority, pin.owner) == (PIN_PRIORITY, Owner.PINS)
    cookie = Cookie.unpack(pin.cookie)
    assert cookie is not None
    assert cookie.life == 3
    assert (passing.priority, passing.goto, passing.owner) == (PASS_PRIORITY, Table.ROUTES, Owner.PIPELINE)


def test_where_there_is_one_way_nothing_is_pinned() -> None:
    chain = snapshot(linear(3))
    a, b = chain.hosts[0], chain.hosts[-1]
    (there,) = route_table(chain).hops[b.at.dpid, a.at.dpid].ports
    flow = FlowKey(a.addresses[0], b.addresses[0], 17, 1, 2)
    assert where(pinned({flow: (PortRef(a.at.dpid, there),)}, chain)) == {}


def test_a_path_whose_link_is_gone_is_followed_as_far_as_the_routes_go() -> None:
    path = way(WHOLE)
    cut = without(WHOLE, [path[1]])
    assert where(pinned({FLOW: path}, cut)).keys() == {path[0].dpid}
    assert where(pinned({FLOW: path}, without(WHOLE, [path[0]]))) == {}


@pytest.mark.parametrize(
    "path",
    [
        (),
        way(WHOLE)[1:][::-1],
        (PortRef(SRC.at.dpid, PortNo(77)),),
        (SRC.at,),
        (way(WHOLE)[2],),
        (PortRef(Dpid(999), PortNo(1)),),
    ],
    ids=["empty", "backwards", "no such port", "a host's port", "from the middle", "no such switch"],
)
def test_a_path_that_the_routes_do_not_know_pins_nothing(path: Path) -> None:
    assert where(pinned({FLOW: path})) == {}


def test_a_flow_to_nobody_or_without_a_match_is_not_pinned() -> None:
    nobody = FlowKey(SRC.address, PLAN.hosts[1].address + 99, 6, 1, 2)
    sctp = FlowKey(SRC.address, DST.address, 132, 1, 2)
    assembly = pinned({nobody: way(WHOLE), sctp: way(WHOLE)})
    assert where(assembly) == {}
    assert not any(assembly.pins.walks.values())


def test_a_path_may_begin_where_its_flow_does_not() -> None:
    """Whoever measures may not know where a flow enters: from where the path begins it holds."""
    path = way(WHOLE)
    assert where(pinned({FLOW: path[1:]})).keys() == {path[1].dpid}


def test_equal_choices_share_a_group() -> None:
    path = way(WHOLE)
    flows = {FlowKey(SRC.address, DST.address, 6, port, 80): path for port in range(50)}
    program = pinned(flows).program[SRC.at.dpid]
    assert len(program.table(Table.PINS)) == 51
    assert len({rule.groups for rule in program.table(Table.PINS) if rule.groups}) == 1


def test_one_app_pins() -> None:
    with pytest.raises(ModelError, match="exactly one app"):
        assemble([Pins({}), Pins({})], WHOLE, FabricSettings())


def test_detours_and_pins_stand_side_by_side() -> None:
    table, _ = with_detours(WHOLE)
    with_pins, alone = pinned({FLOW: way(WHOLE)}, table=table), pinned({}, table=table)
    assert where(with_pins).keys() == where(pinned({FLOW: way(WHOLE)})).keys()
    for dpid, program in with_pins.program.items():
        assert not program.dangling()
        assert without_pins(program) == alone.program[dpid]


# --- what changes -------------------------------------------------------------------------------------------


def test_only_switches_whose_pins_change_are_made_anew() -> None:
    table = route_table(WHOLE)
    one, other = way(WHOLE), way(WHOLE, last=False)
    before = pinned({FLOW: one}, table=table)
    again = pinned({FLOW: tuple(one)}, table=table, before=before)
    assert again.program is before.program
    after = pinned({FLOW: other}, table=table, before=again)
    assert after.changed == {one[0].dpid, one[1].dpid, other[0].dpid, other[1].dpid}
    assert all(after.program[dpid] is before.program[dpid] for dpid in after.program.keys() - after.changed)
    assert pinned({}, table=table, before=after).program == pinned({}, table=table).program


def test_pins_follow_next_hops_that_change() -> None:
    path = way(WHOLE)
    before = pinned({FLOW: path})
    cut = without(WHOLE, [path[1]])
    after = pinned({FLOW: path}, cut, before=before)
    assert after.program == pinned({FLOW: path}, cut).program
    assert pinned({FLOW: path}, before=after).program == before.program


# --- room ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "kept"),
    [
        (Limits({Table.PINS: 100}), 20),
        (Limits({Table.PINS: 21}), 10),
        (Limits({Table.PINS: 0}), 0),
        (Limits(failovers=1), 0),
        (Limits(failovers=2), 20),
        (Limits(groups=4), 20),
        (Limits(groups=2), 0),
        (Limits(buckets=1), 0),
        (Limits({Table.ROUTES: 6}), 0),
    ],
    ids=str,
)
def test_a_switch_keeps_as_many_pins_as_it_has_room_for(limits: Limits, kept: int) -> None:
    flows = {FlowKey(SRC.address, DST.address, 6, port, 80): way(WHOLE) for port in range(20)}
    edge = SRC.at.dpid
    assembly = pinned(flows, limits={edge: limits})
    assert len(where(assembly).get(edge, [])) == kept
    assert assembly.unpinned.get(edge, 0) == 20 - kept
    alone = pinned({}, limits={edge: limits})
    assert without_pins(assembly.program[edge]) == alone.program[edge]


def test_a_refused_pin_is_left_out_and_the_others_stay() -> None:
    flows = {FlowKey(SRC.address, DST.address, 6, port, 80): way(WHOLE) for port in range(3)}
    edge = SRC.at.dpid
    refused = pinned(flows).program[edge].table(Table.PINS)[1]
    limits = {edge: Limits(refused=frozenset({refused}))}
    assert len(where(pinned(flows, limits=limits))[edge]) == 2

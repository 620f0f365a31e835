from __future__ import annotations

import pytest

from apps.routing.app import Routing
from controller.compiler.assemble import assemble
from controller.compiler.cookies import with_cookie
from controller.contract import Decision, FabricSettings, FabricView, Routes, Rules
from controller.dataplane.pipeline import PUNT_METER, Table
from controller.model.blueprint import linear
from controller.model.errors import ModelError, OwnershipConflict
from controller.model.flow import Cookie, FlowRule, Match, Meter, Output, Owner, match
from controller.model.identity import Dpid
from controller.model.routing import RouteTable
from controller.model.topology import Topology
from tests.fabrics import snapshot, without

SETTINGS = FabricSettings(punt_pps=321)
ONE = Dpid(1)


def routes(topology: Topology) -> Routes:
    return Routing().decide(FabricView(0.0, topology), None)[1][0]


def claim(owner: Owner, *rules: FlowRule, meters: tuple[Meter, ...] = ()) -> Rules:
    return Rules(owner, {ONE: rules}, {ONE: meters} if meters else {})


def test_a_table_that_nobody_fills_passes_everything_on() -> None:
    deny = FlowRule(Table.POLICY, 5, match(eth_type=0x0806))
    program = assemble((claim(Owner.POLICY, deny),), snapshot(linear(2)), SETTINGS).program
    assert program[ONE].table(Table.POLICY) == (deny,)
    assert program[ONE].table(Table.CLASS) == (FlowRule(Table.CLASS, 0, goto=Table.DETOURS),)
    assert program[Dpid(2)].table(Table.POLICY) == (FlowRule(Table.POLICY, 0, goto=Table.CLASS),)


def test_every_rule_says_who_asked_for_it_and_when() -> None:
    topology = snapshot(linear(2))
    mine = claim(Owner.POLICY, FlowRule(Table.POLICY, 5, goto=Table.CLASS))
    program = assemble((mine, routes(topology)), topology, SETTINGS, life=77).program[ONE]
    by_table = {Table.POLICY: Owner.POLICY, Table.ROUTES: Owner.ROUTES}
    cookies = {rule.cookie for rule in program.rules.values()}
    for rule in program.rules.values():
        cookie = Cookie.unpack(rule.cookie)
        assert cookie is not None
        assert (cookie.owner, cookie.life) == (by_table.get(Table(rule.table), Owner.PIPELINE), 77)
    assert len(cookies) == len(program.rules)


def test_an_entry_keeps_its_digest_in_the_next_life() -> None:
    rule = FlowRule(Table.ROUTES, 7, match(eth_dst=5), (Output(1),))
    one, two = (Cookie.unpack(with_cookie(rule, Owner.ROUTES, life).cookie) for life in (1, 2))
    assert one is not None
    assert two is not None
    assert one.object == two.object != 0


@pytest.mark.parametrize("order", [1, -1])
def test_two_apps_cannot_own_one_entry_even_if_they_agree(order: int) -> None:
    rule = FlowRule(Table.POLICY, 5, match(eth_type=0x0806), goto=Table.CLASS)
    claims: tuple[Decision, ...] = (claim(Owner.POLICY, rule), claim(Owner.PINS, rule))
    with pytest.raises(OwnershipConflict) as conflict:
        assemble(claims[::order], snapshot(linear(2)), SETTINGS)
    assert conflict.value.dpid == ONE
    assert set(conflict.value.owners) == {"policy", "pins"}
    assert "eth_type=0x806" in conflict.value.entry


def test_two_apps_may_share_a_meter_only_if_they_agree() -> None:
    topology, meter = snapshot(linear(2)), Meter(9, 100)
    both = (claim(Owner.POLICY, meters=(meter,)), claim(Owner.CLASS, meters=(meter,)))
    assert assemble(both, topology, SETTINGS).program[ONE].meters == {9: meter}
    with pytest.raises(OwnershipConflict, match="meter 9"):
        assemble((both[0], claim(Owner.CLASS, meters=(Meter(9, 200),))), topology, SETTINGS)


def test_one_app_cannot_say_two_things_of_one_entry() -> None:
    rules = FlowRule(Table.PINS, 1, goto=Table.ROUTES), FlowRule(Table.PINS, 1)
    with pytest.raises(ModelError, match="two different rules"):
        assemble((claim(Owner.PINS, *rules),), snapshot(linear(2)), SETTINGS)


def test_there_is_one_route_table() -> None:
    with pytest.raises(ModelError, match="exactly one app"):
        assemble((Routes(RouteTable()), Routes(RouteTable())), snapshot(linear(2)), SETTINGS)


def test_the_meter_that_routes_need_is_there_and_is_the_one_that_was_claimed() -> None:
    topology = snapshot(linear(2))
    alone = assemble((routes(topology),), topology, SETTINGS).program[ONE]
    assert alone.meters[PUNT_METER].rate == 321
    theirs = Meter(PUNT_METER, 50, burst=10)
    admitted = assemble((claim(Owner.ADMISSION, meters=(theirs,)), routes(topology)), topology, SETTINGS)
    assert admitted.program[ONE].meters == {PUNT_METER: theirs}


def test_what_did_not_change_is_the_same_object() -> None:
    topology = snapshot(linear(4))
    said = (claim(Owner.POLICY, FlowRule(Table.POLICY, 0, Match(), goto=Table.CLASS)), routes(topology))
    before = assemble(said, topology, SETTINGS, 5)
    again = assemble(said, snapshot(linear(4), version=2), SETTINGS, 5, before)
    assert again.program is before.program
    louder = (claim(Owner.POLICY, FlowRule(Table.POLICY, 9, Match(), goto=Table.CLASS)), said[1])
    after = assemble(louder, topology, SETTINGS, 5, again)
    changed = {dpid for dpid, program in after.program.items() if program is not before.program[dpid]}
    assert changed == {ONE}


def test_a_switch_that_leaves_the_snapshot_leaves_the_program() -> None:
    whole = snapshot(linear(3))
    before = assemble((routes(whole),), whole, SETTINGS)
    smaller = without(whole, [link.src for link in whole.out_links[Dpid(3)]])
    smaller = type(smaller)(9, smaller.switches[:2], smaller.links, smaller.hosts[:2])
    after = assemble((routes(smaller),), smaller, SETTINGS, 0, before)
    assert after.program.keys() == {1, 2}

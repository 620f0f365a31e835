"""Where a packet finally goes, on fabrics small enough to see at a glance.

host - 1:1  s1  1:2 ----- 2:1  s2  2:2 - host
                1:3 ----- 3:1  s3  3:2 ----- 2:3
"""

from __future__ import annotations

from ipaddress import IPv4Address

from controller.dataplane.trace import Disposition, Trace, trace
from controller.model.flow import (
    TO_CONTROLLER,
    Action,
    Bucket,
    DecrementTtl,
    Field,
    FlowRule,
    Group,
    GroupKind,
    Match,
    Output,
    ReservedPort,
    SetField,
    ToGroup,
)
from controller.model.identity import Dpid, Mac, PortRef, port_ref
from controller.model.packet import udp_packet
from controller.model.program import SwitchProgram, switch_program

PACKET = udp_packet(Mac(0x02_01), Mac(0x02_02), IPv4Address("10.0.0.1"), IPv4Address("10.0.1.2"))
CABLES = {
    port_ref(1, 2): port_ref(2, 1),
    port_ref(1, 3): port_ref(3, 1),
    port_ref(3, 2): port_ref(2, 3),
}
PEER = {**CABLES, **{b: a for a, b in CABLES.items()}}
ENTRY = port_ref(1, 1)


def does(*actions: Action, groups: tuple[Group, ...] = ()) -> SwitchProgram:
    return switch_program([FlowRule(0, 1, Match(), actions)], groups)


def run(programs: dict[int, SwitchProgram], *, dead: frozenset[PortRef] = frozenset()) -> Trace:
    return trace(
        {Dpid(number): program for number, program in programs.items()}, PEER, PACKET, ENTRY, dead=dead
    )


SPREAD = Group(1, GroupKind.SELECT, (Bucket((Output(2),), 1, 2), Bucket((Output(3),), 1, 3)))
BOTH_WAYS = {1: does(ToGroup(1), groups=(SPREAD,)), 2: does(Output(2)), 3: does(Output(2))}


def test_all_equal_cost_paths_are_followed_to_their_common_end() -> None:
    found = run(BOTH_WAYS)
    assert found.always_delivered
    assert found.delivered_at == {port_ref(2, 2)}
    assert [[hop.at.dpid for hop, _ in path] for path in found.paths] == [[1, 2], [1, 3, 2]]


def test_a_hash_narrows_the_trace_to_one_path() -> None:
    programs = {Dpid(number): program for number, program in BOTH_WAYS.items()}
    found = trace(programs, PEER, PACKET, ENTRY, choose=lambda _group, _packet: 1)
    assert [[hop.at.dpid for hop, _ in path] for path in found.paths] == [[1, 3, 2]]


def test_a_dead_port_that_a_group_watches_is_avoided_and_another_one_is_a_black_hole() -> None:
    assert run(BOTH_WAYS, dead=frozenset([port_ref(1, 2)])).always_delivered
    found = run(BOTH_WAYS, dead=frozenset([port_ref(3, 2)]))
    assert found.dispositions == {Disposition.DELIVERED, Disposition.BLACKHOLE}
    assert (Disposition.BLACKHOLE, port_ref(3, 2)) in found.ends


def test_a_circle_is_a_loop_even_when_the_ttl_counts_down() -> None:
    round_trip = {1: does(Output(2)), 2: does(DecrementTtl(), Output(3)), 3: does(Output(1))}
    assert run(round_trip).dispositions == {Disposition.LOOP}


def test_the_same_port_with_another_header_is_no_loop() -> None:
    marked = FlowRule(0, 2, Match(), (Output(2),))
    programs = {
        1: switch_program([marked]),
        2: does(SetField(Field.IP_DSCP, 5), Output(3)),
        3: does(Output(ReservedPort.IN_PORT)),
    }
    assert run(programs).dispositions == {Disposition.BLACKHOLE}


def test_each_way_of_losing_a_packet_has_its_name() -> None:
    assert run({}).ends == {(Disposition.NO_RULE, ENTRY)}
    assert run({1: does()}).ends == {(Disposition.DENIED, ENTRY)}
    assert run({1: does(ToGroup(4))}).ends == {(Disposition.BLACKHOLE, ENTRY)}
    assert run({1: does(TO_CONTROLLER)}).dispositions == {Disposition.TO_CONTROLLER}


def test_what_a_switch_rewrites_is_told_with_the_branch() -> None:
    found = run({1: does(SetField(Field.ETH_DST, 0x02_77), Output(2)), 2: does(Output(2))})
    assert found.hops[0].branches[0].rewritten == ((Field.ETH_DST, 0x02_77),)
    assert found.hops[1].packet.get(Field.ETH_DST) == 0x02_77


def test_a_flood_reaches_every_link_but_the_one_it_came_from() -> None:
    found = run({1: does(Output(ReservedPort.ALL)), 2: does(Output(2)), 3: does(Output(2))})
    assert [hop.at for hop in found.hops] == [ENTRY, port_ref(2, 1), port_ref(3, 1), port_ref(2, 3)]

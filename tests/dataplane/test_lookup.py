"""What one switch does with one packet."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from controller.dataplane.lookup import MOST_OUTCOMES, Dropped, Outcome, Reason, Sent, Verdict, lookup
from controller.model.flow import (
    TO_CONTROLLER,
    Action,
    Bucket,
    DecrementTtl,
    EtherType,
    Field,
    FlowRule,
    Group,
    GroupKind,
    Match,
    Output,
    ReservedPort,
    SetField,
    ToGroup,
    match,
)
from controller.model.identity import Mac
from controller.model.packet import Packet, ethernet_packet, udp_packet
from controller.model.program import SwitchProgram, switch_program

PACKET = udp_packet(Mac(0x02_01), Mac(0x02_02), IPv4Address("10.0.0.1"), IPv4Address("10.0.1.2"))
IN_PORT = 9


def rule(priority: int, where: Match, *actions: Action, table: int = 0, goto: int | None = None) -> FlowRule:
    return FlowRule(table, priority, where, actions, goto)


def to(prefix: str) -> Match:
    return match(eth_type=EtherType.IPV4, ipv4_dst=IPv4Network(prefix))


def outcomes(
    program: SwitchProgram, packet: Packet = PACKET, *, dead: tuple[int, ...] = ()
) -> tuple[Outcome, ...]:
    return lookup(program, packet, IN_PORT, dead=dead).outcomes


def ports(*rules: FlowRule, groups: tuple[Group, ...] = (), dead: tuple[int, ...] = ()) -> list[int | Reason]:
    found = outcomes(switch_program(rules, groups), dead=dead)
    return [outcome.port if isinstance(outcome, Sent) else outcome.reason for outcome in found]


def test_the_highest_priority_wins_whatever_the_shape_of_its_match() -> None:
    rules = [
        rule(5, to("10.0.0.0/8"), Output(1)),
        rule(7, to("10.0.0.0/16"), Output(2)),
        rule(6, Match(), Output(3)),
    ]
    assert ports(*rules) == [2]
    assert ports(*rules[::2]) == [3]


def test_a_packet_that_lacks_a_field_matches_no_rule_on_it() -> None:
    program = switch_program([rule(5, to("0.0.0.0/0"), Output(1)), rule(5, to("10.0.0.0/8"), Output(1))])
    frame = ethernet_packet(Mac(1), Mac(2))
    assert outcomes(program, frame) == (Dropped(Reason.NO_RULE),)


def test_tables_are_walked_forward_and_every_rule_met_is_told() -> None:
    first, second = rule(1, Match(), goto=3), rule(1, Match(), Output(4), table=3)
    verdict = lookup(switch_program([first, second]), PACKET, IN_PORT)
    assert [(met.table, met.rule) for met in verdict.met] == [(0, first), (3, second)]


def test_a_rule_that_lets_nothing_out_denies_and_an_empty_table_has_no_rule() -> None:
    assert ports(rule(1, Match())) == [Reason.DENIED]
    assert ports() == [Reason.NO_RULE]
    assert ports(rule(1, Match(), goto=2)) == [Reason.NO_RULE]


def test_actions_apply_in_order_to_what_leaves_after_them() -> None:
    rewrite = SetField(Field.ETH_DST, 0x02_77)
    found = outcomes(switch_program([rule(1, Match(), Output(1), rewrite, Output(2))]))
    assert [(sent.port, sent.packet.get(Field.ETH_DST)) for sent in found if isinstance(sent, Sent)] == [
        (1, 0x02_02),
        (2, 0x02_77),
    ]


def test_a_rewritten_field_is_what_the_next_table_sees() -> None:
    rewrite = rule(1, Match(), SetField(Field.IPV4_DST, int(IPv4Address("10.7.7.7"))), goto=1)
    program = [rewrite, rule(2, to("10.7.7.7/32"), Output(5), table=1), rule(1, Match(), Output(6), table=1)]
    assert ports(*program) == [5]


def test_a_field_that_the_packet_lacks_cannot_be_rewritten() -> None:
    program = switch_program([rule(1, Match(), SetField(Field.TCP_DST, 80), Output(1))])
    assert outcomes(program) == (Sent(1, PACKET),)


def test_the_last_hop_limit_is_the_end_of_a_packet() -> None:
    program = switch_program([rule(1, Match(), DecrementTtl(), Output(1))])
    assert outcomes(program, PACKET.with_ttl(1)) == (Dropped(Reason.TTL),)
    assert outcomes(program, PACKET.with_ttl(2)) == (Sent(1, PACKET.with_ttl(1)),)


def test_a_packet_never_leaves_by_its_port_of_entry_unless_told_in_port() -> None:
    assert ports(rule(1, Match(), Output(IN_PORT))) == [Reason.INGRESS]
    assert ports(rule(1, Match(), Output(ReservedPort.IN_PORT))) == [IN_PORT]


def test_the_controller_gets_its_copy() -> None:
    assert ports(rule(1, Match(), TO_CONTROLLER)) == [ReservedPort.CONTROLLER]


def bucket(port: int, weight: int = 1, *, watched: bool = True) -> Bucket:
    return Bucket((Output(port),), weight, port if watched else None)


def test_select_offers_its_live_buckets_with_their_shares() -> None:
    group = Group(1, GroupKind.SELECT, (bucket(1), bucket(2, 3), bucket(3)))
    found = outcomes(switch_program([rule(1, Match(), ToGroup(1))], [group]), dead=(3,))
    assert found == (Sent(1, PACKET, (1,), 1, 4), Sent(2, PACKET, (1,), 3, 4))


def test_select_with_a_hash_takes_one_bucket_by_weight() -> None:
    group = Group(1, GroupKind.SELECT, (bucket(1), bucket(2, 3)))
    program = switch_program([rule(1, Match(), ToGroup(1))], [group])

    def taken(number: int) -> Verdict:
        return lookup(program, PACKET, IN_PORT, choose=lambda _group, _packet: number)

    firsts = [taken(number).outcomes[0] for number in range(8)]
    assert [sent.port for sent in firsts if isinstance(sent, Sent)] == [1, 2, 2, 2, 1, 2, 2, 2]


def test_fast_failover_takes_the_first_live_bucket() -> None:
    group = Group(1, GroupKind.FAST_FAILOVER, (bucket(1), bucket(2)))
    use = rule(1, Match(), ToGroup(1))
    assert ports(use, groups=(group,)) == [1]
    assert ports(use, groups=(group,), dead=(1,)) == [2]
    assert ports(use, groups=(group,), dead=(1, 2)) == [Reason.NO_LIVE_BUCKET]


def test_all_copies_to_each_bucket_and_what_one_rewrites_stays_its_own() -> None:
    marking = Bucket((SetField(Field.IP_DSCP, 3), Output(1)))
    group = Group(1, GroupKind.ALL, (marking, bucket(2), bucket(IN_PORT)))
    found = outcomes(switch_program([rule(1, Match(), ToGroup(1), Output(3))], [group]))
    assert [(sent.port, sent.packet.get(Field.IP_DSCP)) for sent in found if isinstance(sent, Sent)] == [
        (1, 3),
        (2, 0),
        (3, 0),
    ]
    assert len(found) == 3


def test_a_missing_group_and_a_group_that_names_itself_are_verdicts_not_errors() -> None:
    circle = Group(1, GroupKind.INDIRECT, (Bucket((ToGroup(1),)),))
    assert ports(rule(1, Match(), ToGroup(5))) == [Reason.NO_GROUP]
    assert ports(rule(1, Match(), ToGroup(1)), groups=(circle,)) == [Reason.NO_GROUP]


def test_groups_that_multiply_come_to_an_end() -> None:
    """Forty buckets, each of which hands to the group itself: forty to the eighth, if nobody counted."""
    group = Group(1, GroupKind.ALL, tuple(Bucket((ToGroup(1),)) for _ in range(40)))
    found = outcomes(switch_program([rule(1, Match(), ToGroup(1))], [group]))
    assert MOST_OUTCOMES <= len(found) < 2 * MOST_OUTCOMES
    assert {outcome.reason for outcome in found if isinstance(outcome, Dropped)} == {Reason.NO_GROUP}


def test_meters_are_noted_and_never_drop() -> None:
    metered = FlowRule(0, 1, Match(), (TO_CONTROLLER,), meter=1)
    verdict = lookup(switch_program([metered]), PACKET, IN_PORT)
    assert verdict.meters == (1,)
    assert isinstance(verdict.outcomes[0], Sent)

"""Law 11: verification says of all packets what following them one by one says of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.model.blueprint import fat_tree, leaf_spine, ring
from controller.model.flow import (
    Action,
    Bucket,
    Field,
    Group,
    Output,
)
from controller.model.identity import Dpid, Mac, PortNo, PortRef
from controller.model.packet import Packet, ethernet_packet, udp_packet
from controller.model.program import FabricProgram, SwitchProgram
from controller.model.topology import Host, Topology
from controller.verification.network import Ground, Network, ground_of
from controller.verification.packets import NONE, Headers
from controller.verification.terms import terms_of
from controller.verification.values import Exhausted, Values
from simulator.flows.fabric import as_planned
from tests.fabrics import without
from tests.laws.random_programs import (
    HOST_PORT,
    Graph,
    packets,
    pinned_packets,
    random_graph,
    random_program,
    random_table,
    with_random_pins,
)
from tests.searching import examples
from tests.verifying import followed, proven
from treadle.offline import program_of

pytestmark = pytest.mark.law

seeds = st.integers(0, 1_000_000)
few = settings(max_examples=examples(12), deadline=None, suppress_health_check=list(HealthCheck))

_BLUEPRINTS = fat_tree(4), leaf_spine(3, 2, 2), ring(4)


# --- values and sets ----------------------------------------------------------------------------------------


@few
@given(seeds)
def test_the_bits_of_a_term_are_those_of_the_values_that_match(seed: int) -> None:
    random, width = Random(seed), 6
    wanted = [_random_term(random, width) for _ in range(random.randint(0, 6))]
    known = random.randint(0, len(wanted))
    values = Values(width, wanted[:known], twins=8)
    told: list[tuple[int, int, int]] = []
    try:
        told += [(value, mask, values.bits(value, mask)) for value, mask in wanted]
    except Exhausted:
        assert known < len(wanted)
    for value, mask, bits in told:
        for each in range(1 << width):
            cell = values.where(each)
            assert bool(cell & bits) == (each & mask == value)
            assert cell & bits in (0, cell)
        if bits:
            assert values.value(bits) & mask == value


def _random_term(random: Random, width: int) -> tuple[int, int]:
    full = (1 << width) - 1
    mask = full ^ ((1 << random.randint(0, width)) - 1) if random.random() < 0.7 else random.randint(0, full)
    return random.randint(0, full) & mask, mask


@few
@given(seeds)
def test_sets_are_equal_when_they_are_the_same_object(seed: int) -> None:
    random = Random(seed)
    fields = Field.ETH_TYPE, Field.IP_PROTO, Field.IP_ECN
    terms = [(field, random.randint(0, 3), field.full_mask) for field in fields for _ in range(2)]
    headers = Headers(terms)
    sets = [headers.term(*term) for term in terms]
    for _ in range(12):
        a, b = random.choice(sets), random.choice(sets)
        sets.append(random.choice((headers.both, headers.either, headers.minus))(a, b))
    probes = [dict(zip(fields, (a, b, c), strict=True)) for a in range(5) for b in range(5) for c in range(4)]
    for a in sets:
        for b in sets:
            same = all(headers.holds(a, probe) == headers.holds(b, probe) for probe in probes)
            assert same == (a is b)


# --- networks -----------------------------------------------------------------------------------------------


@few
@given(seeds)
def test_programs_of_all_sorts_do_to_all_packets_what_they_do_to_each(seed: int) -> None:
    """Switches hold one of two random programs each, so that packets go in circles, too."""
    random = Random(seed)
    graph = random_graph(random, random.randint(2, 5), random.randint(0, 4))
    mixed: dict[Dpid, SwitchProgram] = {}
    for _ in range(2):
        ip, mac = (random_table(random, graph, unowned=0.2) for _ in range(2))
        made = with_random_pins(random, random_program(random, ip, mac), ip)
        mixed |= {dpid: program for dpid, program in made.items() if random.random() < 0.7}
    program = {dpid: mixed.get(dpid, SwitchProgram()) for dpid in graph.dpids}
    dead = frozenset(end for end in graph.peer if random.random() < 0.1)
    ground = Ground(graph.peer, _hosts_of(graph, random), dead)
    probes = random.sample([*packets(), *pinned_packets()], 12)
    _assert_agrees(_network(program, ground), probes, random)


def _hosts_of(graph: Graph, random: Random) -> Mapping[PortRef, tuple[Host, ...]]:
    ends = [PortRef(dpid, HOST_PORT) for dpid in graph.dpids]
    return {
        end: (Host(Mac(0x0200_0000_0000 + number), end),)
        for number, end in enumerate(ends)
        if random.random() < 0.8
    }


@few
@given(seeds)
def test_real_programs_that_were_tampered_with_are_seen_through(seed: int) -> None:
    random = Random(seed)
    topology = as_planned(random.choice(_BLUEPRINTS))
    shown = _with_failures(topology, random)
    program = tampered(program_of(topology), random, random.randint(0, 3))
    _assert_agrees(_network(program, ground_of(shown)), _probes(topology, random), random)


@few
@given(seeds)
def test_a_network_that_followed_changes_is_the_one_made_from_nothing(seed: int) -> None:
    random = Random(seed)
    topology = as_planned(random.choice(_BLUEPRINTS))
    shown, program = topology, program_of(topology)
    headers = Headers(terms_of(program, topology.hosts), twins=64)
    network = Network(headers, program, ground_of(shown))
    for _ in range(random.randint(1, 4)):
        shown = _with_failures(topology, random) if random.random() < 0.5 else shown
        if random.random() < 0.3:
            program = program_of(shown)
        program = tampered(program, random, random.randint(0, 2))
        network, _ = network.succeeded(program, ground_of(shown))
        anew = Network(headers, program, ground_of(shown))
        assert dict(network.loops) == dict(anew.loops)
        if not anew.loops:
            for end in shown.peer:
                assert network.fates(end) == anew.fates(end)
        for host in topology.hosts:
            assert network.fates(host.at) == anew.fates(host.at) or anew.loops


def tampered(program: FabricProgram, random: Random, times: int) -> FabricProgram:
    """A program in which some rules or buckets are missing, or do otherwise."""
    found = dict(program)
    for _ in range(times):
        dpid = random.choice(sorted(found))
        found[dpid] = _tampered(found[dpid], random)
    return found


def _tampered(program: SwitchProgram, random: Random) -> SwitchProgram:
    rules, groups = dict(program.rules), dict(program.groups)
    if groups and random.random() < 0.3:
        number = random.choice(sorted(groups))
        groups[number] = _another_way(groups[number], random)
        return SwitchProgram(rules, groups, program.meters)
    rule = rules.pop(random.choice(sorted(rules, key=lambda key: (key[0], key[1], key[2].order))))
    kind = random.randrange(3)
    if kind == 1:
        rule = replace(rule, priority=max(0, rule.priority + random.choice((-40, -1, 1, 40))))
    elif kind == 2:
        port = PortNo(random.randint(1, 4))
        rule = replace(rule, actions=(Output(port),), goto=None, meter=None)
    if kind:
        rules[rule.key] = rule
    return SwitchProgram(rules, groups, program.meters)


def _another_way(group: Group, random: Random) -> Group:
    buckets = list(group.buckets)
    place = random.randrange(len(buckets))
    actions: list[Action] = [each for each in buckets[place].actions if not isinstance(each, Output)]
    out = Output(PortNo(random.randint(1, 4)))
    buckets[place] = Bucket((*actions, out), buckets[place].weight, buckets[place].watch_port)
    return replace(group, buckets=tuple(buckets))


def _with_failures(topology: Topology, random: Random) -> Topology:
    ends = [link.src for link in topology.links if random.random() < 0.05]
    return without(topology, ends) if ends else topology


def _probes(topology: Topology, random: Random) -> list[Packet]:
    found: list[Packet] = []
    for _ in range(12):
        one, other = random.choice(topology.hosts), random.choice(topology.hosts)
        third = random.choice(topology.hosts)
        found += [
            udp_packet(one.mac, third.mac, one.addresses[0], other.addresses[0]),
            ethernet_packet(one.mac, other.mac),
        ]
    return found


def _network(program: FabricProgram, ground: Ground) -> Network:
    hosts = [host for some in ground.hosts.values() for host in some]
    return Network(Headers(terms_of(program, hosts)), program, ground)


def _assert_agrees(network: Network, probes: Iterable[Packet], random: Random) -> None:
    ends = sorted({*network.ground.peer, *network.ground.hosts})
    for probe in probes:
        at = random.choice(ends)
        expected = followed(network, probe, at)
        if "loop" not in expected:
            assert proven(network, probe, at) == expected
        if at in network.ground.peer:
            loops = network.loops.get(at, NONE)
            assert network.headers.holds(loops, probe.as_mapping()) == ("loop" in expected)

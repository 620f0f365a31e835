"""Law 1, meaning: what a policy means for a packet is what its compiled rules do to that packet."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from controller.dataplane.lookup import Sent, Verdict, lookup
from controller.dataplane.pipeline import LOG_METER, Table
from controller.model.errors import ModelError
from controller.model.flow import EtherType, Field, FlowRule, IpProtocol, Match, Output
from controller.model.identity import IpAddress, PortNo
from controller.model.packet import Packet, packet
from controller.model.program import SwitchProgram
from policies.compile.rules import Compiled, SwitchRules
from policies.policy import Access, Clause, Document, Effect, Policy, Service
from policies.predicate import (
    ICMP_OF,
    PORTED,
    All,
    Any,
    Destination,
    DestPort,
    Headers,
    IcmpType,
    Not,
    Predicate,
    Prefix,
    Protocol,
    Source,
    SourcePort,
)
from policies.semantics import service, verdict

pytestmark = pytest.mark.law

LINK, HOST, OUT = PortNo(1), PortNo(2), 99
V4, V6 = IPv4Address("10.0.0.0"), IPv6Address("fd00::")
HERE: tuple[IpAddress, ...] = tuple(base + n for base in (V4, V6) for n in (1, 2, 3, 5, 8, 9, 13))

EVERYBODY: tuple[IpAddress, ...] = (*(V4 + n for n in range(16)), *(V6 + n for n in range(16)))
addresses: st.SearchStrategy[IpAddress] = st.sampled_from(EVERYBODY)
ports = st.sampled_from((0, 1, 22, 79, 80, 81, 443, 1023, 1024, 8000, 8099, 65_535)) | st.integers(0, 65_535)
ranges = st.lists(
    st.tuples(ports, ports).map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=3
).map(tuple)
types = st.lists(st.integers(0, 12).map(lambda n: (n, n + n % 3)), min_size=1, max_size=2).map(tuple)


@st.composite
def prefixes(draw: st.DrawFn) -> tuple[Prefix, ...]:
    found: list[Prefix] = []
    for _ in range(draw(st.integers(1, 3))):
        base, bits = draw(st.sampled_from(((V4, 32), (V6, 128))))
        length = draw(st.sampled_from((0, bits - 4, bits - 3, bits - 2, bits - 1, bits)))
        found.append(ip_network((int(base) + draw(st.integers(0, 15)), length), strict=False))
    return tuple(found)


protocols = st.sampled_from((1, 6, 17, 47, 58))
TERMS: st.SearchStrategy[Predicate] = st.one_of(
    prefixes().map(Source),
    prefixes().map(Destination),
    protocols.map(Protocol),
    ranges.map(SourcePort),
    ranges.map(DestPort),
    types.map(IcmpType),
)
predicates: st.SearchStrategy[Predicate] = st.recursive(
    TERMS,
    lambda parts: st.one_of(
        parts.map(Not),
        st.lists(parts, max_size=3).map(lambda some: All(tuple(some))),
        st.lists(parts, max_size=3).map(lambda some: Any(tuple(some))),
    ),
    max_leaves=5,
)


@st.composite
def headers(draw: st.DrawFn) -> Headers:
    src = draw(st.sampled_from(HERE))
    dst = draw(addresses.filter(lambda each: each.version == src.version))
    protocol = draw(protocols)
    if protocol in PORTED:
        return Headers(src, dst, protocol, draw(ports), draw(ports))
    if protocol == ICMP_OF[src.version]:
        return Headers(src, dst, protocol, icmp_type=draw(st.integers(0, 140)))
    return Headers(src, dst, protocol)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    access = [
        Access(Document(f"a{number}"), tuple(draw(st.lists(clauses, max_size=4))), number)
        for number in range(draw(st.integers(1, 3)))
    ]
    services = [
        Service(Document(f"s{number}"), draw(predicates), draw(st.integers(0, 63)), rate, precedence=number)
        for number, rate in enumerate(draw(st.lists(st.sampled_from((None, 10**6)), max_size=3)))
    ]
    return Policy("", tuple(access), tuple(services))


clauses = st.builds(Clause, st.sampled_from(Effect), predicates, st.booleans())


def on_the_wire(seen: Headers) -> Packet:
    """The packet as a switch sees it."""
    v4 = seen.src.version == 4
    fields: dict[Field, int] = {
        Field.ETH_TYPE: EtherType.IPV4 if v4 else EtherType.IPV6,
        Field.IP_DSCP: 0,
        Field.IP_PROTO: seen.protocol,
        Field.IPV4_SRC if v4 else Field.IPV6_SRC: int(seen.src),
        Field.IPV4_DST if v4 else Field.IPV6_DST: int(seen.dst),
    }
    if seen.src_port is not None and seen.dst_port is not None:
        of_tcp = seen.protocol == IpProtocol.TCP
        fields[Field.TCP_SRC if of_tcp else Field.UDP_SRC] = seen.src_port
        fields[Field.TCP_DST if of_tcp else Field.UDP_DST] = seen.dst_port
    if seen.icmp_type is not None:
        fields[Field.ICMPV4_TYPE if v4 else Field.ICMPV6_TYPE] = seen.icmp_type
    return packet(fields, 64)


def switch(rules: SwitchRules) -> SwitchProgram:
    """A switch that has these rules, and sends out of one port what they let pass."""
    wanted = [FlowRule(Table.ADMISSION, 0, goto=Table.POLICY), *rules.policy, *rules.service]
    if not rules.policy:
        wanted.append(FlowRule(Table.POLICY, 0, goto=Table.CLASS))
    if not rules.service:
        wanted.append(FlowRule(Table.CLASS, 0, goto=Table.DETOURS))
    wanted.append(FlowRule(Table.DETOURS, 0, Match(), (Output(OUT),)))
    found = {rule.key: rule for rule in wanted}
    assert len(found) == len(wanted), "two rules for one key"
    return SwitchProgram(found, {}, {meter.meter_id: meter for meter in rules.meters})


def sent(met: Verdict) -> list[Sent]:
    """What leaves by the port to which everything goes that passes."""
    return [each for each in met.outcomes if isinstance(each, Sent) and each.port == OUT]


@settings(max_examples=150, deadline=None)
@given(policies(), st.lists(headers(), min_size=1, max_size=12))
def test_the_rules_do_what_the_policy_means(policy: Policy, packets: list[Headers]) -> None:
    try:
        rules = Compiled(policy).rules(HERE, [LINK])
    except ModelError:
        reject()  # more rules than a rung has steps
    program = switch(rules)
    for seen in packets:
        clause, served = verdict(policy, seen), service(policy, seen)
        met = lookup(program, on_the_wire(seen), HOST)
        out = sent(met)
        assert bool(out) == (clause.effect is Effect.ALLOW), (seen, clause)
        shown = LOG_METER in met.meters
        assert shown == (clause.logged and clause.effect is Effect.DENY)
        if out:
            dscp = served.dscp if served is not None and served.dscp is not None else 0
            assert out[0].packet.get(Field.IP_DSCP) == dscp
            limited = served is not None and served.rate_bps is not None
            assert limited == any(number != LOG_METER for number in met.meters)


@settings(max_examples=30, deadline=None)
@given(policies(), headers())
def test_what_comes_in_by_a_link_was_decided_about_before(policy: Policy, seen: Headers) -> None:
    met = lookup(switch(Compiled(policy).rules(HERE, [LINK])), on_the_wire(seen), LINK)
    (only,) = sent(met)
    assert only.packet.get(Field.IP_DSCP) == 0


@settings(max_examples=30, deadline=None)
@given(policies(), headers())
def test_nobody_speaks_in_the_name_of_an_address_that_is_not_here(policy: Policy, seen: Headers) -> None:
    strange = Headers(
        (IPv4Address("192.0.2.1") if seen.src.version == 4 else IPv6Address("2001:db8::1")),
        *(seen.dst, seen.protocol, seen.src_port, seen.dst_port, seen.icmp_type),
    )
    found = Compiled(policy).rules(HERE, [LINK])
    met = lookup(switch(found), on_the_wire(strange), HOST)
    is_discovery = seen.src.version == 6 and seen.icmp_type in range(135, 137)
    assert bool(sent(met)) == (is_discovery or not found.policy)

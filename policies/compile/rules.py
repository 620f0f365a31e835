"""A policy as rules of the tables `policy` and `class`.

A packet is decided about once, where it enters the fabric: at the switch of the host that sends it. So a
packet meets one table of one switch, and an update of that table changes what becomes of it in one moment
(controller/planner/order.py): it is never judged half by an old policy and half by a new one. What comes in
by a link was judged before. A packet from an address that no host of the switch has is dropped, as what it
may do cannot be known; the admission table sees to it that a host becomes known as soon as it asks for a
neighbour.

    policy   links, discovery, what is allowed -> class;  what is denied, strangers: dropped;  rest -> class
    class    by service: DSCP, meter -> detours;           the rest -> detours

Link-local addresses of IPv6 come and go, and say nothing about who speaks: where there are entries, packets
from one to another host's are a stranger's, but for neighbour discovery.

A switch without hosts, or a policy without such documents, needs no rules. Left out: a host that borrows the
address of another host of its own switch, which the admission table lets pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any as Anything

from controller.dataplane.pipeline import (
    FIRST_SERVICE_METER,
    LINES_OF_AN_ENTRY,
    LOG_METER,
    PolicyPriority,
    Table,
    entry_priority,
)
from controller.model.errors import ModelError
from controller.model.flow import (
    Action,
    EtherType,
    Field,
    FlowRule,
    IpProtocol,
    Match,
    Meter,
    MeterUnit,
    Output,
    ReservedPort,
    SetField,
    match,
)
from controller.model.identity import IpAddress, PortNo
from policies.compile.lists import Line
from policies.compile.table import Compiler, Entry
from policies.policy import Clause, Document, Effect, Policy, Service
from policies.predicate import ICMP_OF, NEIGHBOUR_DISCOVERY, Prefix
from policies.semantics import by_precedence

LOG_BYTES = 128
LOG_PPS = 100
_ETHERTYPE = {4: EtherType.IPV4, 6: EtherType.IPV6}
_PORT_FIELDS = {IpProtocol.TCP: ("tcp_src", "tcp_dst"), IpProtocol.UDP: ("udp_src", "udp_dst")}
_TYPE_FIELD = {4: "icmpv4_type", 6: "icmpv6_type"}


@dataclass(frozen=True, slots=True)
class Judged:
    """What becomes of a packet, and which document says so; the document takes no part in equality."""

    effect: Effect
    logged: bool
    document: Document = field(compare=False)

    @classmethod
    def by(cls, clause: Clause, document: Document) -> Judged:
        """As a clause has it. Only what is denied can be shown to the controller."""
        return cls(clause.effect, clause.logged and clause.effect is Effect.DENY, document)


@dataclass(frozen=True, slots=True)
class Served:
    """How a packet is served: its DSCP, and the number of its meter."""

    dscp: int | None
    meter: int | None
    document: Document = field(compare=False)


_UNSAID = Document("nothing was said")
_USUAL = Judged(Effect.ALLOW, logged=False, document=_UNSAID)
_BEST_EFFORT = Served(None, None, _UNSAID)


@dataclass(frozen=True, slots=True)
class SwitchRules:
    """The rules and meters of one switch, and how many rules each document has there."""

    policy: tuple[FlowRule, ...] = ()
    service: tuple[FlowRule, ...] = ()
    meters: tuple[Meter, ...] = ()
    by_document: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Compiled:
    """A policy that can be asked for the rules of any switch. What switches have in common is worked out
    once.
    """

    policy: Policy

    def rules(self, addresses: Iterable[IpAddress], link_ports: Iterable[PortNo]) -> SwitchRules:
        """The rules of a switch whose hosts have these addresses. Raises `ModelError` for a policy with more
        lines for one destination than a rung has steps.
        """
        mine, links = [each for each in addresses if not each.is_link_local], sorted(link_ports)
        if not mine:
            return SwitchRules()
        counts: dict[str, int] = {}
        judged = self._judged(mine, links, counts) if self.policy.access else ()
        served = self._served(mine, links, counts) if self.policy.services else ()
        return SwitchRules(tuple(judged), tuple(served), tuple(self._meters(judged)), counts)

    def between(self, src: IpAddress, dst: IpAddress) -> tuple[Line[Judged], ...]:
        """What becomes of packets from one address to another, by protocol and ports."""
        compiler = self._access[0 if src.version == 4 else 1]
        return compiler.between(int(src), int(dst))

    def _judged(
        self, addresses: list[IpAddress], links: Iterable[PortNo], counts: dict[str, int]
    ) -> tuple[FlowRule, ...]:
        return (
            *(_on(Table.POLICY, PolicyPriority.LINK, match(in_port=port)) for port in links),
            *_OF_DISCOVERY,
            *(
                rule
                for compiler in self._access
                for entry in compiler.entries(_numbers(addresses, compiler.version))
                for rule in _entry_rules(Table.POLICY, entry, _judge, counts)
            ),
            *(
                FlowRule(Table.POLICY, PolicyPriority.STRANGER, match(eth_type=kind))
                for kind in _ETHERTYPE.values()
            ),
            _on(Table.POLICY, PolicyPriority.OTHER, Match()),
        )

    def _served(
        self, addresses: list[IpAddress], links: Iterable[PortNo], counts: dict[str, int]
    ) -> tuple[FlowRule, ...]:
        entries = [
            rule
            for compiler in self._services
            for entry in compiler.entries(_numbers(addresses, compiler.version))
            for rule in _entry_rules(Table.CLASS, entry, _serve, counts)
        ]
        if not any(rule.actions or rule.meter for rule in entries):
            return ()
        by_link = (_on(Table.CLASS, PolicyPriority.LINK, match(in_port=port)) for port in links)
        return (*by_link, *entries, _on(Table.CLASS, PolicyPriority.OTHER, Match()))

    def _meters(self, judged: Iterable[FlowRule]) -> Iterator[Meter]:
        if any(rule.meter == LOG_METER for rule in judged):
            yield Meter(LOG_METER, LOG_PPS, MeterUnit.PKTPS, burst=LOG_PPS)
        for service, number in self._meter_of.items():
            assert service.rate_bps is not None
            rate_kbps = max(1, service.rate_bps // 1000)
            yield Meter(number, rate_kbps, MeterUnit.KBPS, burst=max(1, rate_kbps // 10))

    @cached_property
    def _access(self) -> tuple[Compiler[Judged], ...]:
        ranked = [
            (clause.predicate, Judged.by(clause, access.document))
            for access in by_precedence(self.policy.access)
            for clause in access.clauses
        ]
        return Compiler(4, ranked, _USUAL), Compiler(6, ranked, _USUAL)

    @cached_property
    def _services(self) -> tuple[Compiler[Served], ...]:
        ranked = [
            (each.predicate, Served(each.dscp, self._meter_of.get(each), each.document))
            for each in _in_order(self.policy.services)
        ]
        return Compiler(4, ranked, _BEST_EFFORT), Compiler(6, ranked, _BEST_EFFORT)

    @cached_property
    def _meter_of(self) -> dict[Service, int]:
        limited = [each for each in _in_order(self.policy.services) if each.rate_bps is not None]
        return {each: number for number, each in enumerate(limited, FIRST_SERVICE_METER)}


def _in_order(services: Iterable[Service]) -> list[Service]:
    return sorted(services, key=lambda each: (-each.precedence, each.document))


def _numbers(addresses: Iterable[IpAddress], version: int) -> list[int]:
    return [int(each) for each in addresses if each.version == version]


# --- one entry ----------------------------------------------------------------------------------------------


def _entry_rules(
    table: Table, entry: Entry[Anything], say: Anything, counts: dict[str, int]
) -> Iterator[FlowRule]:
    version, most = entry.source.version, LINES_OF_AN_ENTRY[entry.source.version]
    if len(entry.lines) > most:
        between = f"{entry.source} and {entry.destination}"
        raise ModelError(f"{len(entry.lines)} rules between {between} on one switch: at most {most}")
    for step, line in enumerate(reversed(entry.lines)):
        name = line.outcome.document.name
        counts[name] = counts.get(name, 0) + 1
        priority = entry_priority(version, entry.destination.prefixlen, step)
        yield say(table, priority, _match(entry.source, entry.destination, line), line.outcome)


@lru_cache(maxsize=65_536)
def _match(source: Prefix, destination: Prefix, line: Line[Anything]) -> Match:
    family = "ipv4" if source.version == 4 else "ipv6"
    found: dict[str, Anything] = {"eth_type": _ETHERTYPE[source.version]}
    found[f"{family}_src"], found[f"{family}_dst"] = source, destination
    if line.protocol is not None:
        found["ip_proto"] = line.protocol
    if line.src_port is not None or line.dst_port is not None:
        assert line.protocol is not None
        names = _PORT_FIELDS[IpProtocol(line.protocol)]
        ports = zip(names, (line.src_port, line.dst_port), strict=True)
        found |= {name: port for name, port in ports if port is not None}
    if line.icmp_type is not None:
        found[_TYPE_FIELD[source.version]] = line.icmp_type
    return match(**found)


@lru_cache(maxsize=65_536)
def _judge(table: Table, priority: int, matching: Match, outcome: Judged) -> FlowRule:
    if outcome.effect is Effect.ALLOW:
        return _on(table, priority, matching)
    if outcome.logged:
        shown = Output(ReservedPort.CONTROLLER, LOG_BYTES)
        return FlowRule(table, priority, matching, (shown,), meter=LOG_METER)
    return FlowRule(table, priority, matching)


@lru_cache(maxsize=65_536)
def _serve(table: Table, priority: int, matching: Match, outcome: Served) -> FlowRule:
    actions: list[Action] = []
    if outcome.dscp is not None:
        actions.append(SetField(Field.IP_DSCP, outcome.dscp))
    return FlowRule(table, priority, matching, tuple(actions), Table(table + 1), outcome.meter)


@lru_cache(maxsize=65_536)
def _on(table: Table, priority: int, matching: Match) -> FlowRule:
    return FlowRule(table, priority, matching, goto=Table(table + 1))


_STRANGERS = tuple(
    FlowRule(Table.POLICY, PolicyPriority.STRANGER, match(eth_type=kind)) for kind in _ETHERTYPE.values()
)
_OF_DISCOVERY = tuple(
    _on(
        Table.POLICY,
        PolicyPriority.DISCOVERY,
        match(eth_type=EtherType.IPV6, ip_proto=ICMP_OF[6], icmpv6_type=kind),
    )
    for kind in NEIGHBOUR_DISCOVERY
)

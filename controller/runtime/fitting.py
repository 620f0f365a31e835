"""Fitting: a program for the fabric in which every switch can hold its part.

What switches should do is decided as if they could hold everything. Where one cannot, its routes are first
made with thrift (compiler/thrift.py). If that is not enough, the fabric asks less of it, step by step, and is
decided and assembled again:

    transit     as decided                                                       (where every switch begins)
    stub        no path leads through it, only to its hosts and from them
    unserved    some of its hosts have no place: for the fabric they do not exist
    left out    no path leads to it; it keeps of its admission table what it can hold

Pins are no part of this: a switch that is too small has them left out before anything else, and what they
say holds for any routes (compiler/pins.py).

Everybody's program follows from what is asked of each, so there is never half a path: a switch that cannot
hold its part of one is not on it. The search begins anew for each snapshot and depends on nothing but the
snapshot, the decisions and the limits; each step asks less, so it ends.

Where all fits, this is one assembly and a look at each program that is new.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from controller.compiler.assemble import Assembly, assemble
from controller.contract import App, Decision, FabricSettings, FabricView, Pins, Routes, Rules
from controller.dataplane.pipeline import Table
from controller.health.avoidance import Avoidance
from controller.model.blueprint import Blueprint
from controller.model.delta import delta
from controller.model.finding import Finding, Severity
from controller.model.flow import SetField
from controller.model.identity import Dpid, Mac, dpid_text, mac_text
from controller.model.limits import UNLIMITED, Limits, failovers, rules_by_table
from controller.model.program import SwitchProgram
from controller.model.succession import successor
from controller.model.topology import Host, Topology

Limited = Mapping[Dpid, Limits]


@dataclass(frozen=True, slots=True)
class Restrictions:
    """What is not asked of switches that are too small."""

    stubs: frozenset[Dpid] = frozenset()
    unserved: frozenset[Mac] = frozenset()
    left_out: frozenset[Dpid] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.stubs or self.unserved or self.left_out)


@dataclass
class _Level:
    """One step of the search, remembered: in the next search most of it is the same."""

    memories: dict[str, Any] = field(default_factory=dict)
    assembly: Assembly | None = None


class Fitting:
    """Assembles the fabric; `findings` says what had to be given up the latest time."""

    def __init__(self, settings: FabricSettings, life: int, blueprint: Blueprint | None) -> None:
        self._settings = settings
        self._life = life
        self._blueprint = blueprint
        self._levels: list[_Level] = [_Level()]
        self._fits: dict[Dpid, tuple[SwitchProgram, Limits]] = {}
        self.findings: tuple[Finding, ...] = ()

    def assemble(
        self,
        apps: Sequence[App],
        decisions: Sequence[Decision],
        topology: Topology,
        limits: Limited,
        now_s: float,
        avoidance: Avoidance | None = None,
        policy: str = "",
    ) -> Assembly:
        """The assembly of these decisions or, where that does not fit, of what the same apps decide when less
        is asked. Each switch can hold its part. `avoidance` is that of the snapshot, and `policy` is in force
        however little is asked.
        """
        avoidance = avoidance or Avoidance(topology, routable=topology)
        assembly = self._assembled(0, topology, decisions, limits)
        pins = [decision for decision in decisions if isinstance(decision, Pins)]
        restrictions, why, number = Restrictions(), dict[Dpid, str](), 0
        while misfits := self._misfits(assembly, limits, restrictions):
            shown = restricted(topology, restrictions)
            for dpid in misfits:
                program = assembly.program[dpid]
                why[dpid] = excess(program, limits[dpid])
                restrictions = _asked_less(restrictions, shown, dpid, program, limits[dpid])
            number += 1
            shown = restricted(topology, restrictions)
            lasting = self._decided(number, apps, shown, restrictions, now_s, avoidance, policy)
            assembly = self._assembled(number, shown, (*lasting, *pins), limits)
        del self._levels[number + 1 :]
        self.findings = (*_findings(topology, restrictions, why), *_unpinned(assembly))
        return _pruned(assembly, restrictions.left_out, limits)

    def _assembled(
        self, number: int, shown: Topology, decisions: Sequence[Decision], limits: Limited
    ) -> Assembly:
        level = self._levels[number]
        level.assembly = assemble(decisions, shown, self._settings, self._life, level.assembly, limits)
        return level.assembly

    def _decided(
        self,
        number: int,
        apps: Sequence[App],
        shown: Topology,
        restrictions: Restrictions,
        now_s: float,
        avoidance: Avoidance,
        policy: str,
    ) -> list[Decision]:
        """What the apps decide when they see no more than is asked; what else they would say is for those
        who see everything.
        """
        if number == len(self._levels):
            self._levels.append(_Level())
        memories = self._levels[number].memories
        view = FabricView(
            now_s,
            shown,
            self._blueprint,
            self._settings,
            stubs=restrictions.stubs | avoidance.stubs,
            without_avoided=restricted(avoidance.routable, restrictions) if avoidance.avoided else None,
            policy=policy,
        )
        lasting: list[Decision] = []
        for app in apps:
            memories[app.name], decisions = app.decide(view, memories.get(app.name))
            lasting += [decision for decision in decisions if isinstance(decision, Rules | Routes)]
        return lasting

    def _misfits(self, assembly: Assembly, limits: Limited, restrictions: Restrictions) -> list[Dpid]:
        """The switches that cannot hold their program and of which less can be asked."""
        misfits = []
        for dpid, program in assembly.program.items():
            bound, known = limits.get(dpid, UNLIMITED), self._fits.get(dpid)
            if known is not None and known[0] is program and known[1] is bound:
                continue
            if bound.hold(program):
                self._fits[dpid] = program, bound
            elif dpid not in restrictions.left_out:
                misfits.append(dpid)
        return misfits


def restricted(topology: Topology, restrictions: Restrictions) -> Topology:
    """The snapshot without what is not asked: unserved hosts, and the links and hosts of what is left out."""
    out = restrictions.left_out & topology.switch_by_dpid.keys()
    gone = {topology.host_by_mac[mac] for mac in restrictions.unserved}
    gone |= {host for dpid in out for host in topology.hosts_at.get(dpid, ())}
    links = {link for dpid in out for link in topology.out_links[dpid]}
    links |= {twin for link in links for twin in topology.out_links[link.dst.dpid] if twin.dst == link.src}
    if not (gone or links):
        return topology
    return successor(topology, delta(topology.version, gone_links=links, gone_hosts=gone))


def _asked_less(
    restrictions: Restrictions, shown: Topology, dpid: Dpid, program: SwitchProgram, limits: Limits
) -> Restrictions:
    """The next step for one switch, which cannot hold what it is asked."""
    hosts = shown.hosts_at.get(dpid, ())
    if hosts and dpid not in restrictions.stubs and shown.out_links[dpid]:
        return replace(restrictions, stubs=restrictions.stubs | {dpid})
    surplus = _surplus(hosts, program, limits)
    if 0 < len(surplus) < len(hosts):
        return replace(restrictions, unserved=restrictions.unserved | {host.mac for host in surplus})
    return replace(restrictions, left_out=restrictions.left_out | {dpid})


def _surplus(hosts: Sequence[Host], program: SwitchProgram, limits: Limits) -> list[Host]:
    """Hosts without which there may be room: those whose rules are refused, and then the last ones."""
    refused = {
        action.value for rule in limits.refused for action in rule.actions if isinstance(action, SetField)
    }
    counts = rules_by_table(program)
    missing = {table: counts.get(table, 0) - most for table, most in limits.rules.items()}
    surplus = [host for host in hosts if host.mac in refused]
    for host in sorted(set(hosts) - set(surplus), key=lambda host: -host.mac):
        freed = {Table.ADMISSION: len(surplus), Table.ROUTES: sum(1 + len(h.addresses) for h in surplus)}
        if all(rules <= freed.get(Table(table), 0) for table, rules in missing.items() if rules > 0):
            break
        surplus.append(host)
    return surplus


def _pruned(assembly: Assembly, left_out: frozenset[Dpid], limits: Limited) -> Assembly:
    """The assembly with as much of the programs of switches that are left out as these can hold."""
    if not left_out:
        return assembly
    parts = {dpid: limits[dpid].part_of(assembly.program[dpid]) for dpid in left_out}
    return replace(assembly, program={**assembly.program, **parts})


# --- what is told -------------------------------------------------------------------------------------------


def excess(program: SwitchProgram, limits: Limits) -> str:
    """In which respects a program is too large for a switch."""
    counts = rules_by_table(program)
    sizes = [
        (f"rules in table {_name(table)}", counts.get(table, 0), most) for table, most in limits.rules.items()
    ]
    widest = max((len(group.buckets) for group in program.groups.values()), default=0)
    sizes += [
        (what, count, most)
        for what, count, most in (
            ("groups", len(program.groups), limits.groups),
            ("failover groups", failovers(program.groups.values()), limits.failovers),
            ("buckets in a group", widest, limits.buckets),
            ("meters", len(program.meters), limits.meters),
            ("tables", 1 + max(counts, default=0), limits.tables),
        )
        if most is not None
    ]
    said = [f"{what}: {count}, {most} fit" for what, count, most in sizes if count > most]
    refused = [rule for rule in limits.refused if program.rules.get(rule.key) == rule]
    return "; ".join([*said, *([f"{len(refused)} of its rules it refuses"] if refused else [])])


def _name(table: int) -> str:
    return Table(table).name.lower() if table in Table._value2member_map_ else str(table)


def _findings(topology: Topology, given_up: Restrictions, why: Mapping[Dpid, str]) -> tuple[Finding, ...]:
    advice = "give it more room, or a smaller part in the fabric"
    found = []
    for dpid in sorted(given_up.stubs - given_up.left_out):
        evidence = f"no path leads through it ({why[dpid]})"
        found.append(Finding(Severity.WARNING, "switch-not-for-transit", dpid_text(dpid), evidence, advice))
    for dpid in sorted(given_up.left_out):
        evidence = f"no path leads to it or through it ({why[dpid]})"
        found.append(Finding(Severity.ERROR, "switch-left-out", dpid_text(dpid), evidence, advice))
    for mac in sorted(given_up.unserved):
        at = topology.host_by_mac[mac].at
        evidence = f"no path leads to this host at {at}: its switch has no room for it ({why[at.dpid]})"
        found.append(Finding(Severity.ERROR, "host-not-served", mac_text(mac), evidence, advice))
    return tuple(found)


def _unpinned(assembly: Assembly) -> Iterator[Finding]:
    """What is said of pins that have no room."""
    for dpid, count in sorted(assembly.unpinned.items()):
        of = len(assembly.pins.switches[dpid].rules)
        evidence = f"{count} of {of} flows that are pinned there go as its routes choose: it has no room"
        advice = "give it more room, or leave its flows to the routes"
        yield Finding(Severity.WARNING, "pins-left-out", dpid_text(dpid), evidence, advice)

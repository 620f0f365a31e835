"""The plan of a policy: what would be different if it were in force.

    the fabric, the policy in force, the policy that is wanted
      -> rules that are added, changed and removed, by switch          (of the tables policy and class)
      -> pairs of hosts that gain or lose something, and what, exactly
      -> the expectations of the wanted policy, each with a packet where it fails
      -> the stages in which switches would be told

A plan says which policy and which fabric it was made for, so that nobody applies it to others.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product

from controller.dataplane.pipeline import Table
from controller.dataplane.render import rule_text
from controller.model.flow import FlowRule, RuleKey
from controller.model.identity import IpAddress
from controller.model.plan import UpdatePlan
from controller.model.program import FabricProgram, SwitchProgram
from controller.model.topology import Host
from controller.planner.plan import plan
from policies.allowed import allowed, without, words
from policies.canonical import write
from policies.compile.rules import Compiled
from policies.expectations import Ground, Judgement, failure_text
from policies.policy import Policy
from treadle.ground import Fabric, Json
from treadle.offline import program_of

_OURS = (Table.POLICY, Table.CLASS)


@dataclass(frozen=True, slots=True)
class SwitchChange:
    """The rules of one switch that differ; `changed` are those that stay where they are and do otherwise."""

    switch: str
    added: tuple[FlowRule, ...]
    changed: tuple[FlowRule, ...]
    removed: tuple[FlowRule, ...]


@dataclass(frozen=True, slots=True)
class PairChange:
    """What one host may newly send to another, and what no longer, in words; empty for nothing."""

    source: str
    destination: str
    gains: str
    loses: str


@dataclass(frozen=True)
class PolicyPlan:
    """See the module."""

    fabric: Fabric
    before: Policy
    after: Policy

    @cached_property
    def switches(self) -> tuple[SwitchChange, ...]:
        """The switches whose rules differ, by name."""
        old, new = self._programs
        found = (_change(self.fabric.switches.get(d, str(d)), old.get(d), new[d]) for d in sorted(new))
        return tuple(each for each in found if each.added or each.changed or each.removed)

    @cached_property
    def pairs(self) -> tuple[PairChange, ...]:
        """The pairs of hosts for which something differs, in the order of their ports."""
        return tuple(self._pairs())

    @cached_property
    def judgements(self) -> tuple[Judgement, ...]:
        """What is expected, and whether it holds."""
        text = write(self.after)
        ground = Ground(
            self._after, self.fabric.topology, self.fabric.switches, lambda shown: program_of(shown, text)
        )
        return tuple(ground.judge(self.after.expectations))

    @cached_property
    def stages(self) -> UpdatePlan:
        """The steps in which the switches would be told."""
        old, new = self._programs
        topology = self.fabric.topology
        return plan(old, new, topology.peer, {}, topology.out_links)

    @property
    def is_sound(self) -> bool:
        """Whether all that is expected holds."""
        return all(each.holds for each in self.judgements)

    @cached_property
    def by_document(self) -> Mapping[str, int]:
        """How many rules each document needs, on all switches together."""
        found: dict[str, int] = {}
        for dpid, hosts in self.fabric.topology.hosts_at.items():
            addresses = [address for host in hosts for address in host.addresses]
            links = [link.src.port for link in self.fabric.topology.out_links[dpid]]
            for name, count in self._after.rules(addresses, links).by_document.items():
                found[name] = found.get(name, 0) + count
        return dict(sorted(found.items()))

    @cached_property
    def _after(self) -> Compiled:
        return Compiled(self.after)

    @cached_property
    def _programs(self) -> tuple[FabricProgram, FabricProgram]:
        topology = self.fabric.topology
        return program_of(topology, write(self.before)), program_of(topology, write(self.after))

    def _pairs(self) -> Iterator[PairChange]:
        hosts = sorted(self.fabric.topology.hosts, key=lambda host: host.at)
        for one, other in product(hosts, hosts):
            if one is not other:
                said = [self._difference(*pair) for pair in _address_pairs(one, other)]
                gains, loses = (_together(each) for each in zip(*said, strict=True)) if said else ("", "")
                if gains or loses:
                    name = self.fabric.host_name
                    yield PairChange(name(one), name(other), gains, loses)

    def _difference(self, src: IpAddress, dst: IpAddress) -> tuple[str, str]:
        """What an address may newly send to another, and what no longer."""
        old, new = self._before.between(src, dst), self._after.between(src, dst)
        found = self._known.get((src.version, old, new))
        if found is None:
            was, now = allowed(old), allowed(new)
            found = words(without(now, was), src.version), words(without(was, now), src.version)
            self._known[src.version, old, new] = found
        return found

    @cached_property
    def _before(self) -> Compiled:
        return Compiled(self.before)

    @cached_property
    def _known(self) -> dict[Hashable, tuple[str, str]]:
        return {}

    def as_json(self) -> Json:
        """All of it, as programs read it."""
        return {
            "fabric": self.fabric.digest,
            "base": self.before.version,
            "version": self.after.version,
            "sound": self.is_sound,
            "switches": [_switch_json(each) for each in self.switches],
            "rules_by_document": dict(self.by_document),
            "pairs": [
                {"src": e.source, "dst": e.destination, "gains": e.gains, "loses": e.loses}
                for e in self.pairs
            ],
            "expectations": [judgement_json(each) for each in self.judgements],
            "stages": {"depth": self.stages.depth, "commands": len(self.stages)},
            "policy": write(self.after),
        }


def _address_pairs(one: Host, other: Host) -> Iterator[tuple[IpAddress, IpAddress]]:
    """The addresses between which packets can travel."""
    for src, dst in product(one.addresses, other.addresses):
        if src.version == dst.version and not (src.is_link_local or dst.is_link_local):
            yield src, dst


def _together(said: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(each for each in said if each != "nothing"))


def _change(name: str, old: SwitchProgram | None, new: SwitchProgram) -> SwitchChange:
    was, now = _ours(old), _ours(new)
    return SwitchChange(
        name,
        tuple(rule for key, rule in now.items() if key not in was),
        tuple(rule for key, rule in now.items() if key in was and was[key] != rule),
        tuple(rule for key, rule in was.items() if key not in now),
    )


def _ours(program: SwitchProgram | None) -> dict[RuleKey, FlowRule]:
    if program is None:
        return {}
    return {key: rule for table in _OURS for rule in program.table(table) for key in (rule.key,)}


def _switch_json(change: SwitchChange) -> Json:
    rules = {"added": change.added, "changed": change.changed, "removed": change.removed}
    return {"switch": change.switch, **{how: [rule_text(r) for r in some] for how, some in rules.items()}}


def judgement_json(judgement: Judgement) -> Json:
    """An expectation and what came of it."""
    wanted, failure = judgement.expectation, judgement.failure
    return {
        "document": str(wanted.document),
        "must": wanted.must.value,
        "pairs": len(wanted.sources) * len(wanted.destinations),
        "cases": judgement.cases,
        "of_cases": judgement.of,
        "holds": judgement.holds,
        "counterexample": None if failure is None else failure_text(failure),
    }

"""The policy app: what an operator has set becomes the tables `policy` and `class` of switches with hosts.

    policy, hosts and links of a switch  --policies/compile-->  its rules and meters

A switch whose hosts and links are as before keeps the very same rules. A policy that does not compile changes
nothing: the one before stays, and a finding says why.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.contract import Decision, FabricView, Report, Rules
from controller.model.errors import ModelError
from controller.model.finding import Finding, Severity
from controller.model.flow import Owner
from controller.model.identity import Dpid, IpAddress, PortNo
from controller.model.topology import Topology
from policies.canonical import read
from policies.compile.rules import Compiled, SwitchRules
from policies.policy import EMPTY

_MEND = "apply one that the switches can hold; the one before is still in force"
Ground = tuple[tuple[IpAddress, ...], tuple[PortNo, ...]]
"""What the rules of a switch depend on: the addresses of its hosts, and its ports with links."""


@dataclass(frozen=True)
class Memory:
    """The policy as it was given, what was made of it on which snapshot, and what was said."""

    text: str = ""
    compiled: Compiled = field(default_factory=lambda: Compiled(EMPTY))
    topology: Topology = field(default_factory=Topology)
    grounds: Mapping[Dpid, Ground] = field(default_factory=dict)
    rules: Mapping[Dpid, SwitchRules] = field(default_factory=dict)
    said: tuple[Rules, Rules] = (Rules(Owner.POLICY, {}), Rules(Owner.CLASS, {}))
    wrong: tuple[Finding, ...] = ()


class Policing:
    """The app that owns the tables `policy` and `class`."""

    name = "policy"

    def decide(self, view: FabricView, memory: Memory | None) -> tuple[Memory, tuple[Decision, ...]]:
        """The rules of both tables, and a finding where a policy cannot be had."""
        memory = memory or Memory()
        if memory.text != view.policy:
            memory = _with_policy(memory, view)
        elif memory.topology is not view.topology:
            memory = _on(memory, view.topology)
        return memory, (*memory.said, Report(memory.wrong))

    def due_s(self, memory: Memory | None) -> float | None:
        """The tables follow from the policy and the snapshot: time alone changes nothing."""
        return None


def _with_policy(memory: Memory, view: FabricView) -> Memory:
    """Another policy, or the old one with a finding."""
    try:
        compiled = Compiled(read(view.policy) if view.policy else EMPTY)
        anew = Memory(view.policy, compiled, said=memory.said)
        return _on(anew, view.topology)
    except ModelError as error:
        wrong = Finding(Severity.ERROR, "policy-refused", "policy", str(error), _MEND)
        return replace(memory, text=view.policy, wrong=(wrong,))


def _on(memory: Memory, topology: Topology) -> Memory:
    """The same policy on another snapshot."""
    grounds = dict(_grounds(topology))
    rules = {
        dpid: memory.rules[dpid]
        if memory.grounds.get(dpid) == ground and dpid in memory.rules
        else memory.compiled.rules(*ground)
        for dpid, ground in grounds.items()
    }
    said = _said(memory.said, rules)
    return replace(memory, topology=topology, grounds=grounds, rules=rules, said=said)


def _grounds(topology: Topology) -> Iterable[tuple[Dpid, Ground]]:
    for dpid, hosts in topology.hosts_at.items():
        addresses = tuple(sorted((a for host in hosts for a in host.addresses), key=_order))
        yield dpid, (addresses, tuple(sorted(link.src.port for link in topology.out_links[dpid])))


def _order(address: IpAddress) -> tuple[int, int]:
    return address.version, int(address)


def _said(before: tuple[Rules, Rules], rules: Mapping[Dpid, SwitchRules]) -> tuple[Rules, Rules]:
    """Both decisions; each the very same object where nothing differs."""
    judging, serving = before
    policy = {dpid: each.policy for dpid, each in sorted(rules.items()) if each.policy}
    service = {dpid: each.service for dpid, each in sorted(rules.items()) if each.service}
    meters = {dpid: each.meters for dpid, each in sorted(rules.items()) if each.meters}
    if policy != judging.rules or meters != judging.meters:
        judging = Rules(Owner.POLICY, policy, meters)
    if service != serving.rules:
        serving = Rules(Owner.CLASS, service)
    return judging, serving

"""Verification: what switches are to be asked for is proven, over all packets, before a byte of it leaves.

    proposal (fabric, what is installed, what is wanted) -> network -> violations that are new -> findings

A violation is an objection only where what is installed does better: a plan that mends one of two things is
not to wait for the other. But a policy that is new has to keep all of its promises. What was found out about
the last proposal is kept, and only what differs in the next one is looked at.

Beyond `verified_switches` a proof takes longer than a turn should; there nothing is proven, and a finding
says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain

from controller.contract import Proposal
from controller.dataplane.render import packet_text
from controller.dataplane.trace import Trace, trace
from controller.model.errors import ModelError
from controller.model.finding import Finding, Severity
from controller.model.identity import Mac, PortRef, dpid_text
from controller.verification.network import Ground, Network, ground_of
from controller.verification.packets import NONE, Headers
from controller.verification.terms import terms_of
from controller.verification.values import Exhausted
from controller.verification.violations import (
    Demands,
    Promise,
    Violation,
    Wrong,
    demanded_terms,
    witness,
)
from policies import over_packets
from policies.canonical import read
from policies.policy import EMPTY, Must, Policy

_MEND = "nothing was sent; treadle trace shows what switches do now, and the journal what was wanted"
_MOST_KNOWN = 500_000
_MOST_TOLD = 3


@dataclass(frozen=True)
class Memory:
    """The last proposal, as far as it was understood."""

    text: str = ""
    policy: Policy = EMPTY
    network: Network | None = None
    demands: Demands | None = None


class Verification:
    """The inspector of proposals."""

    name = "verification"

    def inspect(self, memory: Memory | None, proposal: Proposal) -> tuple[Memory, tuple[Finding, ...]]:
        """Objections to what is proposed; none where it does no harm that is not done already."""
        memory, view = memory or Memory(), proposal.view
        most = view.settings.verified_switches
        if len(proposal.wanted) > most:
            return Memory(), _too_large(len(proposal.wanted), most) if most else ()
        is_new = memory.text != view.policy
        try:
            memory = _followed(memory, proposal)
            found = _new(memory, proposal, is_new)
        except Exhausted:
            memory = _afresh(proposal)
            found = _new(memory, proposal, is_new)
        return memory, tuple(_told(found, memory, view.topology.peer))


def _counts(violation: Violation, proposal: Proposal) -> bool:
    """Of a fabric whose switches cannot hold all of it, packets that nobody forwards are no surprise."""
    return proposal.whole or violation.wrong in (Wrong.LOOP, Wrong.ISOLATION)


def _followed(memory: Memory, proposal: Proposal) -> Memory:
    """The network of what is proposed, and what is asked of it, from those of the last proposal. Raises
    `Exhausted`.
    """
    view, network, demands = proposal.view, memory.network, memory.demands
    if network is None or demands is None or network.headers.known >= _MOST_KNOWN:
        return _afresh(proposal)
    ground, denied = _as_before(ground_of(view.topology), network.ground), demands.denied
    network, _ = network.succeeded(proposal.wanted, ground)
    policy = memory.policy
    if memory.text != view.policy:
        policy = _policy(view.policy)
        denied = over_packets.denied(network.headers, policy)
    if demands.hosts is not ground.hosts:
        promises = _promises(network.headers, policy, ground)
        demands = Demands(network.headers, ground.hosts, denied, (view.settings.gateway.mac,), promises)
    elif memory.text != view.policy:
        demands = demands.denying(denied, _promises(network.headers, policy, ground))
    return Memory(view.policy, policy, network, demands)


def _as_before(ground: Ground, before: Ground) -> Ground:
    """The ground, of which what is equal is the same object as before."""
    return Ground(
        before.peer if before.peer == ground.peer else ground.peer,
        before.hosts if before.hosts == ground.hosts else ground.hosts,
        before.dead if before.dead == ground.dead else ground.dead,
    )


def _afresh(proposal: Proposal) -> Memory:
    """The same from nothing."""
    view, ground = proposal.view, ground_of(proposal.view.topology)
    policy, gateways = _policy(view.policy), (view.settings.gateway.mac,)
    headers = _headers(proposal, ground, policy, gateways)
    network = Network(headers, proposal.wanted, ground)
    denied, promises = over_packets.denied(headers, policy), _promises(headers, policy, ground)
    return Memory(view.policy, policy, network, Demands(headers, ground.hosts, denied, gateways, promises))


def _promises(headers: Headers, policy: Policy, ground: Ground) -> list[Promise]:
    """What is expected, at the ports of who sends."""
    lives = {
        address: host.at for host in chain.from_iterable(ground.hosts.values()) for address in host.addresses
    }
    return [
        Promise(str(wanted.document), lives[source], packets, wanted.must is Must.REACH)
        for wanted, source, packets in over_packets.promised(headers, policy)
        if source in lives
    ]


def _headers(proposal: Proposal, ground: Ground, policy: Policy, gateways: Iterable[Mac]) -> Headers:
    hosts = list(chain.from_iterable(ground.hosts.values()))
    programs = (proposal.wanted, proposal.installed)
    return Headers(
        chain(
            *(terms_of(program) for program in programs),
            demanded_terms(hosts, gateways),
            over_packets.terms(policy),
        )
    )


def _policy(text: str) -> Policy:
    try:
        return read(text) if text else EMPTY
    except ModelError:
        return EMPTY  # the app that compiles it says what is wrong with it


def _new(memory: Memory, proposal: Proposal, policy_is_new: bool) -> list[Violation]:
    """Violations by packets with which nothing is wrong as things are installed. Raises `Exhausted`."""
    network, demands = memory.network, memory.demands
    assert network is not None
    assert demands is not None
    found = [each for each in demands.violations(network) if _counts(each, proposal)]
    if not found:
        return found
    installed, _ = network.succeeded(proposal.installed, network.ground)
    known = {
        (each.wrong, each.at, each.name): each.packets
        for each in demands.violations(installed)
        if not (policy_is_new and each.wrong is Wrong.ISOLATION)
    }
    left: list[Violation] = []
    for each in found:
        packets = network.headers.minus(each.packets, known.get((each.wrong, each.at, each.name), NONE))
        if packets is not NONE:
            left.append(replace(each, packets=packets))
    return left


def _told(found: list[Violation], memory: Memory, peer: Mapping[PortRef, PortRef]) -> Iterator[Finding]:
    for each in found[:_MOST_TOLD]:
        assert memory.network is not None
        seen = witness(memory.network.headers, each.packets)
        followed = trace(memory.network.program, peer, seen, each.at, dead=memory.network.ground.dead)
        at = f"{dpid_text(each.at.dpid)}:{each.at.port}"
        name = f" ({each.name})" if each.name else ""
        evidence = f"{each.wrong.value}{name}: {packet_text(seen)} from {at}: {_way(followed)}"
        if len(found) > _MOST_TOLD:
            evidence += f" (one of {len(found)} such ports)"
        yield Finding(Severity.ERROR, "plan-refused", at, evidence, _MEND)


def _way(followed: Trace) -> str:
    """One way of a packet, as a line: the first that ends badly, if there is one."""
    path = next(followed.paths)
    hops = " -> ".join(f"{dpid_text(hop.at.dpid)}:{hop.at.port}" for hop, _ in path)
    ends = ", ".join(sorted(each.value for each in followed.dispositions))
    return f"{hops}: {ends}"


def _too_large(switches: int, most: int) -> tuple[Finding, ...]:
    evidence = f"plans are not verified: {switches} switches, and verified_switches is {most}"
    return (Finding(Severity.INFO, "not-verified", "fabric", evidence),)

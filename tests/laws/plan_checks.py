"""What law 5 says, as a check: walk through a plan one command at a time, and look at packets after each.

Within a stage nobody knows which switch is faster, so a random one takes its next command each time; every
state on the way is looked at, not only those after stages.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from random import Random

from controller.dataplane.trace import Disposition, Trace, trace
from controller.model.identity import Dpid, PortNo, PortRef
from controller.model.packet import Packet
from controller.model.plan import UpdatePlan
from controller.model.program import EMPTY_PROGRAM, FabricProgram
from controller.planner.apply import apply_commands, apply_plan
from controller.planner.plan import plan

ENTRY_PORT = PortNo(99)
"""A port of each switch by which packets enter, and to which nothing else is plugged in."""

Probe = tuple[PortRef, Packet]


def probes_of(dpids: Sequence[Dpid], packets: Sequence[Packet]) -> list[Probe]:
    """Each packet, entering at each switch."""
    return [(PortRef(dpid, ENTRY_PORT), packet) for dpid in dpids for packet in packets]


def states(
    installed: FabricProgram, update: UpdatePlan, random: Random
) -> Iterator[tuple[Dpid, FabricProgram]]:
    """The switch that took a command, and what the fabric holds then, in one of the orders that the plan
    allows.
    """
    program = dict(installed)
    for stage in update.stages:
        queues = {dpid: list(commands) for dpid, commands in stage.commands.items()}
        while queues:
            dpid = random.choice(sorted(queues))
            program[dpid] = apply_commands(program.get(dpid, EMPTY_PROGRAM), [queues[dpid].pop(0)])
            if not queues[dpid]:
                del queues[dpid]
            yield dpid, dict(program)


def assert_plan_is_safe(
    installed: FabricProgram,
    wanted: FabricProgram,
    peer: Mapping[PortRef, PortRef],
    probes: Sequence[Probe],
    random: Random,
    dead: frozenset[PortRef] = frozenset(),
) -> UpdatePlan:
    """Law 5 for these programs and packets, for one random order within each stage."""

    def fate(program: FabricProgram, probe: Probe) -> Trace:
        return trace(program, peer, probe[1], probe[0], dead=dead)

    update = plan(installed, wanted, peer)
    after = apply_plan(installed, update)
    assert {dpid: after[dpid] for dpid in wanted} == dict(wanted)
    assert not plan(after, wanted, peer), "planning twice gives nothing the second time"
    looped = {probe for probe in probes if _loops(fate(installed, probe)) or _loops(fate(wanted, probe))}
    assert not looped, "the programs themselves have no circles"
    kept = {
        probe
        for probe in probes
        if fate(installed, probe).always_delivered and fate(wanted, probe).always_delivered
    }
    seen_by = {probe: _switches(fate(installed, probe)) for probe in probes}
    for changed, program in states(installed, update, random):
        for probe in probes:
            if changed not in seen_by[probe]:
                continue  # what it does not meet cannot change its trace
            now = fate(program, probe)
            seen_by[probe] = _switches(now)
            assert not _loops(now), f"{probe} goes in a circle"
            assert probe not in kept or now.always_delivered, f"{probe} is lost: {now.ends}"
    return update


def _switches(found: Trace) -> frozenset[Dpid]:
    return frozenset(hop.at.dpid for hop in found.hops)


def _loops(found: Trace) -> bool:
    return Disposition.LOOP in found.dispositions

"""What placing costs the switches: rules and control messages, beside reactive forwarding of each flow.

The same transfers, simulated as a fluid on a k=4 fat tree of 1 Gbit/s: they come by a Poisson process, with
the sizes of a web search's cluster and of a data-mining one. DevoFlow (Curtis et al., SIGCOMM 2011, section
6) asks two things of such a controller, and so does this:

    rules      entries of a switch's tables, the mean and the most of all switches, sampled each second
    messages   a second, both directions, of all switches together

*Ours*: everything that the apps have installed (admission, routes with their detours, pins), as compiled for
the switches. Messages: each rule or group that comes, changes or goes, and a barrier with its answer for each
switch that is touched; questions for port counters and answers; sFlow datagrams. Discovery, which every
controller does, is left out on both sides.

*Reactive*: what OpenFlow was first used for (Ethane, NOX). The first packet of a flow goes to the controller,
which puts an exact rule into each switch of its path and sends the packet on; when it has been idle for
`IDLE_S`, the switch tells that the rule is gone. One direction only, so that acknowledgements are given away.

Writes `out/bench/footprint.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console
from rich.table import Table

from apps.admission.app import Admission
from apps.congestion.app import Congestion
from apps.congestion.app import Memory as Seen
from apps.routing.app import Routing
from apps.sampling.app import sampled
from controller.compiler.assemble import Assembly, assemble
from controller.contract import Decision, FabricSettings, FabricView, Pins, Routes
from controller.model.blueprint import fat_tree
from controller.model.demand import Flow
from controller.model.identity import Dpid
from controller.model.program import SwitchProgram
from controller.model.topology import Topology
from controller.placement.ecmp import hashed_path
from controller.placement.network import Network, network
from simulator.flows.arrivals import bearable_bps, poisson
from simulator.flows.control import Control
from simulator.flows.fabric import as_planned
from simulator.flows.results import Outcome
from simulator.flows.simulation import Request, simulate
from simulator.flows.sizes import SIZES

BLUEPRINT, RATE_BPS = fat_tree(4), 1_000_000_000
IDLE_S = 10.0
"""When the rule of a flow that says nothing more goes: as reactive controllers commonly set it."""

COUNTERS_S = 5.0
SAMPLES_IN_A_DATAGRAM = 9
"""An sFlow datagram of Open vSwitch holds so many samples of 64 bytes of header."""

_FRAME_BITS = 8 * 1500
Json = dict[str, Any]


@dataclass
class Witness:
    """The congestion app, with all that it has said and when."""

    said: list[tuple[float, Pins]] = field(default_factory=list)
    name: str = "congestion"
    _app: Congestion = field(default_factory=Congestion)

    def decide(self, view: FabricView, memory: Seen | None) -> tuple[Seen, tuple[Pins]]:
        """What the app decides."""
        after, (pins,) = self._app.decide(view, memory)
        if not self.said or self.said[-1][1] is not pins:
            self.said.append((view.now_s, pins))
        return after, (pins,)

    def due_s(self, memory: Seen | None) -> float | None:
        """When the app has something to say."""
        return self._app.due_s(memory)


@dataclass(frozen=True, slots=True)
class Footprint:
    """Entries by switch at each full second, and messages in all."""

    rules: list[list[int]]
    messages: float
    seconds: float

    def as_json(self) -> Json:
        """The figures of the whole fabric."""
        everything = [count for each in self.rules for count in each]
        return {
            "rules_mean": round(mean(everything), 1),
            "rules_most": max(everything),
            "messages_per_s": round(self.messages / self.seconds, 1),
        }


def measure(sizes: str, load: float, flows: int, seed: int, age_s: float) -> Json:
    """One workload: ours beside reactive."""
    fabric, witness = as_planned(BLUEPRINT, capacity_bps=RATE_BPS), Witness()
    offered_bps = load * bearable_bps(fabric)
    coming = poisson(BLUEPRINT, SIZES[sizes], count=flows, offered_bps=offered_bps, seed=seed)
    settings = FabricSettings(elephant_age_s=age_s)
    control = Control((Routing(), witness), 0.1, 0.02, None, BLUEPRINT, settings)
    outcome = simulate(Request(fabric, coming, control, seed=seed))
    ours = _ours(fabric, witness, outcome).as_json()
    beside = _reactive(fabric, outcome).as_json()
    ratios = {
        key: round(beside[key] / ours[key], 2) for key in ("rules_mean", "rules_most", "messages_per_s")
    }
    about = {
        "sizes": sizes,
        "load": load,
        "age_s": age_s,
        "flows": flows,
        "seconds": round(outcome.until_s, 1),
    }
    return {
        **about,
        "flows_per_s": round(flows / outcome.until_s, 1),
        "ours": ours,
        "reactive": beside,
        "ratio": ratios,
    }


# --- ours ---------------------------------------------------------------------------------------------------


def _ours(fabric: Topology, witness: Witness, outcome: Outcome) -> Footprint:
    standing, at_s = _standing(fabric), 0
    built = assemble([*standing, Pins()], fabric, FabricSettings())
    counts, messages = list[list[int]](), 0.0
    for when_s, pins in witness.said:
        while at_s <= when_s:
            counts.append([len(program.rules) for program in built.program.values()])
            at_s += 1
        after = assemble([*standing, pins], fabric, FabricSettings(), before=built)
        messages += sum(_changes(built, after))
        built = after
    counts.append([len(program.rules) for program in built.program.values()])
    seconds = outcome.until_s
    messages += 2 * len(fabric.switches) * seconds / COUNTERS_S
    return Footprint(counts, messages + _datagrams(fabric, outcome), seconds)


def _standing(fabric: Topology) -> list[Decision]:
    """What the apps say of this fabric at rest, other than pins."""
    said: list[Decision] = []
    for app in (Admission(), Routing()):
        memory: Any = None
        decisions: tuple[Decision, ...] = ()
        for turn in range(1000):
            view = FabricView(0.001 * turn, fabric, BLUEPRINT, FabricSettings())
            memory, decisions = app.decide(view, memory)
            wish_s = app.due_s(memory)
            if wish_s is None or wish_s > view.now_s:
                break
        said += [each for each in decisions if not isinstance(each, Pins)]
    assert any(isinstance(each, Routes) for each in said)
    return said


def _changes(before: Assembly, after: Assembly) -> Iterator[int]:
    """The messages of each switch between two programs: what changes, and a barrier with its answer."""
    for dpid, program in after.program.items():
        was = before.program[dpid]
        if program is not was and (differ := _differing(was, program)):
            yield differ + 2


def _differing(was: SwitchProgram, now: SwitchProgram) -> int:
    return _unlike(was.rules, now.rules) + _unlike(was.groups, now.groups)


def _unlike(was: Mapping[Any, object], now: Mapping[Any, object]) -> int:
    gone = len(was.keys() - now.keys())
    return gone + sum(was.get(key) != value for key, value in now.items())


def _datagrams(fabric: Topology, outcome: Outcome) -> float:
    """What switches send of samples. A transfer goes as the hash has it."""
    shown, asked, samples = network(fabric), sampled(fabric, {}), 0.0
    for each, carried in zip(outcome.transfers, outcome.carried_bits.tolist(), strict=True):
        passed = _passed(shown, each.flow)
        samples += sum(carried / _FRAME_BITS / asked[dpid] for dpid in passed)
    return samples / SAMPLES_IN_A_DATAGRAM


# --- reactive -----------------------------------------------------------------------------------------------


def _reactive(fabric: Topology, outcome: Outcome) -> Footprint:
    """Rules stand from a flow's begin to `IDLE_S` after its end, on each switch of a path that ECMP draws."""
    shown = network(fabric)
    ends_s = [end if end == end else outcome.until_s for end in outcome.end_s.tolist()]
    switches = sorted(switch.dpid for switch in fabric.switches)
    place = {dpid: number for number, dpid in enumerate(switches)}
    seconds = int(outcome.until_s) + 1
    deltas, messages = [[0] * len(switches) for _ in range(seconds + 1)], 0.0
    for each, end_s in zip(outcome.transfers, ends_s, strict=True):
        passed = _passed(shown, each.flow)
        messages += 2 + 2 * len(passed)  # asked, sent on; a rule, and its end, at each switch
        first, last = int(each.begin_s) + 1, int(end_s + IDLE_S) + 1
        for dpid in passed:
            if first <= seconds:
                deltas[first][place[dpid]] += 1
            if last <= seconds:
                deltas[last][place[dpid]] -= 1
    counts, now = list[list[int]](), [0] * len(switches)
    for delta in deltas:
        now = [count + change for count, change in zip(now, delta, strict=True)]
        counts.append(now)
    return Footprint(counts, messages, outcome.until_s)


def _passed(shown: Network, flow: Flow) -> list[Dpid]:
    """The switches of the path that the hash draws."""
    path = hashed_path(shown, flow)
    return [flow.dst.dpid] if path is None else [*(end.dpid for end in path), flow.dst.dpid]


def main() -> None:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), choices=list(SIZES))
    parser.add_argument("--loads", nargs="+", type=float, default=[0.3, 0.6])
    parser.add_argument("--flows", type=int, default=10_000, help="transfers in each run")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--ages", nargs="+", type=float, default=[0.0, 0.25], help="when a large flow is pinned, seconds"
    )
    parser.add_argument("--json", default="out/bench/footprint.json", metavar="FILE")
    args = parser.parse_args()
    runs = [
        measure(sizes, load, args.flows, args.seed, age_s)
        for sizes in args.sizes
        for load in args.loads
        for age_s in args.ages
    ]
    path = Path(args.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"fabric": BLUEPRINT.name, "rate_bps": RATE_BPS, "runs": runs}, indent=2) + "\n"
    )
    Console().print(_table(runs))


def _table(runs: list[Json]) -> Table:
    table = Table(title="ours beside reactive forwarding of each flow", box=None, pad_edge=False)
    for column in (
        "sizes",
        "load",
        "age, s",
        "flows/s",
        "rules, mean",
        "rules, most",
        "messages/s",
        "fewer by",
    ):
        table.add_column(column, justify="right")
    for run in runs:
        pairs = [
            f"{run['ours'][key]:g} : {run['reactive'][key]:g}"
            for key in ("rules_mean", "rules_most", "messages_per_s")
        ]
        fewer = f"{run['ratio']['rules_mean']:g}, {run['ratio']['messages_per_s']:g}"
        table.add_row(
            run["sizes"], f"{run['load']:g}", f"{run['age_s']:g}", f"{run['flows_per_s']:g}", *pairs, fewer
        )
    return table


if __name__ == "__main__":
    main()

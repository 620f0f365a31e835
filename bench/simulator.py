"""How near the flow-level simulator comes to an emulated fabric: the same matrices on both, flow by flow.

    emulated   TCP on a k=4 fat tree of real Open vSwitch, under ECMP and under our placement; while flows are
               under way the controller says by which path each goes, as sFlow has seen it
    given      the same flows on the same paths, simulated: what the fluid model gets wrong
    blind      our scheduler alone in the simulator, which knows nothing of the emulation

An error is the difference of two rates of a flow, as a share of a link's capacity; rates of the emulation are
of payload, so those of the simulation are taken without headers. Matrices are those in which no two flows
have the same ends, as the controller tells paths by the ends. A matrix of which a path stayed unknown is left
out, and counted.

Writes `out/bench/simulator.json` and a picture. Run it as root: `python -m bench.simulator`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from bench.congestion import Asked, asked
from bench.picture import picture, where_possible
from controller.contract import Decision, FabricView, Pins
from controller.graph.fair_shares import Rates
from controller.model.blueprint import Blueprint, fat_tree
from controller.model.demand import FlowKey
from controller.model.demand import Path as FlowPath
from controller.model.errors import OperatorError
from controller.model.identity import PortNo, PortRef
from controller.northbound.client import ask
from mininet_scenarios.controller import treadle
from mininet_scenarios.fidelity import LEAST_IDLE
from mininet_scenarios.lab import Lab
from mininet_scenarios.matrix import play_matrix
from mininet_scenarios.traffic_command import settings_for
from mininet_scenarios.wiring import JUMBO_MTU
from simulator.flows.control import Control
from simulator.flows.fabric import as_planned
from simulator.flows.simulation import Request, simulate
from simulator.flows.transfer import transfers
from treadle.schedulers import control_by

K = 4
PATTERNS = (
    "stride(1)",
    "stride(4)",
    "stride(8)",
    "staggered(.2,.3)",
    "staggered(.5,.3)",
    "random",
    "randbij",
)
SCHEDULERS = ("ecmp", "ours")
_HEADERS, _ETHERNET = 20 + 32, 14
PAYLOAD = (JUMBO_MTU - _HEADERS) / (JUMBO_MTU + _ETHERNET)
"""The part of a full frame that is payload: IPv4, TCP with time stamps, Ethernet."""

_REACH_S, _CALM_S, _LOOK_S = 90.0, 5.0, 1.0
console = Console(stderr=True)
Json = dict[str, Any]


@dataclass(frozen=True)
class Given:
    """An app that says what it was told."""

    pins: Pins
    name: str = "given"

    def decide(self, view: FabricView, memory: None) -> tuple[None, tuple[Decision, ...]]:
        """The paths, always the same."""
        return None, (self.pins,)

    def due_s(self, memory: None) -> float | None:
        """It never has anything new to say."""
        return None


@dataclass(frozen=True, slots=True)
class Emulated:
    """What flows got on Open vSwitch, bit/s of payload, and their paths, None where one stayed unknown."""

    rates_bps: Rates
    paths: tuple[FlowPath | None, ...]
    idle_share: float


def emulated(
    blueprint: Blueprint, scheduler: str, wanted: Sequence[Asked], args: argparse.Namespace
) -> list[Emulated]:
    """All matrices on one running fabric."""
    found: list[Emulated] = []
    command = treadle(settings_for("ours") | {"scheduler": scheduler})
    with Lab(blueprint, command, mtu=JUMBO_MTU, daemons="each") as lab:
        if not lab.ping_all(timeout_s=_REACH_S).complete:
            raise OperatorError(f"{blueprint.name} under {scheduler} did not come up")
        for number, each in enumerate(wanted, 1):
            console.print(f"{blueprint.name} {scheduler}: {each.name} ({number} of {len(wanted)})")
            looking = _Looking(lab, each, args.settle)
            played = play_matrix(
                lab, each.matrix, seconds=args.seconds, settle_s=args.settle, progress=looking.at
            )
            found.append(Emulated(np.array(played.rates_bps), tuple(looking.paths), played.idle_share))
            time.sleep(_CALM_S)  # pins expire, queues drain
    return found


class _Looking:
    """Asks for the path of each flow, once a second; the last answer counts. A slow flow is seen seldom."""

    def __init__(self, lab: Lab, wanted: Asked, from_s: float) -> None:
        self._lab, self._wanted, self._due_s = lab, wanted, from_s
        self.paths: list[FlowPath | None] = [None] * len(wanted.matrix)

    def at(self, passed_s: float) -> None:
        """So many seconds have passed."""
        if passed_s < self._due_s:
            return
        self._due_s, names = passed_s + _LOOK_S, self._lab.hosts
        for number, (src, dst) in enumerate(self._wanted.matrix):
            path = self._path(f"{names[src]}-{names[dst]}")
            self.paths[number] = self.paths[number] if path is None else path

    def _path(self, flow: str) -> FlowPath | None:
        try:
            told = ask(self._lab.controller.socket_path, {"do": "why", "flow": flow})["flows"]
        except OperatorError:
            return None
        largest = max((each["measured"] for each in told if each["measured"]), key=_rate, default=None)
        known = largest and largest["path"]
        return _read(known, self._lab.blueprint) if known is not None else None


def _rate(measured: Json) -> int:
    """Acknowledgements of a flow the other way are a flow between the same ends, and a small one."""
    rate_bps: int = measured["bps"]
    return rate_bps


def _read(ports: Sequence[str], blueprint: Blueprint) -> FlowPath:
    """A path from names of ports, as in `s1:3`."""
    dpid_of = {plan.name: plan.dpid for plan in blueprint.switches}
    split = (port.rpartition(":") for port in ports)
    return tuple(PortRef(dpid_of[switch], PortNo(int(number))) for switch, _, number in split)


def given(blueprint: Blueprint, each: Asked, paths: Sequence[FlowPath | None]) -> Rates | None:
    """The rates of a matrix on these paths, by the simulator; None where one is unknown."""
    flows = transfers(blueprint, each.matrix)
    known: Mapping[FlowKey, FlowPath] = {
        transfer.flow.key: path for transfer, path in zip(flows, paths, strict=True) if path is not None
    }
    if len(known) < len(flows):
        return None
    return _simulated(blueprint, each, Control((Given(Pins(known)),)))


def blind(blueprint: Blueprint, each: Asked) -> Rates:
    """The rates of a matrix under our scheduler in the simulator."""
    return _simulated(blueprint, each, control_by("ours", interval_s=0.1, delay_s=0.02, blueprint=blueprint))


def _simulated(blueprint: Blueprint, each: Asked, control: Control | None) -> Rates:
    flows = transfers(blueprint, each.matrix)
    request = Request(as_planned(blueprint), flows, control, until_s=30.0, counted_from_s=10.0)
    return simulate(request).rate_bps * PAYLOAD


def report(runs: Sequence[Json], args: argparse.Namespace) -> Json:
    """The figures of all runs; errors as shares of a link's capacity."""
    document: Json = {"fabric": f"fat_tree({K})", "link_bps": args.mbit * 10**6, "seconds": args.seconds}
    for model in ("given", "blind"):
        errors = [error for run in runs for error in run.get(f"{model}_errors", ())]
        shares = [run[f"{model}_fraction_error"] for run in runs if f"{model}_fraction_error" in run]
        document[model] = {
            "flows": len(errors),
            "mean_abs_error": round(statistics.mean(errors), 4) if errors else None,
            "median_abs_error": round(statistics.median(errors), 4) if errors else None,
            "max_abs_error": round(max(errors), 4) if errors else None,
            "mean_error_of_total": round(statistics.mean(shares), 4) if shares else None,
        }
    document["mean_abs_error"] = document["given"]["mean_abs_error"]
    document["left_out"] = sum("given_errors" not in run for run in runs)
    return document | {"runs": list(runs)}


def compared(
    each: Asked, scheduler: str, lab: Emulated, models: Mapping[str, Rates | None], link_bps: int
) -> Json:
    """One matrix under one scheduler, with the errors of each model."""
    run: Json = {
        "pattern": each.pattern,
        "seed": each.seed,
        "scheduler": scheduler,
        "machine_idle": lab.idle_share,
        "valid": lab.idle_share >= LEAST_IDLE,
        "emulated_bps": [round(rate) for rate in lab.rates_bps.tolist()],
    }
    for name, rates in models.items():
        if rates is not None:
            run[f"{name}_bps"] = [round(rate) for rate in rates.tolist()]
            run[f"{name}_errors"] = [round(e, 4) for e in (abs(rates - lab.rates_bps) / link_bps).tolist()]
            run[f"{name}_fraction_error"] = round(
                abs(float(rates.sum() - lab.rates_bps.sum())) / float(lab.rates_bps.sum()), 4
            )
    return run


def plot(runs: Sequence[Json], link_bps: int, path: Path) -> None:
    """Each flow as a point, emulated over simulated."""
    with picture(path, panels=2) as panels:
        for axes, model in zip(panels, ("given", "blind"), strict=True):
            for scheduler in SCHEDULERS:
                mine = [run for run in runs if run["scheduler"] == scheduler and f"{model}_bps" in run]
                x = [rate / link_bps for run in mine for rate in run[f"{model}_bps"]]
                y = [rate / link_bps for run in mine for rate in run["emulated_bps"]]
                if x:
                    axes.plot(x, y, "o", markersize=3, alpha=0.5, label=scheduler)
            axes.plot([0, 1], [0, 1], color="grey", linewidth=0.8)
            axes.set(title=model, xlabel="simulated, share of a link", xlim=(0, 1.05), ylim=(0, 1.05))
            axes.legend(loc="upper left", fontsize="small")
        panels[0].set_ylabel("emulated")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.simulator", description="Is the simulator right?")
    parser.add_argument("--patterns", default=";".join(PATTERNS), help=f"of {';'.join(PATTERNS)}")
    parser.add_argument("--seeds", type=int, default=2, help="of each pattern that has any (default: 2)")
    parser.add_argument("--seconds", type=float, default=15.0, help="each matrix (default: 15)")
    parser.add_argument("--settle", type=float, default=5.0, help="of these don't count (default: 5)")
    parser.add_argument("--mbit", type=int, default=10, help="capacity of links, Mbit/s (default: 10)")
    parser.add_argument("--json", default="out/bench/simulator.json", metavar="FILE")
    args = parser.parse_args()
    patterns = args.patterns.split(";")
    if strange := {*patterns} - {*PATTERNS}:
        parser.error(f"there is no {', '.join(sorted(strange))}")
    link_bps, path = args.mbit * 10**6, Path(args.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    blueprint, wanted, runs = fat_tree(K, capacity_bps=link_bps), asked(patterns, args.seeds), list[Json]()
    for scheduler in SCHEDULERS:
        for each, lab in zip(wanted, emulated(blueprint, scheduler, wanted, args), strict=True):
            models = {"given": given(blueprint, each, lab.paths)}
            if scheduler == "ours":
                models["blind"] = blind(blueprint, each)
            runs.append(compared(each, scheduler, lab, models, link_bps))
        path.write_text(json.dumps(report(runs, args), indent=2) + "\n")
    with where_possible(console):
        plot(runs, link_bps, path.with_suffix(".svg"))
    document = report(runs, args)
    print(json.dumps({key: document[key] for key in ("mean_abs_error", "given", "blind", "left_out")}))


if __name__ == "__main__":
    main()

"""A thousand switches: fat trees of k=16 (320 switches, 1,024 hosts) and k=32 (1,280 and 8,192) on the farm.

The controller is started first, then the farm's switches connect. What is measured:

    phases_s       connect     first connection to last handshake                    wall clock
                   discover    from there until all cables and hosts are known       wall clock
                   compute, compile, plan, encode, fold    the controller's own stopwatch; they overlap with
                               the phases beside them
                   acknowledge last cable or host known to the last barrier answered wall clock
                   prove       all ordered pairs of hosts, from the tables           wall clock
    total_s        first connection to the end of the proof
    link_down_ms   a port dies: to the last rule that a switch receives for it; for cables drawn by seed, each
                   mended before the next dies; how many switches and rules each touched
    first_ms       of the same, the controller's first turn: from the events to the last byte queued of all
                   that has to wait for nothing
    reaction_ms    all its turns together: what waits for answers, and what is forgotten at leisure, too
    storm          all connections break and come back at once: rules that were sent again (should be none)
    sustained      port statistics and LLDP of everything every 5 s: share of a core, and the longest turn

RFC 8456 would call `discover` the network topology discovery time and `link_down_ms` the topology change
detection and re-provisioning time. Writes `out/bench/scale.json`; needs no root and no Open vSwitch.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.running import RunningController
from controller.model.blueprint import Blueprint, Cable, fat_tree
from controller.model.errors import OperatorError
from mininet_scenarios.figures import spread
from simulator.farm.process import FarmProcess
from simulator.proof import Proof, prove

_UP_S, _SETTLE_S, _QUIET_S, _POLL_S = 120.0, 60.0, 0.25, 0.03
_CHEAP_PROOF_S, _CALM_S = 3.0, 15.0
_HUBS = ["os_ken/native", "os_ken/eventlet", "ryu/eventlet"]
_console = Console(stderr=True)


@dataclass
class Bench:
    """One fabric under one controller, and what has been measured of it."""

    blueprint: Blueprint
    controller: RunningController
    farm: FarmProcess
    report: dict[str, Any] = field(default_factory=dict)
    unproven: list[str] = field(default_factory=list)
    proof_s: float = 0.0

    def come_up(self) -> None:
        """From the first connection to the proof of all pairs."""
        known = self.controller.until(self._complete, _UP_S)
        known_s = time.monotonic()
        if known is None or self.controller.until(lambda status: bool(status["idle"]), _UP_S) is None:
            raise OperatorError(f"not up within {_UP_S:.0f} s: {self._progress()}")
        farm = self.farm.status()
        rss_mib = self.controller.rss_mib()
        proof = self.prove("when all is up")
        ended_s = time.monotonic()
        spent_s = self.controller.status()["timings"]["phases_s"]
        began_s, ready_s = farm["first_connected_s"], farm["last_ready_s"]
        self.report |= {
            "fabric": self.blueprint.name,
            "switches": len(self.blueprint.switches),
            "hosts": len(self.blueprint.hosts),
            "rules": farm["rules"],
            "groups": farm["groups"],
            "phases_s": {
                "connect": ready_s - began_s,
                "discover": known_s - ready_s,
                "fold": spent_s["discover"],
                **{name: spent_s[name] for name in ("compute", "compile", "plan", "encode")},
                "acknowledge": max(farm["latest_barrier_s"] - known_s, 0.0),
                "prove": self.proof_s,
            },
            "total_s": ended_s - began_s,
            "pairs_proven": proof.pairs,
            "pairs": proof.expected,
            "rss_mib": rss_mib,
            "cpu_s": {"controller": self.controller.cpu_s(), "farm": self.farm.cpu_s()},
        }

    def _progress(self) -> str:
        """How far it has come."""
        status = self.controller.status()
        return ", ".join(f"{status[name]} {name}" for name in ("switches_connected", "links", "hosts"))

    def _complete(self, status: dict[str, Any]) -> bool:
        wanted = self.blueprint
        return bool(status["links"] == len(wanted.cables) and status["hosts"] == len(wanted.hosts))

    def prove(self, when: str) -> Proof:
        """The verdict on all pairs; one that fails is remembered."""
        began_s = time.monotonic()
        proof = prove(self.farm.snapshot())
        self.proof_s = time.monotonic() - began_s
        if not proof.complete:
            self.unproven.append(f"{when}: {proof.counterexample}")
        return proof

    # --- links ----------------------------------------------------------------------------------------------

    def cut_links(self, count: int) -> None:
        """Cables drawn by seed die and are mended, one after another."""
        drawn = Random(1).sample(self.blueprint.cables, count)
        cuts = [self._cut(cable, last=cable is drawn[-1]) for cable in drawn]
        self.prove("when all is mended")
        self.report |= {
            "link_down_ms": spread([cut["ms"] for cut in cuts]),
            "first_ms": spread([cut["first_ms"] for cut in cuts]),
            "reaction_ms": spread([cut["reaction_ms"] for cut in cuts]),
            "barrier_ms": spread([cut["barrier_ms"] for cut in cuts]),
            "switches_touched": spread([cut["switches"] for cut in cuts]),
            "changes_sent": spread([cut["changes"] for cut in cuts]),
            "links": cuts,
        }

    def _cut(self, cable: Cable, *, last: bool) -> dict[str, Any]:
        name = self.blueprint.switch_by_dpid[cable.a.dpid].name
        port = f"{name}:{cable.a.port}"
        reacted_s = self._latest_reaction_s()
        self.farm.ask("mark")
        at_s = self.farm.happen(port_down=port)
        change = self._settled(at_s)
        if last or self.proof_s < _CHEAP_PROOF_S:
            self.prove(f"with the cable at {port} cut")
        turns = [each for each in self._reactions() if each["t"] > reacted_s]
        self._settled(self.farm.happen(port_up=port))
        return {
            "cable": port,
            "ms": 1e3 * (change["last_s"] - at_s),
            "barrier_ms": 1e3 * (change["last_barrier_s"] - at_s),
            "first_ms": turns[0]["ms"],
            "reaction_ms": sum(each["ms"] for each in turns),
            "turns": len(turns),
            "switches": change["switches"],
            "changes": change["flow_mods"] + change["group_mods"],
        }

    def _settled(self, since_s: float) -> dict[str, Any]:
        """What has changed since the mark, once nothing changes any more."""
        deadline_s = time.monotonic() + _SETTLE_S
        while time.monotonic() < deadline_s:
            time.sleep(_QUIET_S)
            change = self.farm.since()
            latest_s = change["last_barrier_s"] or 0.0
            quiet = since_s < latest_s < change["now_s"] - _QUIET_S
            if quiet and self.controller.status()["idle"]:
                return change
        raise OperatorError(f"the fabric does not settle: {self.controller.status()}")

    def _reactions(self) -> list[dict[str, Any]]:
        reactions: list[dict[str, Any]] = self.controller.status()["timings"]["reactions"]
        return reactions

    def _latest_reaction_s(self) -> float:
        return max((float(each["t"]) for each in self._reactions()), default=0.0)

    # --- storms and every day -------------------------------------------------------------------------------

    def storm(self) -> None:
        """All connections break and come back at once."""
        everyone = len(self.blueprint.switches)
        self.farm.ask("mark")
        at_s = self.farm.happen(reconnect="all")
        back = self.farm.until(lambda status: (status["last_ready_s"] or 0.0) > at_s, _SETTLE_S)
        calm = self.controller.until(
            lambda status: bool(status["idle"]) and status["switches_connected"] == everyone, _SETTLE_S
        )
        if back is None or calm is None:
            raise OperatorError(f"the switches do not come back: {self.controller.status()}")
        time.sleep(2.0)
        change = self.farm.since()
        self.report["storm"] = {
            "seconds": back["last_ready_s"] - at_s,
            "rules_sent": change["flow_mods"],
            "groups_sent": change["group_mods"],
            "sent_though_there": change["repeated"],
        }

    def sustain(self, seconds: float) -> None:
        """Nothing happens but what always happens, once the storm is forgotten."""
        time.sleep(_CALM_S)
        before = self.controller.status()["timings"]["turns"]
        began_s, controller_s, farm_s = time.monotonic(), self.controller.cpu_s(), self.farm.cpu_s()
        time.sleep(seconds)
        passed_s = time.monotonic() - began_s
        spent_s, farm_spent_s = self.controller.cpu_s() - controller_s, self.farm.cpu_s() - farm_s
        turns = self.controller.status()["timings"]["turns"]
        self.report["sustained"] = {
            "seconds": passed_s,
            "controller_share": spent_s / passed_s,
            "farm_share": farm_spent_s / passed_s,
            "loop_busy_share": (turns["busy_s"] - before["busy_s"]) / passed_s,
            "turns": turns["count"] - before["count"],
            "turn_ms": {"p99": turns["p99_ms"], "max": turns["max_ms"]},
        }


def run(k: int, framework: str, hub: str, args: argparse.Namespace) -> dict[str, Any]:
    """The whole bench on one fat tree, with one framework on one hub."""
    blueprint = fat_tree(k)
    settings = {
        "blueprint": blueprint.name,
        "framework": framework,
        "hub": hub,
        "lldp_interval_s": 5,
        "counters_interval_s": 5,
    }
    with tempfile.TemporaryDirectory(prefix="treadle-scale-") as place:
        directory = Path(place)
        with (
            RunningController(settings, directory) as controller,
            FarmProcess(blueprint.name, controller.port, directory) as farm,
        ):
            bench = Bench(blueprint, controller, farm, {"k": k, "framework": framework, "hub": hub})
            steps = (
                ("coming up", bench.come_up),
                ("cutting cables", lambda: bench.cut_links(args.links)),
                ("reconnecting all", bench.storm),
                ("sustaining", lambda: bench.sustain(args.sustain)),
            )
            try:
                for words, step in steps:
                    with _console.status(f"k={k}, {framework} on {hub}: {words}"):
                        step()
            except OperatorError as error:
                return {"k": k, "framework": framework, "hub": hub, "failed": str(error)}
            bench.report |= {"unproven": bench.unproven, "rss_mib": controller.rss_mib()}
            return bench.report


def _table(reports: list[dict[str, Any]]) -> Table:
    table = Table(title="scale")
    for name in ("", "up", "pairs proven", "memory", "link down, ms", "it touched", "storm", "idle core"):
        table.add_column(name)
    for report in reports:
        name = f"k={report['k']}, {report['framework']} on {report['hub']}"
        if "failed" in report:
            table.add_row(name, "not up")
            table.caption = f"{table.caption or ''}{name}: {report['failed']}\n"
            continue
        down, sustained = report["link_down_ms"], report["sustained"]
        switches, changes = report["switches_touched"]["median"], report["changes_sent"]["median"]
        table.add_row(
            name,
            f"{report['total_s']:.1f} s",
            f"{report['pairs_proven']:,}\nof {report['pairs']:,}",
            f"{report['rss_mib']:.0f} MiB",
            f"median {down['median']}\np99 {down['p99']}",
            f"{switches:.0f} switches\n{changes:.0f} changes",
            f"{report['storm']['rules_sent']} rules sent",
            f"{sustained['controller_share']:.0%}, turn\n{sustained['turn_ms']['max']:.0f} ms at most",
        )
    return table


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example:\n  python -m bench.scale --k 16 --on os_ken/native os_ken/eventlet",
    )
    parser.add_argument("--k", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--on", nargs="+", default=_HUBS, metavar="FRAMEWORK/HUB")
    parser.add_argument("--links", type=int, default=20, help="how many cables die, one after another")
    parser.add_argument("--sustain", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--json", default="out/bench/scale.json", metavar="FILE")
    args = parser.parse_args()
    reports = []
    path = Path(args.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    for k in args.k:
        for on in args.on:
            framework, _, hub = on.partition("/")
            reports.append(run(k, framework, hub, args))
            path.write_text(json.dumps(reports, indent=2) + "\n")
    Console().print(_table(reports))


if __name__ == "__main__":
    main()

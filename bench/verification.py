"""Programs and policies under proof and under probes.

    rules             all packets, on fat trees: k=16 from nothing; at k=8 cables that fail and return,
                      and documents that come and go, in microseconds for each rule that changes
    mutations         corruptions of an installed program, and how many are found: bench/mutations.py
    single failures   20 expectations on a k=4 fat tree, whole and with each single cable down, in seconds
    apply             on real Open vSwitch, a policy takes the place of another and back, again and again, by
                      commands that an operator types, while probes are sent at 1 kHz on each flow: packets
                      that both policies deny and that arrived, and packets that both allow and that were lost
    documents         a thousand of them: bench/policies.py

Writes `out/bench/verification.json`. Run it as root: `python -m bench.verification`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from apps.verification.inspector import Verification
from bench import mutations
from bench.policies import measured
from controller.contract import FabricSettings, FabricView, Proposal
from controller.model.blueprint import fat_tree
from controller.model.errors import OperatorError
from controller.model.program import FabricProgram
from controller.model.topology import Link, Topology
from controller.northbound.client import ask
from mininet_scenarios.fidelity import LEAST_IDLE, IdleShare
from mininet_scenarios.lab import Lab
from policies.canonical import write
from policies.compile.rules import Compiled
from policies.expectations import Ground
from policies.language.load import parse_policy
from treadle.ground import inventory_of, planned
from treadle.offline import program_of

Json = dict[str, Any]
ALWAYS_DENIED = [("h1", "h16"), ("h16", "h1"), ("h5", "h12"), ("h12", "h5")]
ALWAYS_ALLOWED = [("h2", "h15"), ("h15", "h2"), ("h3", "h6"), ("h6", "h3"), ("h1", "h8"), ("h8", "h1")]
_COMMON = """\
kind: access
name: always
clauses:
  - deny: {any: [{from: h1, to: h16}, {from: h16, to: h1}, {from: h5, to: h12}, {from: h12, to: h5}]}
"""
_MORE = """\
---
kind: access
name: now-and-then
precedence: 50
clauses:
  - allow: {from: 10.0.0.0/16, to: 10.1.0.0/16}
  - deny: {from: h4, to: [h9, h10, h11]}
  - deny: {to: h13, protocol: tcp, ports: [1-100]}
  - deny: {from: h14}
---
kind: service
name: marked
from: [h2, h3]
dscp: AF21
"""
_PERIOD_S, _CALM_S, _FELT_S, _REACH_S = 0.001, 1.0, 0.5, 90.0
console = Console(stderr=True)


def single_failures_s() -> Json:
    """How long it takes to judge 20 expectations under every single failure of a cable."""
    fabric = planned(fat_tree(4))
    lines = [
        f"  - {{from: h{n}, to: h{17 - n}, protocol: tcp, ports: {80 + n}, must: reach, survives: 1}}"
        for n in range(2, 16)
        if n not in (5, 12)
    ]
    lines += [f"  - {{from: {a}, to: {b}, must: not-reach, survives: 1}}" for a, b in ALWAYS_DENIED]
    lines += [f"  - {{from: {a}, to: {b}, must: reach, survives: 1}}" for a, b in ALWAYS_ALLOWED[:4]]
    text = f"{_COMMON}---\nkind: expect\nname: promised\nexpect:\n" + "\n".join(lines) + "\n"
    policy = parse_policy({"documents.yaml": text}, inventory_of(fabric))
    resolved = write(policy)
    began_s = time.perf_counter()
    ground = Ground(
        Compiled(policy), fabric.topology, fabric.switches, lambda shown: program_of(shown, resolved)
    )
    judged = list(ground.judge(policy.expectations))
    took_s = time.perf_counter() - began_s
    return {
        "single_failures_k4_s": round(took_s, 3),
        "expectations": len(judged),
        "cases": judged[0].cases,
        "hold": sum(each.holds for each in judged),
    }


def rules_us(k: int, failures: int, seed: int = 1) -> Json:
    """What verification takes for each changed rule, when cables fail and return and documents change."""
    fabric, random = planned(fat_tree(k)), Random(seed)
    inspector, whole = Verification(), program_of(fabric.topology)
    inventory = inventory_of(fabric)
    took_us: list[float] = []
    rules = 0
    memory, shown, installed, text = None, fabric.topology, whole, ""
    memory, _ = inspector.inspect(memory, _proposal(shown, {}, whole, text))
    for number in range(failures):
        link = random.choice(fabric.topology.links)
        broken = without(fabric.topology, link)
        a, b = random.sample(sorted(inventory.hosts), 2)
        document = f"kind: access\nname: a{number}\nclauses: [deny: {{from: {a}, to: {b}}}]\n"
        policy = write(parse_policy({"a.yaml": document}, inventory))
        states = [
            (broken, program_of(broken), ""),
            (fabric.topology, whole, ""),
            (fabric.topology, program_of(fabric.topology, policy), policy),
            (fabric.topology, whole, ""),
        ]
        for after, program, policy_text in states:
            count = sum(
                rule != installed[dpid].rules.get(key)
                for dpid, held in program.items()
                for key, rule in held.rules.items()
            )
            count += sum(
                key not in program[dpid].rules for dpid, held in installed.items() for key in held.rules
            )
            began_s = time.perf_counter()
            memory, found = inspector.inspect(memory, _proposal(after, installed, program, policy_text))
            took_us.append((time.perf_counter() - began_s) * 1e6 / max(count, 1))
            assert not found, found
            rules += count
            shown, installed, text = after, program, policy_text
    took_us.sort()
    return {
        "per_rule_us": {
            "median": round(statistics.median(took_us), 1),
            "p99": round(took_us[int(0.99 * len(took_us))], 1),
        },
        "per_rule_changes": len(took_us),
        "per_rule_rules": rules,
    }


def _proposal(shown: Topology, installed: FabricProgram, wanted: FabricProgram, text: str) -> Proposal:
    return Proposal(FabricView(0.0, shown, policy=text), installed, wanted)


def without(whole: Topology, cut: Link) -> Topology:
    """The next snapshot, in which a cable is missing."""
    links = tuple(each for each in whole.links if cut.src not in (each.src, each.dst))
    return Topology(whole.version + 1, whole.switches, links, whole.hosts, whole.edge_ports)


def whole_s(k: int) -> float:
    """How long the proof of a whole fabric takes, from nothing."""
    fabric = planned(fat_tree(k))
    program = program_of(fabric.topology)
    settings = FabricSettings(verified_switches=1_000_000)
    view = FabricView(0.0, fabric.topology, settings=settings)
    began_s = time.perf_counter()
    _, found = Verification().inspect(None, Proposal(view, {}, program))
    assert not found, found
    return round(time.perf_counter() - began_s, 3)


def applied(changes: int) -> Json:
    """What became of probes while policies changed. Raises `OperatorError` where a command fails."""
    with TemporaryDirectory() as folder, Lab(fat_tree(4)) as lab:
        files = [Path(folder) / name for name in ("one.yaml", "other.yaml")]
        files[0].write_text(_COMMON)
        files[1].write_text(_COMMON + _MORE)
        lab.wait_until_reachable(timeout_s=_REACH_S)
        _typed(lab, "apply", str(files[0]))
        time.sleep(_CALM_S + _FELT_S)
        denied = lab.traffic.begin(ALWAYS_DENIED, period_s=_PERIOD_S)
        allowed = lab.traffic.begin(ALWAYS_ALLOWED, period_s=_PERIOD_S)
        machine, began_s = IdleShare(), time.monotonic()
        for number in range(changes):
            console.print(f"change {number + 1} of {changes}")
            _typed(lab, *(("rollback",) if number % 2 else ("apply", str(files[1]))))
        time.sleep(_CALM_S)
        idle_share = machine.share
        lab.traffic.end([*denied, *allowed])
        time.sleep(_CALM_S)
        shut = lab.traffic.window(denied, since_s=began_s).values()
        open_ = lab.traffic.window(allowed, since_s=began_s).values()
        book = ask(lab.controller.socket_path, {"do": "policy"})["history"]
    return {
        "apply_changes": len(book) - 1,
        "apply_denied_passed": sum(each.received for each in shut),
        "apply_denied_sent": sum(each.sent for each in shut),
        "apply_allowed_lost": sum(each.lost for each in open_),
        "apply_allowed_sent": sum(each.sent for each in open_),
        "machine_idle": round(idle_share, 3),
        "valid": idle_share >= LEAST_IDLE,
    }


def _typed(lab: Lab, *words: str) -> None:
    command = [sys.executable, "-m", "treadle", "policy", *words, "--socket", str(lab.controller.socket_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise OperatorError(f"policy {' '.join(words)}: {done.stdout}{done.stderr}")


def main() -> None:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("--changes", type=int, default=20, help="of the policy in force, under probes")
    parser.add_argument("--failures", type=int, default=25, help="of cables, and as many documents")
    parser.add_argument("--mutations", type=int, default=200, help="of an installed program")
    parser.add_argument("--documents", type=int, default=1000, help="to compile")
    parser.add_argument("--json", default="out/bench/verification.json", metavar="FILE")
    args = parser.parse_args()
    document = {
        "full_k16_s": whole_s(16),
        **rules_us(8, args.failures),
        **mutations.measured(args.mutations),
        **single_failures_s(),
        **applied(args.changes),
        f"rules_{args.documents}_documents": measured(args.documents, 8, 1),
    }
    path = Path(args.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")
    Console().print_json(data=document)


if __name__ == "__main__":
    main()

"""Faucet's view of a blueprint: every switch, every cable as a stack link, one VLAN for all hosts.

The stack's root is a switch of the uppermost tier, with a second root to fall back to. Faucet forwards along
one tree of shortest paths to the root; the cables beside it wait.

    python -m bench.healing.stacking PYTHON BLUEPRINT DIRECTORY PORT

writes that down in a directory and becomes Faucet, run by the interpreter of the peers.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import yaml

from controller.documents.blueprints import read_blueprint
from controller.model.blueprint import Blueprint
from controller.model.identity import PortRef

_VLAN = 100
_ROOTS = 2
_UPPERMOST = ("core", "spine", "aggregation", "switch")


def faucet_yaml(blueprint: Blueprint) -> str:
    """`faucet.yaml` for a fabric."""
    roots = _roots(blueprint)
    dps: dict[str, Any] = {}
    for switch in blueprint.switches:
        ports = [end for end in sorted([*blueprint.peer, *blueprint.host_at]) if end.dpid == switch.dpid]
        dps[switch.name] = {
            "dp_id": int(switch.dpid),
            "hardware": "Open vSwitch",
            "lldp_beacon": {"send_interval": 5, "max_per_interval": 50},
            "interfaces": {int(end.port): _interface(blueprint, end) for end in ports},
        }
        if switch.name in roots:
            dps[switch.name]["stack"] = {"priority": roots.index(switch.name) + 1}
    return yaml.safe_dump({"vlans": {"fabric": {"vid": _VLAN}}, "dps": dps}, sort_keys=False)


def _roots(blueprint: Blueprint) -> list[str]:
    tiers = {tier: [each.name for each in blueprint.switches if each.tier == tier] for tier in _UPPERMOST}
    return next((names for names in tiers.values() if names), [])[:_ROOTS]


def _interface(blueprint: Blueprint, end: PortRef) -> dict[str, Any]:
    far = blueprint.peer.get(end)
    if far is None:
        return {"native_vlan": "fabric"}
    there = blueprint.switch_by_dpid[far.dpid].name
    return {"stack": {"dp": there, "port": int(far.port)}}


def become_faucet(python: Path, blueprint: Path, directory: Path, port: str) -> None:
    """Write `faucet.yaml` and replace this process by Faucet, with nothing of it outside the directory."""
    (directory / "faucet.yaml").write_text(faucet_yaml(read_blueprint(blueprint)))
    environment = {
        **os.environ,
        "PATH": f"{python.parent}:{os.environ['PATH']}",
        "FAUCET_CONFIG": str(directory / "faucet.yaml"),
        "FAUCET_LOG": str(directory / "faucet.log"),
        "FAUCET_EXCEPTION_LOG": str(directory / "faucet_exception.log"),
        "FAUCET_PROMETHEUS_ADDR": "127.0.0.1",
        "FAUCET_PROMETHEUS_PORT": "0",
    }
    program = str(python.parent / "faucet")
    words = ["--ryu-ofp-listen-host=127.0.0.1", f"--ryu-ofp-tcp-listen-port={port}"]
    os.execve(program, [program, *words], environment)


if __name__ == "__main__":
    become_faucet(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])

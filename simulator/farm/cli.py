"""`treadle farm`: a fabric of switches, connected to a controller, until it is told to stop."""

from __future__ import annotations

import argparse
import json
import math
import signal
import sys
import time
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

from controller.documents.blueprints import load_blueprint
from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError
from simulator.fabric.snapshot import of_fabric
from simulator.farm.control import Control
from simulator.farm.farm import Farm
from simulator.farm.script import read_script
from simulator.farm.surface import status
from simulator.proof import Proof, prove
from simulator.switch.profile import Profile


def run(args: argparse.Namespace) -> int:
    """Exit status 0; 1: proving was asked for, and a pair is not proven. Raises `OperatorError`."""
    blueprint = _blueprint(args)
    script = read_script(Path(args.events), blueprint) if args.events else ()
    profile = Profile(tables=args.tables, rules=args.rules, groups=args.groups, meters=args.meters)
    with closing(
        Farm(blueprint, _address(args.controller), profile=profile, hosts_speak=not args.mute)
    ) as farm:
        farm.play(script)
        with closing(Control(farm, Path(args.control))) if args.control else nullcontext():
            _turn(farm, args.seconds)
        proof = prove(of_fabric(farm.fabric)) if args.prove else None
        report = _report(farm, proof)
    if args.json:
        _write(report, args.json)
    else:
        print(f"{report['switches']} switches, {report['rules']} rules, {report['refused']} refused")
    if proof is None:
        return 0
    print(f"{proof.pairs} of {proof.expected} pairs proven", file=sys.stderr)
    if proof.counterexample:
        print(proof.counterexample, file=sys.stderr)
    return 0 if proof.complete else 1


def _turn(farm: Farm, seconds: float | None) -> None:
    def stop(*_: object) -> None:
        farm.stopping = True

    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, stop)
    until_s = math.inf if seconds is None else farm.began_s + seconds
    while not farm.stopping and time.monotonic() < until_s:
        farm.turn(min(0.5, max(until_s - time.monotonic(), 0.0)))


def _blueprint(args: argparse.Namespace) -> Blueprint:
    if args.k is not None:
        if any(mark in args.fabric for mark in "(:/."):
            raise OperatorError(f"--k says the size of '{args.fabric}', which has one already")
        return load_blueprint(f"{args.fabric}:{args.k}")
    return load_blueprint(args.fabric)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise OperatorError(f"'{text}' is not an address", mend="as in 127.0.0.1:6653")
    return host.strip("[]"), int(port)


def _report(farm: Farm, proof: Proof | None) -> dict[str, Any]:
    history = [{"at_s": at_s - farm.began_s, "event": repr(event)} for at_s, event in farm.history]
    report = {**status(farm), "history": history, "cpu_s": time.process_time()}
    if proof is not None:
        said = None if proof.counterexample is None else str(proof.counterexample)
        report |= {"pairs_proven": proof.pairs, "pairs_expected": proof.expected, "counterexample": said}
    return report


def _write(report: dict[str, Any], to: str) -> None:
    text = json.dumps(report, indent=2) + "\n"
    if to == "-":
        print(text, end="")
        return
    try:
        Path(to).write_text(text)
    except OSError as error:
        raise OperatorError(f"cannot be written: {error.strerror}", file=to) from None

"""`treadle sim traffic FILE.json`: what each flow of a matrix gets on a fabric that exists nowhere."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from controller.documents.blueprints import load_blueprint, parse_rate
from controller.documents.matrices import read_matrix
from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError
from controller.model.identity import PortRef
from controller.model.topology import DEFAULT_CAPACITY_BPS, Topology
from controller.northbound.surface import Snapshot
from controller.northbound.targets import target
from simulator.flows.control import Control
from simulator.flows.fabric import Trouble, as_planned
from simulator.flows.metering import Sampling
from simulator.flows.report import MatrixReport, matrix_report
from simulator.flows.simulation import Request, simulate
from simulator.flows.transfer import transfers
from treadle.schedulers import control_by
from treadle.tables import console

_DEFAULT_K = 4


def traffic(args: argparse.Namespace) -> int:
    """Simulate, then show or write. Raises `OperatorError`."""
    _check_times(args)
    blueprint = _blueprint(args)
    fabric = as_planned(blueprint, capacity_bps=_rate_bps(args.rate))
    pairs = read_matrix(Path(args.file), len(blueprint.hosts))
    request = Request(
        fabric,
        transfers(blueprint, pairs),
        control=_control(args, blueprint),
        troubles=tuple(_trouble(text, fabric, blueprint) for text in args.fail),
        until_s=args.seconds,
        counted_from_s=_skipped_s(args),
        seed=args.seed,
    )
    report = matrix_report(fabric, pairs, simulate(request))
    _show(report, {**_about(args), "fabric": blueprint.name, "hosts": len(blueprint.hosts)}, args.json)
    return 0


def _about(args: argparse.Namespace) -> dict[str, Any]:
    return {
        "scheduler": args.scheduler,
        "seed": args.seed,
        "seconds": args.seconds,
        "counted_from_s": _skipped_s(args),
        "rate_bps": _rate_bps(args.rate),
        "failed": args.fail,
        "interval_s": args.interval,
        "delay_s": args.delay,
        "sampling": args.sampling,
    }


def _show(report: MatrixReport, about: dict[str, Any], to: str | None) -> None:
    text = json.dumps(report.as_json(about), indent=2) + "\n"
    if to == "-":
        print(text, end="")
        return
    if to is not None:
        try:
            Path(to).write_text(text)
        except OSError as error:
            raise OperatorError(f"cannot be written: {error.strerror}", file=to) from None
    console().print(report.table())
    print(f"{about['scheduler']} on {about['fabric']}: slowest flow {report.slowest:.3f} of its ideal")


# --- what was typed -----------------------------------------------------------------------------------------


def _blueprint(args: argparse.Namespace) -> Blueprint:
    if args.k is not None and args.fabric is not None:
        raise OperatorError("--k and --fabric exclude one another", mend="give one of them")
    if args.k is not None and args.k < 0:
        raise OperatorError(f"a fat tree needs an even k from 2 to 254, not {args.k}", mend="try --k 4")
    return load_blueprint(args.fabric or f"fat_tree:{_DEFAULT_K if args.k is None else args.k}")


def _rate_bps(text: str | None) -> int:
    try:
        return parse_rate(text) if text else DEFAULT_CAPACITY_BPS
    except ValueError as error:
        raise OperatorError(str(error), key="--rate") from None


def _skipped_s(args: argparse.Namespace) -> float:
    return float(args.seconds / 3 if args.skip is None else args.skip)


def _check_times(args: argparse.Namespace) -> None:
    _at_least(args.seconds, "--seconds", above=True)
    _at_least(args.interval, "--interval", above=True)
    _at_least(args.delay, "--delay")
    _at_least(_skipped_s(args), "--skip")
    if _skipped_s(args) >= args.seconds:
        raise OperatorError(f"{args.skip} of {args.seconds} seconds leaves none to count", key="--skip")
    if args.sampling is not None and args.sampling < 1:
        raise OperatorError(f"one frame in {args.sampling} cannot be seen", key="--sampling")


def _at_least(seconds: float, key: str, *, above: bool = False) -> None:
    if not math.isfinite(seconds) or seconds < 0 or (above and seconds == 0):
        raise OperatorError(f"{seconds} is no number of seconds", key=key, mend="give one as in 30 or 0.1")


def _control(args: argparse.Namespace, blueprint: Blueprint) -> Control | None:
    sampling = None if args.sampling is None else Sampling(args.sampling, seed=args.seed)
    return control_by(
        args.scheduler,
        interval_s=args.interval,
        delay_s=args.delay,
        sampling=sampling,
        blueprint=blueprint,
    )


def _trouble(text: str, fabric: Topology, blueprint: Blueprint) -> Trouble:
    what, at, moment = text.partition("@")
    try:
        at_s = float(moment) if at else 0.0
    except ValueError:
        raise OperatorError(f"'{moment}' is no time", key="--fail", mend="as in s1-s5@10") from None
    _at_least(at_s, "--fail")
    return Trouble(at_s, _ends(what, fabric, blueprint))


def _ends(text: str, fabric: Topology, blueprint: Blueprint) -> tuple[PortRef, ...]:
    """A port of each cable that was named; of a switch, all its ports that lead to others."""
    named = target(Snapshot(topology=fabric, blueprint=blueprint), text)
    ends: Sequence[PortRef] = [cable[0] for cable in named.cables]
    own = [link.src for dpid in named.switches for link in fabric.out_links[dpid]]
    return tuple(sorted({*ends, *own}))

"""A mode on a fabric, from its start to its figures."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import track

from bench.healing.churn import churn
from bench.healing.crossing import Ways
from bench.healing.draining import drain_all
from bench.healing.failures import spread_out
from bench.healing.modes import Mode
from bench.healing.procedure import observe
from bench.healing.result import Figures, Tally
from bench.healing.subject import LabSubject, Subject
from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError, TreadleError
from mininet_scenarios.fidelity import LEAST_IDLE, IdleShare

_IDLE_S = 10.0
_GONE_S = 0.3
console = Console(stderr=True)


def run(mode: Mode, blueprint: Blueprint, most_cuts: int | None = None) -> Figures:
    """Strike and mend everything that a mode says. Raises `OperatorError` when it cannot run here."""
    size = len(blueprint.switches)
    if mode.most_switches is not None and size > mode.most_switches:
        raise OperatorError(f"{size} switches are too many for this machine: at most {mode.most_switches}")
    limits = [limit for limit in (most_cuts, mode.most_cuts) if limit is not None]
    with mode.make(blueprint, mode.patience) as subject:
        subject.come_up()
        figures: Figures = {"switching": subject.switching, "idle_cpu": idle_cpu(subject)}
        figures["probes_hz"] = round(1 / mode.patience.period_s)
        if isinstance(subject, LabSubject):
            figures["tables"] = dict(subject.tables())
            figures |= _price(subject)
        machine = IdleShare()
        figures |= strike_all(subject, mode, min(limits) if limits else None).figures()
        figures |= _with_operator(subject, mode) | {"machine_idle": round(machine.share, 3)}
        figures["sender_paused_ms"] = round(subject.traffic.paused_s * 1000, 1)
        figures["valid"] = figures["machine_idle"] >= LEAST_IDLE
    return figures


def _price(subject: LabSubject) -> Figures:
    """What protection adds on the switch that pays most; nothing where the controller is not ours."""
    try:
        told = subject.protection()
    except OperatorError:
        return {}
    covered = {kind: told["totals"][kind] for kind in ("link", "switch")}
    most = {what: max(share[what] for share in told["added"]) for what in ("rules", "groups")}
    return {"protection_adds_at_most": most, "covered": covered}


def strike_all(subject: Subject, mode: Mode, most: int | None) -> Tally:
    """Every failure in turn, or `most` that hurt somebody. Where the controller is to be dead, it is killed
    before each and revived after it, so that each meets a fabric that is whole.
    """
    blueprint = subject.blueprint
    failures = spread_out(mode.failures(blueprint), most)
    tally, ways = Tally(of=len(failures)), Ways(subject, mode.patience)
    title = f"{blueprint.name} {mode.name}"
    for failure in track(failures, description=title, console=console):
        if tally.cuts == most:
            break
        if mode.controller_dead:
            _bury(subject)
        seen = observe(subject, failure, ways, mode.patience)
        if mode.controller_dead:
            _revive(subject, mode.patience.up_s)
        if seen is None:
            tally.uncrossed.append(failure.name)
        else:
            tally.add(seen)
    return tally


def _with_operator(subject: Subject, mode: Mode) -> Figures:
    """Maintenance and churn, where the mode has them; what cannot be done says why."""
    found: Figures = {"drain_lost": None, "drain_sent": None, "churn": None}
    if not isinstance(subject, LabSubject):
        return found
    try:
        if mode.drains:
            found |= drain_all(subject, mode.patience)
    except TreadleError as error:
        found["drain_failed"] = str(error)
    if mode.churns:
        found["churn"] = churn(subject)
    return found


def _bury(subject: Subject) -> None:
    if isinstance(subject, LabSubject) and subject.lab.controller.pid is not None:
        subject.lab.stop_controller(kill=True)
        time.sleep(_GONE_S)


def _revive(subject: Subject, timeout_s: float) -> None:
    if isinstance(subject, LabSubject):
        subject.lab.start_controller()
        if not subject.converged(timeout_s):
            raise OperatorError("the controller was started again and does not converge")


def idle_cpu(subject: Subject, seconds: float = _IDLE_S) -> float:
    """The control plane's processor time while nothing happens, as a share of one core."""
    before_s = subject.cpu_s()
    time.sleep(seconds)
    return round((subject.cpu_s() - before_s) / seconds, 4)

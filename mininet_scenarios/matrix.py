"""A traffic matrix on a running lab: a TCP flow for each pair, all at once, and what each of them got.

    all flows start -> settle: slow start, the controller's first decisions -> measure -> stop

Rates are of the payload that arrived, over the time that is measured, which begins for all flows at the same
moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from controller.documents.matrices import Matrix
from controller.model.errors import OperatorError
from mininet_scenarios.fidelity import IdleShare
from mininet_scenarios.lab import Lab

_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Played:
    """A matrix that has been played: bit/s of each flow, in the order of the matrix, and the share of
    processor time that was idle meanwhile.
    """

    matrix: Matrix
    rates_bps: tuple[float, ...]
    measured_s: float
    idle_share: float

    @property
    def total_bps(self) -> float:
        return sum(self.rates_bps)

    @property
    def slowest_bps(self) -> float:
        return min(self.rates_bps)


def play_matrix(
    lab: Lab,
    matrix: Matrix,
    *,
    seconds: float,
    settle_s: float,
    progress: Callable[[float], None] = lambda _: None,
) -> Played:
    """Play a matrix for `seconds`, of which the first `settle_s` do not count. `progress` is told the seconds
    that have passed. Raises `OperatorError` when nothing would be left to measure, or nothing arrived.
    """
    if not 0 <= settle_s < seconds:
        raise OperatorError(f"of {seconds:g} s, {settle_s:g} s do not count: nothing is left to measure")
    names = lab.hosts
    with lab.traffic.bulk([(names[src], names[dst]) for src, dst in matrix]) as load:
        since_s = load.full_since_s + settle_s
        until_s = load.full_since_s + seconds
        _wait(since_s, load.full_since_s, progress)
        machine = IdleShare()
        _wait(until_s, load.full_since_s, progress)
        idle_share = machine.share
    rates = tuple(flow.mean_bps(since_s, until_s) for flow in load.flows)
    if not any(rates):
        raise OperatorError(f"nothing arrived of any of {len(rates)} flows")
    return Played(matrix, rates, seconds - settle_s, round(idle_share, 3))


def _wait(until_s: float, began_s: float, progress: Callable[[float], None]) -> None:
    while (now_s := time.monotonic()) < until_s:
        progress(now_s - began_s)
        time.sleep(min(_POLL_S, until_s - now_s))

"""What is measured, as data: who forwards, what dies, whether the controller lives.

    protected        our controller with local protection; every cable cut
    controller_dead  the same, and the controller was killed before
    controller_only  our controller without protection: it hears of the cut and reroutes
    silent_bfd       packets vanish in one direction, the carrier stays; BFD every 10 ms
    switch_killed    every switch without hosts dies
    stp, faucet      OpenFlow peers on the same Open vSwitch
    frr              routers with BGP, ECMP and BFD

A mode that cannot run here (a peer that is not installed, a fabric too large for it) says so in the report.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from bench.healing import openflow
from bench.healing.failures import Failure, cuts, deaths, silences
from bench.healing.routed.fabric import RoutedFabric
from bench.healing.subject import LabSubject, Patience, Subject
from controller.model.blueprint import Blueprint
from mininet_scenarios.controller import ControllerCommand, treadle
from mininet_scenarios.lab import Lab


@dataclass(frozen=True, slots=True)
class Mode:
    """One row of the comparison. `most_cuts` spares a peer that needs a minute for each; `most_switches` is
    the largest fabric that this machine can run it on.
    """

    name: str
    make: Callable[[Blueprint, Patience], AbstractContextManager[Subject]]
    failures: Callable[[Blueprint], tuple[Failure, ...]] = cuts
    patience: Patience = Patience()
    controller_dead: bool = False
    most_cuts: int | None = None
    most_switches: int | None = None
    drains: bool = False
    churns: bool = False


def _ours(
    settings: dict[str, object], blueprint: Blueprint, patience: Patience
) -> AbstractContextManager[Subject]:
    return LabSubject(_lab(blueprint, treadle(settings)), ours=True, patience=patience)


def _peer(
    command: Callable[[], ControllerCommand], blueprint: Blueprint, patience: Patience
) -> AbstractContextManager[Subject]:
    return LabSubject(_lab(blueprint, command()), ours=False, patience=patience)


def _frr(blueprint: Blueprint, _patience: Patience) -> AbstractContextManager[Subject]:
    return RoutedFabric(blueprint, bfd_interval_ms=50)


def _lab(blueprint: Blueprint, controller: ControllerCommand) -> Lab:
    """Every switch a process of its own where the lab can do that: a daemon that all switches share stalls
    all of them whenever one has a port to see to, which no switch does to another.
    """
    return Lab(blueprint, controller, daemons="each")


_SLOW = Patience(
    before_s=0.5,
    dark_s=2.0,
    recover_s=70.0,
    after_s=2.0,
    stable_s=120.0,
    calm_s=35.0,
    up_s=180.0,
    period_s=0.02,
    ways=1,
)
"""For spanning tree (IEEE 802.1D-1998): up to 20 s to notice, twice 15 s to learn; at repair the same."""
_STACKED = Patience(
    before_s=0.5,
    dark_s=2.0,
    recover_s=60.0,
    after_s=2.0,
    stable_s=60.0,
    calm_s=5.0,
    up_s=120.0,
    period_s=0.02,
    ways=1,
)
_ROUTED = Patience(recover_s=10.0, after_s=2.5, stable_s=30.0)

_PROTECTED: dict[str, object] = {"protection": "true"}
_BFD = _PROTECTED | {"bfd_interval_ms": "10", "ovsdb": "{ovsdb}"}

MODES: tuple[Mode, ...] = (
    Mode("protected", partial(_ours, _PROTECTED), drains=True, churns=True),
    Mode("controller_dead", partial(_ours, _PROTECTED), controller_dead=True),
    Mode("controller_only", partial(_ours, {"protection": "false"})),
    Mode("silent_bfd", partial(_ours, _BFD), silences),
    Mode("switch_killed", partial(_ours, _PROTECTED), deaths),
    Mode("frr", _frr, patience=_ROUTED, most_switches=45),
    Mode("stp", partial(_peer, openflow.spanning_tree), patience=_SLOW, most_cuts=6, most_switches=20),
    Mode("faucet", partial(_peer, openflow.faucet), patience=_STACKED, most_cuts=12, most_switches=20),
)


def named(name: str) -> Mode:
    """The mode of this name; KeyError when there is none."""
    return {mode.name: mode for mode in MODES}[name]

"""The schedulers as a simulation runs them: the controller's own apps, with the settings that choose.

    plain           no controller: equal-cost next hops, all of one weight
    ecmp            weighted equal-cost next hops, nobody pinned
    gff, sa, ours   the same, and elephants pinned where that solver places them

Detours are left out: they are for the moments before routes have followed a failure, and dead ports are left
out at once here.
"""

from __future__ import annotations

from apps.congestion.app import Congestion
from apps.routing.app import Routing
from controller.contract import FabricSettings
from controller.model.blueprint import Blueprint
from simulator.flows.control import Control
from simulator.flows.metering import Sampling

PLAIN = "plain"
NAMES = ("ours", "ecmp", "gff", "sa", PLAIN)


def control_by(
    name: str,
    *,
    interval_s: float,
    delay_s: float,
    sampling: Sampling | None = None,
    blueprint: Blueprint | None = None,
) -> Control | None:
    """The controller with this scheduler; None where there is none to be."""
    if name == PLAIN:
        return None
    settings = FabricSettings(protection=False, scheduler=name)
    return Control((Routing(), Congestion()), interval_s, delay_s, sampling, blueprint, settings)

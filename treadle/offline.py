"""What the switches of a fabric would hold: the apps and the compiler, without a controller or a switch.

For whoever asks before there is anything to ask: plans of policies, tests of policies, failures that have not
happened. The apps are asked until they have nothing more to say.
"""

from __future__ import annotations

from typing import Any

from apps.admission.app import Admission
from apps.policy.app import Policing
from apps.routing.app import Routing
from controller.compiler.assemble import assemble
from controller.contract import App, Decision, FabricSettings, FabricView, Report
from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError
from controller.model.program import FabricProgram
from controller.model.topology import Topology

_MOST_TURNS = 10_000
_TURN_S = 0.001
_AS_EVER = FabricSettings()


def program_of(
    topology: Topology,
    policy: str = "",
    blueprint: Blueprint | None = None,
    settings: FabricSettings = _AS_EVER,
) -> FabricProgram:
    """The program of every switch of a snapshot at rest, under a policy. Raises `OperatorError` for a policy
    that does not compile.
    """
    said: list[Decision] = []
    apps: tuple[App, ...] = Admission(), Policing(), Routing()
    for app in apps:
        said += _at_rest(app, topology, policy, blueprint, settings)
    wrong = [found.evidence for each in said if isinstance(each, Report) for found in each.findings]
    if wrong:
        raise OperatorError(wrong[0])
    return assemble(said, topology, settings).program


def _at_rest(
    app: App, topology: Topology, policy: str, blueprint: Blueprint | None, settings: FabricSettings
) -> tuple[Decision, ...]:
    memory: Any = None
    decisions: tuple[Decision, ...] = ()
    for turn in range(_MOST_TURNS):
        view = FabricView(_TURN_S * turn, topology, blueprint, settings, policy=policy)
        memory, decisions = app.decide(view, memory)
        wish_s = app.due_s(memory)
        if wish_s is None or wish_s > view.now_s:
            break
    return decisions

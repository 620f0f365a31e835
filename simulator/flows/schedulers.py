"""The schedulers that can be asked for by name.

`ecmp` is what the fabric does by itself: no app, no pins. All others are the solvers of controller/placement,
asked in the same loop (placing.py).
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from controller.contract import App
from controller.model.errors import OperatorError
from simulator.flows.placing import Place, Placing

ECMP = "ecmp"
NAMES = ("ours", ECMP, "gff", "sa")


def scheduler(name: str) -> App | None:
    """The app of this name; None for plain ECMP. Raises `OperatorError` when there is none."""
    if name == ECMP:
        return None
    place = solvers().get(name)
    if place is None:
        known = ", ".join(sorted({ECMP, *solvers()}))
        raise OperatorError(f"there is no scheduler '{name}' here", mend=f"there are: {known}")
    return Placing(name, place)


def solvers() -> Mapping[str, Place]:
    """The solvers that there are, by name; empty where none are installed."""
    try:
        found: Mapping[str, Place] = importlib.import_module("controller.placement.solvers").SOLVERS
    except ModuleNotFoundError as error:
        if error.name != "controller.placement.solvers":
            raise
        return {}
    return found

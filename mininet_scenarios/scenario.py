"""Scenarios: a story with a fabric, told in fifteen lines.

    @scenario("link-failure", "A link dies and the fabric heals.")
    def link_failure(lab: Lab) -> Report:
        lab.wait_until_reachable()
        lab.cut("s3", "s17")
        ...
        return {"gap_ms": ...}

A scenario says with plain `assert` what must be true; the report that it returns goes to the terminal and
to `--json`. It runs on the topology that it names, or on any other that the command line asks for.
"""

from __future__ import annotations

import difflib
import importlib
import os
import pkgutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError
from mininet_scenarios.build import Progress, silent
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from mininet_scenarios.machine import Sharing

Report = dict[str, object]


@dataclass(frozen=True)
class Scenario:
    """A story by name. `topology` is what it runs on unless asked otherwise; `blueprint` whether the
    controller knows it.
    """

    name: str
    about: str
    run: Callable[[Lab], Report]
    topology: str = "fat_tree:4"
    blueprint: bool = True
    ipv6: bool = False
    settings: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """How a scenario ended. `problem` is empty when it passed. `idle_ratio` is the machine's idle processor
    time meanwhile: below a third, figures are the machine's and not the fabric's."""

    scenario: str
    fabric: str
    switching: str
    problem: str
    took_s: float
    idle_ratio: float
    report: Report

    @property
    def passed(self) -> bool:
        return not self.problem

    def as_json(self) -> dict[str, object]:
        return {**self.__dict__, "passed": self.passed}


_CATALOGUE: dict[str, Scenario] = {}


def scenario(
    name: str,
    about: str,
    *,
    topology: str = "fat_tree:4",
    blueprint: bool = True,
    ipv6: bool = False,
    settings: Mapping[str, object] | None = None,
) -> Callable[[Callable[[Lab], Report]], Callable[[Lab], Report]]:
    """Put the function that follows into the catalogue."""

    def enter(run: Callable[[Lab], Report]) -> Callable[[Lab], Report]:
        assert name not in _CATALOGUE, f"two scenarios are called {name}"
        _CATALOGUE[name] = Scenario(name, about, run, topology, blueprint, ipv6, settings or {})
        return run

    return enter


def scenarios() -> tuple[Scenario, ...]:
    """The catalogue, by name: everything in the package `catalogue`."""
    catalogue = importlib.import_module("mininet_scenarios.catalogue")
    for module in pkgutil.iter_modules(catalogue.__path__):
        importlib.import_module(f"{catalogue.__name__}.{module.name}")
    return tuple(_CATALOGUE[name] for name in sorted(_CATALOGUE))


def find(name: str) -> Scenario:
    """The scenario of this name. Raises `OperatorError` with the nearest name."""
    known = {each.name: each for each in scenarios()}
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    mend = f"did you mean '{near[0]}'?" if near else "see `treadle lab list`"
    raise OperatorError(f"there is no scenario '{name}'", mend=mend)


def play(
    chosen: Scenario,
    blueprint: Blueprint,
    *,
    settings: Mapping[str, object] | None = None,
    directory: Path | None = None,
    daemons: Sharing = "shared",
    progress: Progress = silent,
) -> Outcome:
    """Build a lab, play the scenario in it, and take it down. A failed assertion is an outcome; other
    errors are raised.
    """
    command = treadle({**chosen.settings, **(settings or {})}, blueprint=chosen.blueprint)
    lab = Lab(blueprint, command, ipv6=chosen.ipv6, daemons=daemons, directory=directory, progress=progress)
    began_s, began_idle = time.monotonic(), _processor_s()
    problem, report = "", Report()
    with lab:
        switching = lab.fabric.switching
        try:
            report = chosen.run(lab)
        except AssertionError as failed:
            problem = str(failed) or "an assertion of the scenario failed"
            report = {"controller_said": lab.controller.last_words()}
    idle = _idle_since(began_idle)
    return Outcome(
        chosen.name, blueprint.name, switching, problem, round(time.monotonic() - began_s, 3), idle, report
    )


def _processor_s() -> tuple[float, float]:
    """Idle and total processor time of the machine so far."""
    fields = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    ticks = os.sysconf("SC_CLK_TCK")
    return (fields[3] + fields[4]) / ticks, sum(fields) / ticks


def _idle_since(before: tuple[float, float]) -> float:
    idle_s, total_s = _processor_s()
    return round((idle_s - before[0]) / max(total_s - before[1], 1e-9), 3)

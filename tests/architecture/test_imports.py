"""Who may know whom.

The direction of imports is declared in pyproject.toml and judged by import-linter, which sees the whole
graph. What is said here is what it cannot express: lists of what a room *may* import, where all else is
forbidden.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Callable
from functools import partial

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.architecture.sources import ROOT, Module, imports, modules, parse

PURE_ROOMS = [
    "controller.model",
    "controller.graph",
    "controller.discovery",
    "controller.dataplane",
    "controller.compiler",
    "controller.planner",
    "controller.telemetry",
    "controller.verification",
]
SEEDED_ROOMS = ["controller.placement", "simulator.flows"]
"""Pure but for chance, which has a seed that is handed in or written down."""

# fmt: off
IMPURE = {
    "asyncio", "concurrent", "datetime", "fcntl", "http", "io", "logging", "multiprocessing", "os",
    "pathlib", "queue", "random", "secrets", "select", "selectors", "shutil", "signal", "socket",
    "socketserver", "sqlite3", "ssl", "subprocess", "tempfile", "threading", "time", "urllib",
    "uuid",
}
# fmt: on
"""Standard modules that bring a clock, chance, threads, or the world outside."""

NOT_ROOMS = {"tests", "bench", "stubs", "docs", "scripts", "out", "build", "dist"}


def outside_stdlib(module: Module) -> list[str]:
    """What `module` imports that is neither the standard library nor controller.model."""
    return [
        f"{module.path}:{line} imports {name}"
        for line, name in imports(module)
        if name.split(".")[0] not in sys.stdlib_module_names and not within(name, "controller.model")
    ]


def impure(module: Module, but_for: frozenset[str] = frozenset()) -> list[str]:
    """What `module` imports that a pure function has no use for."""
    return [
        f"{module.path}:{line} imports {name}"
        for line, name in imports(module)
        if name.split(".")[0] in IMPURE - but_for
    ]


SHARED_WITH_THE_LAB = ("controller.model", "controller.documents")
SHARED_WITH_THE_FARM = (*SHARED_WITH_THE_LAB, "controller.dataplane")
DECIDING = "controller.contract", "controller.graph", "controller.placement"
SHARED_WITH_FLOWS = (*SHARED_WITH_THE_LAB, *DECIDING)


def beyond(shared: tuple[str, ...], module: Module) -> list[str]:
    """What `module` imports from the controller's rooms that are not shared with it."""
    return [
        f"{module.path}:{line} imports {name}"
        for line, name in imports(module)
        if within(name, "controller") and not any(within(name, room) for room in shared)
    ]


beyond_the_labs_share = partial(beyond, SHARED_WITH_THE_LAB)
beyond_the_farms_share = partial(beyond, SHARED_WITH_THE_FARM)
beyond_the_share_of_flows = partial(beyond, SHARED_WITH_FLOWS)


def within(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def test_every_contract_of_imports_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == EXIT_STATUS_SUCCESS


def test_every_package_stands_under_the_contracts() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        declared = set(tomllib.load(file)["tool"]["importlinter"]["root_packages"])
    present = {path.parent.name for path in ROOT.glob("[a-z]*/__init__.py")} - NOT_ROOMS
    assert present == declared, "name each package in [tool.importlinter] of pyproject.toml, and no other"


def test_the_model_imports_only_the_standard_library() -> None:
    assert [line for module in modules("controller.model") for line in outside_stdlib(module)] == []


@pytest.mark.parametrize("room", PURE_ROOMS)
def test_a_pure_room_has_no_clock_no_chance_no_threads_and_no_world(room: str) -> None:
    found = modules(room)
    assert found, f"{room} is empty"
    assert [line for module in found for line in impure(module)] == []


@pytest.mark.parametrize("room", SEEDED_ROOMS)
def test_a_seeded_room_has_no_clock_no_threads_and_no_world(room: str) -> None:
    found = modules(room)
    assert found, f"{room} is empty"
    assert [line for module in found for line in impure(module, frozenset({"random"}))] == []


def test_the_lab_knows_of_the_controller_only_its_model_and_documents() -> None:
    assert [line for module in modules("mininet_scenarios") for line in beyond_the_labs_share(module)] == []


def test_the_farm_knows_of_the_controller_only_its_model_documents_and_data_plane() -> None:
    farm = [module for module in modules("simulator") if not module.within("simulator.flows")]
    assert [line for module in farm for line in beyond_the_farms_share(module)] == []


def test_simulated_flows_know_of_the_controller_what_decides_and_nothing_that_programs() -> None:
    found = modules("simulator.flows")
    assert [line for module in found for line in beyond_the_share_of_flows(module)] == []


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (outside_stdlib, "import networkx"),
        (outside_stdlib, "from controller import graph"),
        (outside_stdlib, "def f():\n    from ..graph import paths"),
        (impure, "from time import monotonic"),
        (impure, "import os.path"),
        (beyond_the_labs_share, "from controller.dataplane import trace"),
        (beyond_the_farms_share, "from controller.southbound import decode"),
        (beyond_the_share_of_flows, "from controller.compiler import assemble"),
    ],
)
def test_the_rules_above_would_notice(rule: Callable[[Module], list[str]], text: str) -> None:
    assert len(rule(parse("controller.model.example", text))) == 1

"""The catalogue and the command line of the lab, as far as they need no root."""

from __future__ import annotations

import subprocess
import sys

import pytest

from controller.documents.blueprints import load_blueprint
from controller.model.errors import OperatorError
from mininet_scenarios.measure import quantile
from mininet_scenarios.scenario import find, scenarios


def _treadle(*words: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "treadle", *words], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stderr


def test_the_catalogue_holds_what_the_lab_promises() -> None:
    promised = {"reachability", "link-failure", "switch-failure", "controller-restart", "host-move"}
    promised |= {"arp-spoofing", "lldp-forgery", "lldp-relay", "mininet-tree", "mininet-linear"}
    assert promised <= {each.name for each in scenarios()}


def test_every_scenario_names_a_topology_that_exists() -> None:
    for each in scenarios():
        assert load_blueprint(each.topology).hosts


def test_an_unknown_scenario_is_answered_with_the_nearest() -> None:
    with pytest.raises(OperatorError, match="did you mean 'link-failure'"):
        find("link-failur")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "link-failur"), "did you mean 'link-failure'"),
        (("run", "reachability", "--k", "3"), "even k"),
        (("run", "reachability", "--k", "-2"), "even k"),
        (("run", "reachability", "--k", "4", "--topo", "ring:4"), "exclude one another"),
        (("run", "reachability", "--topo", "rnig:4"), "did you mean 'ring'"),
        (("run", "reachability", "--topo", "missing.yaml"), "missing.yaml"),
        (("run", "reachability", "--rate", "fast"), "'fast' is not a rate"),
        (("up", "fat_tre:4"), "did you mean 'fat_tree'"),
        (("frobnicate",), "invalid choice"),
    ],
)
def test_a_bad_request_is_one_line_and_status_2(words: tuple[str, ...], said: str) -> None:
    status, error = _treadle("lab", *words)
    assert status == 2
    assert said in error
    assert len(error.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("values", "q", "expected"),
    [([], 0.5, None), ([3.0], 0.99, 3.0), ([1.0, 2.0, 3.0, 4.0], 0.5, 2.0), ([1.0, 2.0, 3.0], 1.0, 3.0)],
)
def test_a_quantile_is_a_value_that_was_seen(values: list[float], q: float, expected: float | None) -> None:
    assert quantile(values, q) == expected

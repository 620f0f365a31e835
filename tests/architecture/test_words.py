"""One word for one thing: what the framework calls a datapath is a switch everywhere but in the seam."""

from __future__ import annotations

import pytest

from tests.architecture.sources import Module, identifiers, modules, parse

FRAMEWORK_WORDS = {"datapath", "datapaths", "ofproto", "ofproto_parser"}
SEAM = "controller.southbound"
LAB = "mininet_scenarios"
LAB_WORDS = {"datapath"}
"""In the lab it is Mininet's option: which of Open vSwitch's two, kernel or user, does the forwarding."""


def misplaced(module: Module) -> list[str]:
    """The framework's words among the identifiers of a module outside the seam."""
    if module.within(SEAM):
        return []
    forbidden = FRAMEWORK_WORDS - LAB_WORDS if module.within(LAB) else FRAMEWORK_WORDS
    return [f"{module.path}:{line} says {name}" for line, name in identifiers(module) if name in forbidden]


@pytest.mark.parametrize(
    "room", ["treadle", "apps", "policies", "controller", "mininet_scenarios", "simulator"]
)
def test_the_frameworks_words_stay_in_the_seam(room: str) -> None:
    assert [line for module in modules(room) for line in misplaced(module)] == []


@pytest.mark.parametrize(
    "text",
    [
        "datapath = 1",
        "switch.ofproto.OFPP_ANY",
        "def send(datapath): ...",
        "send(datapath=1)",
        "from switch import ofproto_parser",
    ],
)
def test_a_word_of_the_framework_would_be_noticed(text: str) -> None:
    assert len(misplaced(parse("controller.graph.example", text))) == 1
    assert misplaced(parse("controller.southbound.example", text)) == []


def test_the_lab_may_say_which_datapath_it_runs_on() -> None:
    assert misplaced(parse("mininet_scenarios.lab", "OVSSwitch(name, datapath='user')")) == []
    assert len(misplaced(parse("mininet_scenarios.lab", "switch.ofproto"))) == 1

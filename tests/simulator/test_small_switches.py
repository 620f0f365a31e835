"""The real controller and switches with little room, over real connections: every pair is proven all the
same, and what is known beforehand is never refused."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from controller.dataplane.pipeline import Table
from controller.model.blueprint import fat_tree
from controller.model.identity import Dpid
from simulator.farm.events import Behave
from simulator.farm.farm import Farm
from simulator.farm.running import RunningFarm
from simulator.switch.profile import Conduct, Profile
from tests.simulator.controllers import RunningController
from tests.simulator.test_farm import ALL_PAIRS, proven, settled

TREE = fat_tree(4)
CORE, AGGREGATION, EDGE = Dpid(17), Dpid(3), Dpid(5)


def kinds(it: RunningController) -> set[str]:
    return {entry.finding.kind for entry in it.engine.findings.entries()}


def refused(farm: RunningFarm) -> int:
    return sum(switch.counters.refused for switch in farm.farm.fabric.switches.values())


def test_what_switches_say_of_themselves_is_kept_to_and_nothing_is_refused() -> None:
    profiles: Mapping[Dpid, Profile] = {
        CORE: Profile(tables=8, rules_of=((int(Table.ROUTES), 5),)),
        AGGREGATION: Profile(groups=0),
        EDGE: Profile(meters=0),
    }
    with (
        RunningController("fat_tree(4)") as it,
        RunningFarm(Farm(TREE, ("127.0.0.1", it.port), profiles=profiles, again_s=0.1)) as farm,
    ):
        proven(farm, ALL_PAIRS)
        settled(farm)
        assert refused(farm) == 0
        assert kinds(it) == {"switch-left-out"}
        installed = it.engine.ledger.installed
        assert installed[AGGREGATION].groups == {}
        assert installed[EDGE].meters == {}


@pytest.mark.parametrize(
    "conduct",
    [
        Conduct(groups=0),
        Conduct(meters=0),
        Conduct(rules=14),
        Conduct(rules=0),
        Conduct(refuse_every=2),
        Conduct(refuse_every=7),
    ],
    ids=["no groups", "no meters", "small tables", "no tables", "every second", "every seventh"],
)
def test_what_two_switches_refuse_is_done_otherwise_or_by_others(conduct: Conduct) -> None:
    with (
        RunningFarm(Farm(TREE, ("127.0.0.1", 1), again_s=0.05)) as farm,
        RunningController("fat_tree(4)") as it,
    ):
        farm.happen(Behave((CORE, AGGREGATION), conduct))
        farm.farm.lines.controller = ("127.0.0.1", it.port)
        proven(farm, ALL_PAIRS)
        settled(farm)
        proven(farm, ALL_PAIRS)
        before = refused(farm)
        told = conduct.groups == 0 or conduct.meters == 0
        assert (before == 0) == told, "a switch of 254 tables is not asked for their sizes"
        settled(farm)
        assert refused(farm) == before, "nobody asks again"

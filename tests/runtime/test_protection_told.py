"""What can be told of protection while a controller works: never more than switches have confirmed."""

from __future__ import annotations

from typing import Any

from controller.model.blueprint import fat_tree, ring
from controller.model.identity import Dpid
from controller.model.limits import Limits
from controller.northbound.protection import protection
from controller.northbound.surface import Snapshot
from tests.runtime.driving import Drive


def told(drive: Drive) -> dict[str, Any]:
    engine = drive.engine
    return protection(
        Snapshot(
            topology=engine.topology,
            blueprint=drive.wiring,
            wanted=engine.assembly,
            installed=engine.ledger.copy(),
            idle=engine.idle,
        )
    )


def reasons(drive: Drive) -> set[str]:
    return {gap["reason"] for failure in told(drive)["failures"] for gap in failure["gaps"]}


def test_a_fabric_that_has_come_up_is_covered_and_is_again_after_a_repair() -> None:
    drive = Drive(fat_tree(4)).come_up()
    assert drive.engine.assembly.program is drive.engine.wanted
    assert reasons(drive) == set()
    cable = drive.wiring.cables[0]
    drive.fabric.cut(cable.a)
    drive.run(2.0)
    assert reasons(drive) == {"no-way-round", "round-the-cable"}
    drive.fabric.repair(cable.a)
    drive.run(5.0)
    assert reasons(drive) == set()


def test_nothing_is_promised_while_new_detours_are_looked_for_or_not_confirmed() -> None:
    drive = Drive(ring(6)).come_up()
    assert reasons(drive) == set()
    drive.fabric.cut(drive.wiring.cables[0].a)
    seen: set[str] = set()
    for _ in range(200):
        drive.run(0.001)
        seen |= reasons(drive)
    assert seen & {"sought", "unconfirmed"}
    assert reasons(drive) == {"no-way-round"}, "a line, once all is settled"


def test_a_switch_that_is_known_to_be_small_stays_the_reason_whatever_else_changes() -> None:
    small = Dpid(17)
    drive = Drive(fat_tree(4), limits={small: Limits(groups=0)}).come_up()
    assert reasons(drive) == {"no-room"}
    assert set(drive.engine.assembly.narrowed) == {small}
    cable = next(each for each in drive.wiring.cables if small not in (each.a.dpid, each.b.dpid))
    drive.fabric.cut(cable.a)
    drive.run(2.0)
    drive.fabric.repair(cable.a)
    drive.run(5.0)
    assert reasons(drive) == {"no-room"}
    assert set(drive.engine.assembly.narrowed) == {small}

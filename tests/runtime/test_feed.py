"""What a follower is told: the difference of two snapshots in words."""

from __future__ import annotations

from dataclasses import replace

from controller.model.blueprint import ring
from controller.model.identity import PortNo, PortRef
from controller.runtime.feed import changes
from tests.fabrics import snapshot, with_hosts, without

WHOLE = snapshot(ring(3))


def test_a_cable_that_is_cut_is_one_change() -> None:
    cable = ring(3).cables[0]
    assert [(each.kind, each.subject) for each in changes(WHOLE, without(WHOLE, [cable.a, cable.b]))] == [
        ("link-down", f"{cable.a} - {cable.b}")
    ]


def test_a_host_is_new_then_moves_then_is_gone() -> None:
    host, *others = WHOLE.hosts
    away = with_hosts(WHOLE, others)
    moved = with_hosts(WHOLE, [replace(host, at=PortRef(host.at.dpid, PortNo(9))), *others])
    assert [each.kind for each in changes(away, WHOLE)] == ["host-new"]
    assert [each.kind for each in changes(WHOLE, moved)] == ["host-changed"]
    assert [each.kind for each in changes(moved, away)] == ["host-gone"]


def test_nothing_is_said_of_a_snapshot_and_itself() -> None:
    assert list(changes(WHOLE, WHOLE)) == []

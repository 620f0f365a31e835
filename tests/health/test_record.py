"""Which changes of a topology are flaps, and which are not."""

from __future__ import annotations

from controller.health.damping import Damping
from controller.health.record import Record, followed
from controller.model.blueprint import leaf_spine
from controller.model.delta import delta
from controller.model.health import Ends, ends_of
from controller.model.succession import difference
from controller.model.topology import Topology, topology
from tests.fabrics import snapshot, without

WHOLE = snapshot(leaf_spine(3, 2))
LINK = WHOLE.links[0]
CABLE: Ends = ends_of(LINK.src, LINK.dst)
CUT = without(WHOLE, [LINK.src])
USUAL = Damping()


def after(*shown: Topology, step_s: float = 1.0, damping: Damping = USUAL) -> Record:
    """The record of a fabric that was seen like this, one after the other."""
    record, before = Record(), Topology()
    for number, now in enumerate(shown):
        record = followed(record, difference(before, now), damping, number * step_s)
        before = now
    return record


def test_a_link_that_is_found_for_the_first_time_has_not_flapped() -> None:
    assert after(CUT, WHOLE) == Record()


def test_a_link_that_goes_is_struck_once_although_it_has_two_directions() -> None:
    record = after(WHOLE, CUT)
    assert {cable: health.downs for cable, health in record.by_cable.items()} == {CABLE: 1}
    assert not record.by_cable[CABLE].up
    assert record.suppressed == {}


def test_a_link_that_comes_and_goes_is_suppressed_and_then_used_again() -> None:
    flapping = [WHOLE, CUT] * 3
    record = after(*flapping, WHOLE)
    assert list(record.suppressed) == [CABLE]
    assert record.by_cable[CABLE].up
    assert record.due_s == record.suppressed[CABLE]
    nothing = delta(WHOLE.version)
    assert followed(record, nothing, USUAL, record.due_s - 0.001) is record
    reused = followed(record, nothing, USUAL, record.due_s)
    assert reused.suppressed == {}
    assert reused.by_cable[CABLE].downs == 3
    assert reused.due_s is not None
    assert followed(reused, nothing, USUAL, reused.due_s) == Record()


def test_other_cables_are_not_touched_by_one_that_flaps() -> None:
    assert set(after(*[WHOLE, CUT] * 10).by_cable) == {CABLE}


def test_a_switch_that_is_given_up_takes_its_cables_with_it_and_none_of_them_has_flapped() -> None:
    spine = WHOLE.switches[-1].dpid
    rest = topology(
        WHOLE.version + 1,
        [switch for switch in WHOLE.switches if switch.dpid != spine],
        [link for link in WHOLE.links if spine not in (link.src.dpid, link.dst.dpid)],
        WHOLE.hosts,
        WHOLE.edge_ports,
    )
    assert after(*[WHOLE, rest] * 5) == Record()


def test_a_link_whose_capacity_changes_has_not_gone_down() -> None:
    slower = [type(link)(link.src, link.dst, 7) if link == LINK else link for link in WHOLE.links]
    other = topology(WHOLE.version + 1, WHOLE.switches, slower, WHOLE.hosts, WHOLE.edge_ports)
    assert after(*[WHOLE, other] * 5) == Record()


def test_without_damping_nothing_is_recorded() -> None:
    assert after(*[WHOLE, CUT] * 5, damping=Damping(half_life_s=0.0)) == Record()

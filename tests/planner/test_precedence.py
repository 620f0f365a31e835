"""Who waits for whom, on fabrics of three switches: 0, 1 and 2, of which 2 delivers."""

from __future__ import annotations

from controller.planner import precedence as rules
from controller.planner.bundles import bundled
from controller.planner.precedence import Waits
from controller.planner.turns import Turn


def precedence(turns: list[Turn]) -> Waits:
    return rules.precedence(bundled(dict(enumerate(turns))).core())


def turn(old: int | None, new: int | None) -> Turn:
    """A switch that forwards to the switches of a mask; 0 delivers, None loses."""
    return Turn(
        old or 0, new or 0, old is None, old is None or (old == 0 and new != 0), new is None, old != new
    )


TO_1, TO_2, HERE = 0b010, 0b100, 0
TO_0 = 0b001


def test_where_nothing_was_forwarded_nothing_waits() -> None:
    assert precedence([turn(None, TO_1), turn(None, TO_2), turn(None, HERE)]) == ()


def test_a_change_between_two_good_ways_waits_for_nothing() -> None:
    assert precedence([turn(TO_1 | TO_2, TO_2), turn(TO_2, TO_2), turn(HERE, HERE)]) == ()


def test_who_is_sent_to_must_have_learned_the_way_first() -> None:
    """Switch 0 leaves 2 for 1, which has had no rule so far."""
    assert precedence([turn(TO_2, TO_1), turn(None, TO_2), turn(HERE, HERE)]) == ((0, 0b010),)


def test_the_last_ones_to_forward_to_a_switch_leave_before_it_forgets_the_way() -> None:
    assert precedence([turn(TO_1, TO_2), turn(TO_2, None), turn(HERE, HERE)]) == ((1, 0b001),)


def test_two_switches_that_turn_round_turn_in_the_order_that_makes_no_circle() -> None:
    """0 sent through 1; now 1 sends through 0."""
    assert precedence([turn(TO_1, TO_2), turn(TO_2, TO_0), turn(HERE, HERE)]) == ((1, 0b001),)


def test_an_unchanged_switch_between_two_hands_the_wait_on() -> None:
    """New: 0 -> 1 -> 2 -> 3. Old: 2 -> 0 -> 3. Switch 1 always forwards to 2."""
    to_3 = 0b1000
    turns = [turn(to_3, TO_1), turn(TO_2, TO_2), turn(TO_0, to_3), turn(HERE, HERE)]
    assert precedence(turns) == ((0, 0b100),)

"""A cable that comes and goes by schedule, and is whole in the end."""

from __future__ import annotations

import threading

import pytest

from controller.model.errors import OperatorError
from mininet_scenarios.faults import Fault, timed
from mininet_scenarios.flapping import Flapping


class _Cable:
    """Notes what is done to it."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.touched = threading.Event()

    def cut(self) -> Fault:
        return self._do("cut")

    def restore(self) -> Fault:
        return self._do("restore")

    def _do(self, what: str) -> Fault:
        fault = timed(what, lambda: self.done.append(what))
        self.touched.set()
        return fault


def test_cuts_and_repairs_take_turns_and_each_is_noted() -> None:
    cable = _Cable()
    faults = Flapping(cable.cut, cable.restore, 0.01, 3).wait()
    assert cable.done == [fault.what for fault in faults] == 3 * ["cut", "restore"]


def test_the_cable_is_whole_however_early_it_ends() -> None:
    cable = _Cable()
    with Flapping(cable.cut, cable.restore, 600.0, 1000):
        assert cable.touched.wait(60.0)
    assert cable.done == ["cut", "restore"]


def test_what_goes_wrong_is_told_to_whoever_waits() -> None:
    def broken() -> Fault:
        raise OperatorError("no such cable")

    cable = _Cable()
    with pytest.raises(OperatorError, match="no such cable"):
        Flapping(broken, cable.restore, 0.01, 3).wait()


@pytest.mark.parametrize(("period_s", "times"), [(0.0, 1), (1.0, 0), (-1.0, 1)])
def test_a_cable_that_would_never_flap_is_refused(period_s: float, times: int) -> None:
    cable = _Cable()
    with pytest.raises(OperatorError):
        Flapping(cable.cut, cable.restore, period_s, times)
    assert cable.done == []

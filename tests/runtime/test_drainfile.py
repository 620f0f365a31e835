"""What is drained, on disk: whole, for people too, and there before the controller hears of it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from controller.model.errors import OperatorError
from controller.model.event import DrainAsked
from controller.model.health import Drains, drains
from controller.model.identity import Dpid, port_ref
from controller.runtime.drainfile import DrainFile

CABLE = (port_ref(1, 3), port_ref(5, 1))
OTHER = (port_ref(2, 3), port_ref(5, 2))


class Told:
    """The events that the loop would get."""

    def __init__(self, path: Path) -> None:
        self.events: list[Drains] = []
        self.file = DrainFile(path, self._hear)

    def _hear(self, event: DrainAsked) -> None:
        self.events.append(event.drains)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "maintenance.yaml"


def test_what_was_drained_is_told_at_the_next_start(path: Path) -> None:
    first = Told(path)
    first.file.begin()
    first.file.drain(drains([CABLE]))
    first.file.drain(drains([OTHER], [Dpid(17)]))
    first.file.undrain(drains([CABLE]))
    left = drains([OTHER], [Dpid(17)])
    assert first.events == [drains([CABLE]), drains([CABLE, OTHER], [Dpid(17)]), left]
    second = Told(path)
    second.file.begin()
    assert second.events == [left]


def test_where_nothing_is_drained_nothing_is_told(path: Path) -> None:
    told = Told(path)
    told.file.begin()
    assert told.events == []
    assert not path.exists()


def test_a_person_can_read_it(path: Path) -> None:
    Told(path).file.drain(drains([CABLE], [Dpid(17)]))
    assert path.read_text().splitlines()[1:] == [
        "links:",
        "- 0000000000000001:3 - 0000000000000005:1",
        "switches:",
        "- 0000000000000011",
    ]
    assert [each.name for each in path.parent.iterdir()] == ["maintenance.yaml"]


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("links:\n- here\n", 2, "not a port"),
        ("links:\n- 0000000000000001:3\n", 2, "two ports"),
        ("links:\n- 0000000000000001:3 - 0000000000000001:4\n", 2, "two switches"),
        ("switches: [17]\n", 1, "16 hexadecimal digits"),
        ("switchs: []\n", 1, "did you mean 'switches'"),
        ("links: [\n", 2, "not YAML"),
    ],
)
def test_a_wrong_line_is_named_before_anything_begins(path: Path, text: str, line: int, said: str) -> None:
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(OperatorError, match=said) as caught:
        Told(path)
    assert (caught.value.file, caught.value.line) == (str(path), line)


def test_what_cannot_be_kept_is_not_drained(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where a directory should be")
    told = Told(tmp_path / "state" / "maintenance.yaml")
    with pytest.raises(OperatorError, match="cannot be kept"):
        told.file.drain(drains([CABLE]))
    assert told.events == []


def test_two_who_drain_at_once_both_have_their_way(path: Path) -> None:
    told = Told(path)
    cables = [(port_ref(1, number), port_ref(2, number)) for number in range(20)]
    threads = [threading.Thread(target=told.file.drain, args=(drains([cable]),)) for cable in cables]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told.events[-1].cables) == cables, "in the order in which they had their turn"
    assert len(told.events) == len(cables)

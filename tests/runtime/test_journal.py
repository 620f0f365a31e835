"""The journal: written in turns, read back in order, honest about what is missing."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from controller.model.command import Addressed, ReadProgram
from controller.model.errors import OperatorError
from controller.model.event import FrameIn, SwitchUp, Tick
from controller.model.identity import Dpid, PortNo
from controller.runtime.journal import Journal, Turn, read

TURNS = (
    Turn(0.5, (SwitchUp(Dpid(1), ()),), (Addressed(Dpid(1), ReadProgram()),)),
    Turn(0.75, (FrameIn(Dpid(1), PortNo(2), b"\x01\x02"),)),
)


def recorded(directory: Path, turns: tuple[Turn, ...] = TURNS, **sizes: int) -> Path:
    journal = Journal(directory, {"life": 3}, **sizes)
    for turn in turns:
        journal.record(turn)
    journal.close()
    return directory


def test_what_was_recorded_is_read_back_in_order(tmp_path: Path) -> None:
    recording = read(recorded(tmp_path / "j"))
    assert recording.turns == TURNS
    assert recording.header["life"] == 3


def test_a_turn_in_which_nothing_happened_is_not_written(tmp_path: Path) -> None:
    assert read(recorded(tmp_path / "j", (Turn(1.0, ()), *TURNS))).turns == TURNS


def test_the_journal_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    (file,) = recorded(tmp_path / "j").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_segments_rotate_and_read_as_one(tmp_path: Path) -> None:
    turns = tuple(Turn(float(n), (Tick(),)) for n in range(50))
    directory = recorded(tmp_path / "j", turns, segment_bytes=100)
    assert len(list(directory.iterdir())) > 5
    assert read(directory).turns == turns


def test_a_journal_that_lost_its_first_segment_says_so(tmp_path: Path) -> None:
    turns = tuple(Turn(float(n), (Tick(),)) for n in range(50))
    directory = recorded(tmp_path / "j", turns, segment_bytes=100, segments=3)
    assert len(list(directory.iterdir())) == 3
    with pytest.raises(OperatorError, match="rotated away"):
        read(directory)


def test_a_last_line_cut_off_by_a_crash_is_left_out(tmp_path: Path) -> None:
    directory = recorded(tmp_path / "j")
    (file,) = directory.iterdir()
    file.write_text(file.read_text()[:-20])
    assert read(directory).turns[0].events == TURNS[0].events


def test_a_broken_line_in_the_middle_is_named(tmp_path: Path) -> None:
    directory = recorded(tmp_path / "j")
    (file,) = directory.iterdir()
    lines = file.read_text().splitlines()
    lines[1] = '{"t": 1, "events": [{"Nonsense": {}}]}'
    file.write_text("\n".join(lines) + "\n")
    with pytest.raises(OperatorError) as caught:
        read(directory)
    assert caught.value.line == 2


def test_a_directory_that_holds_another_run_is_refused(tmp_path: Path) -> None:
    recorded(tmp_path / "j")
    with pytest.raises(OperatorError, match="another run"):
        Journal(tmp_path / "j", {})


def test_a_journal_that_is_not_there_is_an_operators_error(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="no journal"):
        read(tmp_path)

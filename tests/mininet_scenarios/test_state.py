"""Who owns a lab, and whether it still lives."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from controller.model.blueprint import linear
from mininet_scenarios import state


@pytest.fixture(autouse=True)
def _own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "state_directory", lambda: tmp_path)


def test_two_labs_never_get_one_id() -> None:
    first, second = state.claim(linear(2)), state.claim(linear(2))
    assert first.id != second.id
    assert not set(first.interfaces) & set(second.interfaces)


def test_an_id_that_was_given_back_is_used_again() -> None:
    first = state.claim(linear(2))
    first.forget()
    assert state.claim(linear(2)).id == first.id


def test_what_was_written_down_is_read_back() -> None:
    claimed = state.claim(linear(3))
    assert state.read_all() == (claimed,)


def test_a_file_that_is_not_a_state_is_passed_over(tmp_path: Path) -> None:
    for number, text in enumerate(
        ("", "[]", "{}", '{"version": 1}', '{"version": 2}', '{"version": 1, "bridges": 3}')
    ):
        (tmp_path / f"t0{number}.json").write_text(text)
    assert state.read_all() == ()


def test_the_owner_lives_while_this_process_does() -> None:
    assert state.claim(linear(2)).owner_lives()


def test_an_owner_that_has_ended_is_dead() -> None:
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    assert not replace(state.claim(linear(2)), owner=ended.pid).owner_lives()


def test_another_process_with_the_owners_number_is_not_the_owner() -> None:
    claimed = state.claim(linear(2))
    assert not replace(claimed, owner_started=claimed.owner_started - 1).owner_lives()


def test_a_zombie_is_dead() -> None:
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
    assert state.started_at(ended.pid) is None
    ended.wait()


def test_the_mark_of_a_lab_is_in_the_environment_of_its_processes() -> None:
    claimed = state.claim(linear(2))
    assert claimed.mark in [f"{name}={value}" for name, value in claimed.environment().items()]

"""Law 8: replaying a run reproduces every command, byte for byte."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.model.blueprint import Blueprint, fat_tree, leaf_spine, ring
from controller.model.health import Drains, drains
from controller.runtime.journal import Journal, read
from controller.runtime.replay import replay
from tests.runtime.driving import Drive, engine
from tests.searching import examples

pytestmark = pytest.mark.law


def eventful(wiring: Blueprint, steps: list[tuple[str, int]]) -> Drive:
    """A run in which cables are cut, fall silent and are repaired, flap, are drained and undrained, hosts
    speak and seek, sessions end, as the steps say."""
    drive = Drive(wiring, bfd_interval_ms=10)
    drive.run(0.5)
    for what, number in steps:
        cable = wiring.cables[number % len(wiring.cables)]
        host = wiring.hosts[number % len(wiring.hosts)]
        match what:
            case "cut":
                drive.fabric.cut(cable.a)
            case "repair":
                drive.fabric.repair(cable.a)
            case "silence":
                drive.fabric.silence(cable.a if number % 2 else cable.b)
            case "unsilence":
                drive.fabric.unsilence(cable.a)
                drive.fabric.unsilence(cable.b)
            case "speak":
                drive.speak(host)
            case "seek":
                drive.seek(host, IPv4Address(0x0A00_00F0 + number % 3))
            case "rest":
                drive.run(number % 10)
            case "flap":
                for _ in range(3):
                    drive.fabric.cut(cable.a)
                    drive.run(0.1)
                    drive.fabric.repair(cable.a)
                    drive.run(0.5)
            case "drain":
                switches = [cable.b.dpid] if number % 2 else []
                drive.ask_drains(drains([(cable.a, cable.b)], switches))
            case "undrain":
                drive.ask_drains(Drains())
            case "hiccup":
                drive.fabric.disconnect(cable.a.dpid, "hiccup")
                drive.fabric.connect(cable.a.dpid)
        drive.run(0.1 * (number % 7))
    return drive


CABLE_ACTS = ["cut", "repair", "silence", "unsilence", "flap", "drain", "undrain"]
ACTS = [*CABLE_ACTS, "speak", "seek", "rest", "hiccup"]
STEPS = st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 100)), max_size=12)
WIRINGS = st.sampled_from([ring(4), leaf_spine(3, 2), fat_tree(4)])


@given(WIRINGS, STEPS)
@settings(
    max_examples=examples(15),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_a_replay_sends_what_was_sent(
    tmp_path_factory: pytest.TempPathFactory, wiring: Blueprint, steps: list[tuple[str, int]]
) -> None:
    drive = eventful(wiring, steps)
    directory = tmp_path_factory.mktemp("journal") / "run"
    journal = Journal(directory, {})
    for turn in drive.turns:
        journal.record(turn)
    journal.close()
    played = replay(read(Path(directory)), engine(wiring, bfd_interval_ms=10))
    assert played.difference is None
    assert played.commands == sum(len(turn.commands) for turn in drive.turns)


def test_a_search_that_was_given_up_in_silence_is_begun_again_at_the_same_moment(tmp_path: Path) -> None:
    """Giving up sends nothing, and decides when the address may be asked for again."""
    steps = [("speak", 1), ("seek", 0), ("rest", 4), ("rest", 4), ("seek", 0), ("rest", 1)]
    drive = eventful(ring(4), steps)
    journal = Journal(tmp_path / "run", {})
    for turn in drive.turns:
        journal.record(turn)
    journal.close()
    assert replay(read(tmp_path / "run"), engine(ring(4), bfd_interval_ms=10)).difference is None


def test_a_replay_with_another_key_is_told_apart() -> None:
    drive = eventful(ring(4), [("speak", 1)])
    from controller.runtime.journal import Recording

    played = replay(Recording({}, tuple(drive.turns)), engine(None))
    assert played.difference is not None

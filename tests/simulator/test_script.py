"""Scripts: what can be said happens as it was said, and what cannot be is complained of with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.model.blueprint import fat_tree
from controller.model.errors import OperatorError
from controller.model.identity import Dpid, port_ref
from simulator.farm import script as script_module
from simulator.farm.events import (
    Behave,
    ControlBack,
    ControlLost,
    FabricEvent,
    Move,
    PortDown,
    PortUp,
    Reconnect,
    Speak,
    SwitchBack,
    SwitchGone,
    Talk,
    Timed,
)
from simulator.farm.script import parse_event, read_script
from simulator.switch.profile import Conduct

TREE = fat_tree(4)
S2, S3 = (Dpid(2),), (Dpid(3),)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ('port-down: "s1:3"', PortDown(port_ref(1, 3))),
        ('port-down: "s1:3", ends: one', PortDown(port_ref(1, 3), both_ends=False)),
        ('port-up: "s1:3"', PortUp(port_ref(1, 3))),
        ("switch-gone: [s2, s3]", SwitchGone(S2 + S3)),
        ("switch-gone: s2, tables: kept", SwitchGone(S2, keep_tables=True)),
        ("switch-back: s2", SwitchBack(S2)),
        ("control-lost: s2", ControlLost(S2)),
        ("control-back: all", ControlBack(None)),
        ("reconnect: all", Reconnect(None, 0.0)),
        ("reconnect: s2, after: 0.5", Reconnect(S2, 0.5)),
        ("slow: s2, barrier: 0.3", Behave(S2, Conduct(barrier_s=0.3))),
        ("slow: s2, bytes: 900", Behave(S2, Conduct(bytes_a_s=900))),
        ("silent: s2", Behave(S2, Conduct(silent=True))),
        ("refuse: s2", Behave(S2, Conduct(refuse_every=1))),
        ("refuse: s2, every: 4", Behave(S2, Conduct(refuse_every=4))),
        ("full: s2, rules: 9, groups: 0", Behave(S2, Conduct(rules=9, groups=0))),
        ("full: all, meters: 0", Behave(None, Conduct(meters=0))),
        ("well: all", Behave(None, Conduct())),
        ("speak: all", Speak(None)),
        ("speak: [h1, h2]", Speak(("h1", "h2"))),
        ("talk: [h1, h2]", Talk("h1", "h2")),
        ('move: h1, to: "s1:2"', Move("h1", port_ref(1, 2))),
    ],
)
def test_each_thing_can_be_said(said: str, meant: FabricEvent) -> None:
    assert parse_event("{" + said + "}", TREE) == meant


def test_every_verb_is_in_the_description() -> None:
    assert script_module.__doc__ is not None
    missing = [verb for verb in script_module._VERBS if f"{verb}:" not in script_module.__doc__]
    assert missing == []


def test_the_example_in_the_description_is_a_script(tmp_path: Path) -> None:
    assert script_module.__doc__ is not None
    lines = [line[4:] for line in script_module.__doc__.splitlines() if line.startswith("    ")]
    file = tmp_path / "events.yaml"
    file.write_text("\n".join(lines))
    assert len(read_script(file, TREE)) == len(lines) - 1


def test_events_come_in_the_order_of_their_times(tmp_path: Path) -> None:
    file = tmp_path / "events.yaml"
    file.write_text('events:\n- {at: 9.5, speak: all}\n- {at: 2, port-down: "s1:3"}\n- {at: 2, well: all}\n')
    assert read_script(file, TREE) == (
        Timed(2.0, PortDown(port_ref(1, 3))),
        Timed(2.0, Behave(None)),
        Timed(9.5, Speak(None)),
    )


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('- {at: 1, port-down: "s1:99"}', "key 'port-down': s1 has no port '99'"),
        ('- {at: 1, port-down: "s99:1"}', "there is no switch 's99'; did you mean 's9'?"),
        ("- {at: 1, port-down: s1}", "there is no switch ''"),
        ("- {at: 1, port-dwon: s1}", "needs exactly one thing to happen"),
        ("- {at: 1, silent: s1, well: s1}", "needs exactly one thing to happen"),
        ("- {at: 1, silent: s1, evry: 3}", "key 'evry': is not a key here"),
        ("- {silent: s1}", "'at' is missing"),
        ("- {at: soon, silent: s1}", "key 'at': 'soon' is not a number of seconds"),
        ("- {at: -1, silent: s1}", "key 'at': '-1' is not a number of seconds"),
        ("- {at: inf, silent: s1}", "key 'at': 'inf' is not a number of seconds"),
        ("- {at: 1, slow: s1}", "needs 'barrier' (seconds) or 'bytes' (a second)"),
        ("- {at: 1, slow: s1, bytes: 0}", "key 'bytes': needs a number from 1"),
        ("- {at: 1, full: s1}", "needs 'rules', 'groups' or 'meters'"),
        ("- {at: 1, refuse: s1, every: 0}", "key 'every': needs a number from 1"),
        ("- {at: 1, switch-gone: s1, tables: gone}", "key 'tables': 'gone' is none of lost, kept"),
        ("- {at: 1, talk: [h1]}", "key 'talk': needs two hosts"),
        ("- {at: 1, talk: [h1, h99]}", "there is no host 'h99'; did you mean 'h9'?"),
        ('- {at: 1, move: h1, to: "s1:3"}', "key 'to': that port has a cable"),
        ("- {at: 1, move: h1}", "'to' is missing"),
        ("- soon", "needs names with values"),
    ],
)
def test_what_cannot_be_is_complained_of_with_file_line_and_key(
    tmp_path: Path, line: str, complaint: str
) -> None:
    file = tmp_path / "events.yaml"
    file.write_text(f"# a comment\nevents:\n{line}\n")
    with pytest.raises(OperatorError) as error:
        read_script(file, TREE)
    assert complaint in str(error.value)
    assert str(error.value).startswith(f"{file}:3")


def test_an_event_that_happens_at_once_has_no_time() -> None:
    with pytest.raises(OperatorError, match="'at': is not a key here"):
        parse_event("{at: 1, silent: s1}", TREE)


def test_a_script_has_events_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "events.yaml"
    file.write_text("event: []\n")
    with pytest.raises(OperatorError, match="did you mean 'events'"):
        read_script(file, TREE)

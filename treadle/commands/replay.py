"""`treadle replay JOURNAL`: does this version still do what was done then?

The journal's header holds the settings and the key of that run, so that the engine is the same; a blueprint
that was read from a file is read again. Exit status 0: every command was the same; 1: one was not, and it is
shown."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from controller.model.errors import OperatorError
from controller.runtime.journal import Recording, read
from controller.runtime.replay import Replay, replay
from controller.runtime.settings import restored
from treadle.commands.asking import print_json
from treadle.tables import count
from treadle.wiring import blueprint_of, engine_for, recorded_life

_SHOWN_CHARACTERS = 400


def run(args: argparse.Namespace) -> int:
    result = play(read(Path(args.journal)), args.journal)
    if args.json:
        print_json(_as_json(result))
    else:
        print(_as_text(result))
    return 0 if result.difference is None else 1


def play(recording: Recording, place: str) -> Replay:
    """Play a recording back to an engine made as its header says. Raises `OperatorError` for a header that is
    none."""
    try:
        settings, life = restored(recording.header["settings"]), recorded_life(recording.header)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise OperatorError("the header of the journal cannot be understood", file=place, line=1) from None
    return replay(recording, engine_for(settings, life, blueprint_of(settings)))


def _as_text(result: Replay) -> str:
    played = (
        f"{count(result.turns, 'turn')}, {count(result.events, 'event')}, {count(result.commands, 'command')}"
    )
    if result.difference is None:
        return f"{played}: every command the same"
    found = result.difference
    return (
        f"{played}: turn {found.turn} (at {found.now_s:.6f} s) differs\n"
        f"  then: {found.recorded[:_SHOWN_CHARACTERS]}\n"
        f"  now:  {found.replayed[:_SHOWN_CHARACTERS]}"
    )


def _as_json(result: Replay) -> dict[str, Any]:
    found = result.difference
    return {
        "turns": result.turns,
        "events": result.events,
        "commands": result.commands,
        "same": found is None,
        "difference": None
        if found is None
        else {"turn": found.turn, "now_s": found.now_s, "then": found.recorded, "now": found.replayed},
    }

"""Playing a journal back: the same events at the same times must give the same commands, byte for byte
(law 8).

A difference is not repaired or explained away: it names the turn, and both lines. It means that the code
has changed since the run, or that something in the engine depends on what is not in the journal, which is
a bug."""

from __future__ import annotations

from dataclasses import dataclass

from controller.runtime.engine import Engine
from controller.runtime.journal import Recording, commands_line


@dataclass(frozen=True)
class Difference:
    """The first turn that came out differently: its number (from 1), and what was and is sent."""

    turn: int
    now_s: float
    recorded: str
    replayed: str


@dataclass(frozen=True)
class Replay:
    """What a replay showed; `difference` None: every command was the same."""

    turns: int
    events: int
    commands: int
    difference: Difference | None = None


def replay(recording: Recording, engine: Engine) -> Replay:
    """Feed a recording to a fresh engine, and stop at the first turn that differs."""
    events = commands = 0
    for number, turn in enumerate(recording.turns, 1):
        sent = engine.turn(turn.now_s, turn.events)
        events += len(turn.events)
        commands += len(sent)
        was, now = commands_line(turn.now_s, turn.commands), commands_line(turn.now_s, sent)
        if was != now:
            return Replay(number, events, commands, Difference(number, turn.now_s, was, now))
    return Replay(len(recording.turns), events, commands)

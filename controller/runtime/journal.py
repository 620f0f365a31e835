"""The journal: what happened and what was answered, a JSON line each, so that a run can be played back.

    treadle-000001.jsonl    {"journal": 1, "life": ..., "settings": {...}}     first line of the first segment
                            {"t": 12.345678, "events": [...]}                  a turn: its time, what came in
                            {"t": 12.345678, "commands": [...]}                what it sent, in order
    treadle-000002.jsonl    ...                                                     when a segment is full

`treadle replay` feeds the events to a fresh engine at the recorded times and compares what it sends with
what was sent: the same lines, byte for byte (law 8). Turns in which nothing was given and nothing sent
are not written; one in which time alone did something holds a tick. The oldest segments are removed when
there are too many; what is left can still be read, but no longer replayed from the start, and `read` says so.

A journal is written by its own thread: values are immutable, so that encoding them can wait until the
switches have their commands. `close` waits until all is written. The file holds the LLDP key and the
frames that reached the controller, and is readable by its owner only."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.model.command import Addressed
from controller.model.errors import ModelError, OperatorError
from controller.model.event import Event
from controller.runtime.codec import decode, encode

VERSION = 1
_PATTERN = "treadle-{:06d}.jsonl"
_GLOB = "treadle-[0-9][0-9][0-9][0-9][0-9][0-9].jsonl"


@dataclass(frozen=True)
class Turn:
    """One turn of the loop: when (seconds of the loop's clock), what came in, what went out."""

    now_s: float
    events: tuple[Event, ...]
    commands: tuple[Addressed, ...] = ()


@dataclass(frozen=True)
class Recording:
    """A journal read back: the header of its first segment, and the turns in order."""

    header: Mapping[str, Any]
    turns: tuple[Turn, ...] = field(default_factory=tuple)


def line(value: Mapping[str, Any]) -> str:
    """One line of a journal; the same value gives the same text."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=True)


def commands_line(now_s: float, commands: Sequence[Addressed]) -> str:
    """The line that records what a turn sent."""
    return f'{{"t":{encode(now_s)},"commands":{encode(list(commands))}}}'


def events_line(now_s: float, events: Sequence[Event]) -> str:
    """The line that records what came in."""
    return f'{{"t":{encode(now_s)},"events":{encode(list(events))}}}'


class Journal:
    """Appends turns to segments in a directory of its own.

    `segment_bytes` is the size at which a new segment begins, `segments` how many are kept.
    """

    def __init__(
        self, directory: Path, header: Mapping[str, Any], *, segment_bytes: int = 16 << 20, segments: int = 64
    ) -> None:
        self._directory = directory
        self._segment_bytes = segment_bytes
        self._segments = segments
        self._number = 0
        self._queue: queue.Queue[Turn | None] = queue.Queue()
        self._turns = 0
        try:
            directory.mkdir(parents=True, exist_ok=True)
            if any(directory.glob(_GLOB)):
                raise OperatorError(
                    "holds the journal of another run", file=str(directory), mend="name a new directory"
                )
            self._file = self._next_segment()
        except OSError as error:
            raise OperatorError(f"cannot be written: {error.strerror}", file=str(directory)) from None
        self._file.write(line({"journal": VERSION, **header}) + "\n")
        self._file.flush()
        self._thread = threading.Thread(target=self._write_all, name="journal", daemon=True)
        self._thread.start()

    @property
    def position(self) -> str:
        """Where the journal stands, for people: segment and turn."""
        return f"{self._directory}/{_PATTERN.format(self._number)} turn {self._turns}"

    def record(self, turn: Turn) -> None:
        """Take a turn; it is written soon."""
        if turn.events or turn.commands:
            self._turns += 1
            self._queue.put(turn)

    def close(self) -> None:
        """Write what is left, and stop."""
        self._queue.put(None)
        self._thread.join()
        self._file.close()

    def _write_all(self) -> None:
        while (turn := self._queue.get()) is not None:
            if self._file.tell() > self._segment_bytes:
                self._file.close()
                self._file = self._next_segment()
            self._file.write(events_line(turn.now_s, turn.events) + "\n")
            if turn.commands:
                self._file.write(commands_line(turn.now_s, turn.commands) + "\n")
            self._file.flush()

    def _next_segment(self) -> Any:
        self._number += 1
        if self._number > self._segments:
            (self._directory / _PATTERN.format(self._number - self._segments)).unlink(missing_ok=True)
        path = self._directory / _PATTERN.format(self._number)
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8")


def read(place: Path) -> Recording:
    """Read a journal back from its directory, or from one file.

    A last line that was cut off by a crash is left out. Raises `OperatorError` for a journal that is not
    there, that is of another version, or whose first segment is gone."""
    paths = sorted(place.glob(_GLOB)) if place.is_dir() else [place]
    if not paths or not paths[0].exists():
        raise OperatorError(
            "there is no journal", file=str(place), mend="give the directory of 'treadle run --journal'"
        )
    lines = _lines(paths)
    try:
        _, _, header = next(lines)
    except StopIteration:
        raise OperatorError("the journal is empty", file=str(paths[0])) from None
    if header.get("journal") != VERSION:
        mend = (
            "the first segment may have been rotated away"
            if "journal" not in header
            else f"this is version {VERSION}"
        )
        raise OperatorError(
            "does not start with the header of a journal", file=str(paths[0]), line=1, mend=mend
        )
    return Recording(header, tuple(_turns(lines)))


def _turns(lines: Iterator[tuple[Path, int, dict[str, Any]]]) -> Iterator[Turn]:
    pending: Turn | None = None
    for path, number, entry in lines:
        try:
            if "events" in entry:
                if pending:
                    yield pending
                pending = Turn(float(entry["t"]), decode(entry["events"]))
            elif pending:
                pending = Turn(pending.now_s, pending.events, decode(entry["commands"]))
        except (ModelError, KeyError, TypeError, ValueError) as error:
            raise OperatorError(f"not a line of a journal: {error}", file=str(path), line=number) from None
    if pending:
        yield pending


def _lines(paths: Sequence[Path]) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    for path in paths:
        with path.open(encoding="utf-8") as file:
            for number, text in enumerate(file, 1):
                try:
                    entry = json.loads(text)
                except ValueError:
                    if path == paths[-1] and not text.endswith("\n"):
                        return
                    raise OperatorError("not a line of a journal", file=str(path), line=number) from None
                yield path, number, entry

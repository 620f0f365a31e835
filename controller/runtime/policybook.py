"""The policies that were ever in force, on disk, as text that lives well in git.

    0007-3f2a90c1d4b5/record.yaml      number, version, who, when, why, what it replaced, what became of it
    0007-3f2a90c1d4b5/resolved.json    the policy with all names resolved
    0007-3f2a90c1d4b5/*.yaml           the documents as they were written

The latest record that was not taken back is in force; the controller reads it at its start, before it speaks
to any switch, so a restart never opens what a policy had closed. A record is written whole, under another
name, and then renamed; it is on the disk before the loop hears of the wish. One that was to be confirmed and
was not when its controller died is taken back at the next start.

The wish enters the loop as an event (`PolicyAsked`). The loop never waits for the disk.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from controller.model.errors import OperatorError
from controller.model.event import PolicyAsked, PolicyConfirmed

_RECORD, _RESOLVED = "record.yaml", "resolved.json"
IN_FORCE, ON_TRIAL, RETURNED = "in force", "on trial", "taken back"
Tell = Callable[[PolicyAsked | PolicyConfirmed], object]


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the book. `when` is a time in UTC, as ISO 8601 has it; `replaces` is a version."""

    number: int
    version: str
    who: str
    when: str
    why: str
    replaces: str = ""
    state: str = IN_FORCE
    because: str = ""

    @property
    def name(self) -> str:
        return f"{self.number:04d}-{self.version or 'none'}"


class PolicyBook:
    """The book kept in the folder `path`; each wish is handed to `tell`. Safe to call from any thread.

    Raises `OperatorError` at once for a book that cannot be read.
    """

    def __init__(self, path: Path, tell: Tell) -> None:
        self._path, self._tell = path, tell
        self._lock = threading.Lock()
        self._records = _read(path)

    def begin(self) -> None:
        """Tell what an earlier controller was asked."""
        with self._lock:
            for record in self._records:
                if record.state == ON_TRIAL:
                    self._mark(record, RETURNED, "the controller ended before it was confirmed")
            standing = self._current()
            if standing is not None:
                self._tell(PolicyAsked(self.resolved(standing), standing.version, standing=True))

    def records(self) -> tuple[Record, ...]:
        """All entries, the oldest first."""
        return tuple(self._records)

    def current(self) -> Record | None:
        """The entry in force; None where there has never been one."""
        with self._lock:
            return self._current()

    def resolved(self, record: Record) -> str:
        """The policy of an entry, as policies/canonical.py writes it; empty for none."""
        try:
            return (self._path / record.name / _RESOLVED).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise _unreadable(self._path / record.name / _RESOLVED, error) from None

    def documents(self, record: Record) -> dict[str, str]:
        """The documents of an entry, as they were written, by file name."""
        own = {_RECORD, _RESOLVED}
        files = sorted((self._path / record.name).iterdir())
        return {file.name: file.read_text(encoding="utf-8") for file in files if file.name not in own}

    def apply(
        self,
        draft: Record,
        policy: str,
        documents: Mapping[str, str],
        *,
        base: str,
        confirm_within_s: float | None = None,
    ) -> Record:
        """Let a policy be in force instead of `base`. Raises `OperatorError` where another one is, or where
        it cannot be kept. `number`, `replaces` and `state` of the draft are filled in here.
        """
        with self._lock:
            standing = self._current()
            version = standing.version if standing else ""
            if base != version:
                problem = (
                    f"this was made to replace policy {base or 'none'}, but {version or 'none'} is in force"
                )
                raise OperatorError(problem, mend="make the plan again")
            if standing is not None and standing.state == ON_TRIAL:
                self._mark(standing, RETURNED, "another took its place before it was confirmed")
                standing = self._current()
                version = standing.version if standing else ""
            number = max((each.number for each in self._records), default=0) + 1
            state = IN_FORCE if confirm_within_s is None else ON_TRIAL
            record = replace(draft, number=number, replaces=version, state=state)
            self._write(record, policy, documents)
            self._records.append(record)
            self._tell(PolicyAsked(policy, record.version, confirm_within_s))
            return record

    def confirm(self) -> Record:
        """Let the policy that is on trial stay. Raises `OperatorError` where there is none."""
        with self._lock:
            record = self._current()
            if record is None or record.state != ON_TRIAL:
                raise OperatorError("no policy waits to be confirmed", mend="see 'treadle policy history'")
            kept = self._mark(record, IN_FORCE, "")
            self._tell(PolicyConfirmed(record.version))
            return kept

    def returned(self, reason: str) -> None:
        """The policy that was applied last did not stay."""
        with self._lock:
            record = self._current()
            if record is not None:
                self._mark(record, RETURNED, reason)

    def _current(self) -> Record | None:
        standing = [record for record in self._records if record.state != RETURNED]
        return standing[-1] if standing else None

    def _mark(self, record: Record, state: str, because: str) -> Record:
        after = replace(record, state=state, because=because)
        _write_record(self._path / record.name / _RECORD, after)
        self._records[self._records.index(record)] = after
        return after

    def _write(self, record: Record, policy: str, documents: Mapping[str, str]) -> None:
        folder, draft = self._path / record.name, self._path / f".{record.name}.{os.getpid()}"
        try:
            draft.mkdir(mode=0o700, parents=True)
            for name, text in documents.items():
                (draft / _file_name(name)).write_text(text, encoding="utf-8")
            (draft / _RESOLVED).write_text(policy + "\n", encoding="utf-8")
            _write_record(draft / _RECORD, record)
            draft.rename(folder)
        except OSError as error:
            shutil.rmtree(draft, ignore_errors=True)
            mend = "name another place with the setting policy_dir"
            problem = f"the policy cannot be kept: {error.strerror}"
            raise OperatorError(problem, file=str(folder), mend=mend) from None


def _file_name(name: str) -> str:
    """The last part of a path, never one of our own names."""
    plain = Path(name).name or "policy.yaml"
    return f"document-{plain}" if plain in (_RECORD, _RESOLVED) or plain.startswith(".") else plain


def _write_record(path: Path, record: Record) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    said = {key: value for key, value in asdict(record).items() if value != ""}
    with draft.open("w", encoding="utf-8") as file:
        yaml.safe_dump(said, file, sort_keys=False, allow_unicode=True)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path) -> list[Record]:
    if not path.exists():
        return []
    folders = sorted(each for each in path.iterdir() if each.is_dir() and not each.name.startswith("."))
    return [_record(folder / _RECORD) for folder in folders]


def _record(path: Path) -> Record:
    try:
        said: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        return Record(**{"version": "", "why": "", **said})
    except OSError as error:
        raise _unreadable(path, error) from None
    except (yaml.YAMLError, TypeError, ValueError) as error:
        problem = f"is no record of a policy: {str(error).splitlines()[0]}"
        raise OperatorError(problem, file=str(path), mend="take its folder away, or restore it") from None


def _unreadable(path: Path, error: OSError) -> OperatorError:
    mend = "restore it, or take its folder away"
    return OperatorError(f"cannot be read: {error.strerror}", file=str(path), mend=mend)

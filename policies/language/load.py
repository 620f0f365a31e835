"""Policies from files: all documents of some files and folders, read together.

    files -> documents -> groups and labels first, then what is said in their names -> one Policy

The order in which files and documents stand means nothing. Everything that is wrong is told, not only the
first thing: `Problems` has an `OperatorError` for each, with file, line, column and the words at fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from controller.documents.yaml_tree import Entry, parse_documents, read_documents
from controller.model.errors import ModelError, OperatorError
from policies.canonical import with_version
from policies.conflicts import conflicts
from policies.language.groups import Groups, nearest
from policies.language.inventory import Inventory
from policies.language.kinds import COMMON, KEYS, NAMING, SAYING, Draft, Written, precedence
from policies.policy import Document, Policy

SUFFIXES = (".yaml", ".yml")


class Problems(OperatorError):
    """All that is wrong with some documents; its text has a line for each."""

    def __init__(self, found: Sequence[OperatorError]) -> None:
        self.found = tuple(found)
        super().__init__("\n".join(each.text() for each in found))


def files_of(paths: Iterable[Path]) -> list[Path]:
    """The files that are meant: those named, and all YAML in folders, sorted. Raises `OperatorError`."""
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(each for each in path.rglob("*") if each.suffix in SUFFIXES and each.is_file())
            if not inside:
                raise OperatorError("no .yaml file is in this folder", file=str(path))
            found += inside
        else:
            found.append(path)
    return list(dict.fromkeys(found))


def read_policy(paths: Iterable[Path], inventory: Inventory) -> Policy:
    """The policy of all documents in some files and folders. Raises `Problems`."""
    entries, wrong = list[Entry](), list[OperatorError]()
    for path in files_of(paths):
        try:
            entries += read_documents(path)
        except OperatorError as error:
            wrong.append(error)
    return _policy(entries, inventory, wrong)


def parse_policy(texts: Mapping[str, str], inventory: Inventory) -> Policy:
    """The policy of documents that are there as text, by file name. Raises `Problems`."""
    entries, wrong = list[Entry](), list[OperatorError]()
    for name, text in texts.items():
        try:
            entries += parse_documents(text, name)
        except OperatorError as error:
            wrong.append(error)
    return _policy(entries, inventory, wrong)


def _policy(entries: Iterable[Entry], inventory: Inventory, wrong: list[OperatorError]) -> Policy:
    draft, written = Draft(Groups(inventory)), list[Written]()
    names: dict[str, Entry] = {}
    for entry in entries:
        try:
            written.append(_written(entry, names))
        except OperatorError as error:
            wrong.append(error)
    for readers in (NAMING, SAYING):
        for each in written:
            kind = each.entry.needs("kind").text()
            if kind not in readers:
                continue
            try:
                readers[kind](each, draft)
            except OperatorError as error:
                wrong.append(error)
            except ModelError as error:
                wrong.append(each.entry.wrong(str(error)))
    told = {(error.file, error.line, error.problem) for error in wrong}
    wrong += [e for e in draft.groups.check() if (e.file, e.line, e.problem) not in told]
    policy = with_version(
        Policy(
            "",
            tuple(sorted(draft.access, key=lambda each: each.document)),
            tuple(sorted(draft.services, key=lambda each: each.document)),
            tuple(sorted(draft.engineering, key=lambda each: each.document)),
            tuple(draft.expectations),
        )
    )
    wrong += conflicts(policy)
    if wrong:
        raise Problems(wrong)
    return policy


def _written(entry: Entry, names: dict[str, Entry]) -> Written:
    """A document that has a kind and a name of its own, and no keys but those of its kind."""
    kind = entry.needs("kind")
    keys = KEYS.get(kind.text())
    if keys is None:
        raise kind.wrong(f"there is no kind '{kind.text()}'", nearest(kind.text(), KEYS))
    entry.only(*COMMON, *keys)
    name = entry.needs("name")
    first = names.setdefault(name.text(), entry)
    if first is not entry:
        raise name.wrong(f"'{name.text()}' is the name of the document in {first.file}:{first.line} already")
    return Written(entry, Document(name.text(), entry.file, entry.line), precedence(entry))

"""YAML read with its line numbers, so that a complaint can say where.

`yaml.safe_load` forgets the lines. Here the parser's own nodes are kept, wrapped in an `Entry` that knows
its place, its key and its file, and that turns itself into text, whole numbers, lists and names, or into
the `OperatorError` that says why not. Scalars stay the text that was written: `02:00:00:00:00:02` and `10M`
mean what they look like, not what YAML 1.1 makes of them.

Refused: files of more than 1 MiB, aliases (with which a few lines unfold into gigabytes), deep nesting, and
a key that stands twice (which YAML would pass over in silence). A file of comments alone has no keys.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import yaml

from controller.model.errors import ModelError, OperatorError

MAX_FILE_BYTES = 1 << 20
_MAX_DEPTH = 20
_T = TypeVar("_T")


@dataclass(frozen=True)
class Entry:
    """A value in a file, and the line where it stands, or its key. `key` is empty for the whole document."""

    node: yaml.Node
    file: str
    line: int
    key: str = ""

    def wrong(self, problem: str, mend: str = "") -> OperatorError:
        """The error that says what is wrong here."""
        key = self.key or None
        return OperatorError(problem, mend=mend, file=self.file, line=self.line, column=self.column, key=key)

    @property
    def column(self) -> int:
        """Where in its line the value begins, from 1."""
        return int(self.node.start_mark.column) + 1

    def is_named(self) -> bool:
        return isinstance(self.node, yaml.MappingNode)

    def is_listed(self) -> bool:
        return isinstance(self.node, yaml.SequenceNode)

    def text(self) -> str:
        """The value as it was written; must not be empty, a list or a mapping."""
        if not isinstance(self.node, yaml.ScalarNode) or not self.node.value:
            raise self.wrong("needs a single value")
        return str(self.node.value)

    def read(self, parse: Callable[[str], _T]) -> _T:
        """What `parse` makes of the text; its ValueError or ModelError becomes the complaint."""
        try:
            return parse(self.text())
        except (ValueError, ModelError) as error:
            raise self.wrong(str(error)) from None

    def whole(self, least: int, most: int) -> int:
        """A whole number, also written 0x1f."""
        try:
            value = int(self.text(), 0)
        except ValueError:
            raise self.wrong(f"needs a whole number, not '{self.text()}'") from None
        if not least <= value <= most:
            raise self.wrong(f"needs a number from {least} to {most}, not {value}")
        return value

    def listed(self) -> list[Entry]:
        """The items of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.wrong("needs a list")
        return [Entry(node, self.file, _line(node), self.key) for node in self.node.value]

    def named(self) -> list[tuple[str, Entry]]:
        """The names and values of a mapping, in the order in which they stand."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.wrong("needs names with values")
        found: dict[str, Entry] = {}
        for key_node, node in self.node.value:
            line = _line(key_node)
            name = Entry(key_node, self.file, line, self.key).text()
            if name in found:
                raise Entry(key_node, self.file, line, name).wrong(
                    f"stands in line {found[name].line} already"
                )
            found[name] = Entry(node, self.file, line, name)
        return list(found.items())

    def only(self, *keys: str) -> None:
        """Complain about the first key that is none of these."""
        for name, entry in self.named():
            if name not in keys:
                near = difflib.get_close_matches(name, keys, n=1)
                mend = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(keys)}"
                raise entry.wrong("is not a key here", mend)

    def get(self, key: str, read: Callable[[Entry], _T]) -> _T | None:
        """What `read` makes of the value of a key; None where the key does not stand."""
        entry = dict(self.named()).get(key)
        return None if entry is None else read(entry)

    def needs(self, key: str) -> Entry:
        """The value of a key that must stand."""
        entry = dict(self.named()).get(key)
        if entry is None:
            raise self.wrong(f"'{key}' is missing")
        return entry


def read_yaml(path: Path) -> Entry:
    """The document in a file. Raises `OperatorError` for one that cannot be read, or that is no YAML."""
    return parse_yaml(_text_of(path), str(path))


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            problem = f"is larger than {MAX_FILE_BYTES} bytes"
            raise OperatorError(problem, file=str(path), mend="is this the file?")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise OperatorError(
            f"cannot be read: {reason}", file=str(path), mend="give the path of a YAML file"
        ) from None


def read_documents(path: Path) -> list[Entry]:
    """The documents in a file, with `---` between them; those that are empty are left out. Raises
    `OperatorError` as `read_yaml`.
    """
    return parse_documents(_text_of(path), str(path))


def parse_documents(text: str, file: str) -> list[Entry]:
    """The documents in `text`. Raises `OperatorError` for what is not YAML, or not harmless."""
    nodes = _composed(text, file, lambda: list(yaml.compose_all(text, Loader=yaml.SafeLoader)))
    return [Entry(node, file, _line(node)) for node in nodes if not _is_empty(node)]


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and not node.value and node.style is None


def parse_yaml(text: str, file: str) -> Entry:
    """The document in `text`. Raises `OperatorError` for what is not YAML, or not harmless."""
    node = _composed(text, file, lambda: yaml.compose(text, Loader=yaml.SafeLoader))
    if node is None:
        begin = yaml.Mark(file, 0, 0, 0, "", 0)
        node = yaml.MappingNode("tag:yaml.org,2002:map", [], begin, begin)
    return Entry(node, file, _line(node))


def _composed(text: str, file: str, compose: Callable[[], _T]) -> _T:
    try:
        _check_events(text, file)
        return compose()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise OperatorError(f"is not YAML: {error.problem}", file=file, line=line) from None
    except yaml.YAMLError as error:
        raise OperatorError(f"is not YAML: {error}".replace("\n", " "), file=file) from None


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _check_events(text: str, file: str) -> None:
    depth = 0
    for event in _events(text):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        line = event.start_mark.line + 1 if event.start_mark else None
        if isinstance(event, yaml.AliasEvent):
            raise OperatorError("aliases are not allowed", file=file, line=line, mend="write the value again")
        if depth > _MAX_DEPTH:
            raise OperatorError(f"is nested more than {_MAX_DEPTH} deep", file=file, line=line)


def _events(text: str) -> Iterator[yaml.Event]:
    yield from yaml.parse(text, Loader=yaml.SafeLoader)

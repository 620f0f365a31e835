"""The project's own sources, parsed: what a module imports, and the identifiers it uses.

Reads the files and runs none of them, so that a rule can be checked even on a module that would not import.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Module:
    """One source file: its dotted name and its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    def within(self, room: str) -> bool:
        """Whether this module is `room` (a dotted name) or lies inside it."""
        return self.name == room or self.name.startswith(room + ".")


def parse(name: str, text: str, path: Path = Path("<text>")) -> Module:
    """The module called `name` whose source is `text`."""
    return Module(name, path, ast.parse(text, filename=str(path)))


def modules(room: str) -> list[Module]:
    """All modules of a room given by its dotted name, sorted by path; empty if there is no such room."""
    folder = ROOT.joinpath(*room.split("."))
    return [parse(_dotted(path), path.read_text(), path) for path in sorted(folder.rglob("*.py"))]


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Each import as (line, dotted name); `from a import b` gives `a.b`, a module or a name in it."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            origin = _origin(module, node)
            for alias in node.names:
                yield node.lineno, f"{origin}.{alias.name}"


def identifiers(module: Module) -> Iterator[tuple[int, str]]:
    """Each identifier as (line, name): variables, attributes, arguments, definitions and imported names."""
    for node in ast.walk(module.tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name):
                yield node.lineno, name
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, name
            case ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, name
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                for alias in aliases:
                    yield from ((node.lineno, part) for part in (alias.asname or alias.name).split("."))


def _origin(module: Module, node: ast.ImportFrom) -> str:
    if node.level == 0:
        return node.module or ""
    is_package = module.path.name == "__init__.py"
    package = module.name.split(".")
    kept = package[: len(package) - node.level + is_package]
    return ".".join([*kept, *([node.module] if node.module else [])])


def _dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

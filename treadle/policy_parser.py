"""`treadle policy`: its commands, their arguments, and an example of each."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

NAME = "policy"
_ABOUT = "policies: written in YAML, proven before they are deployed, rolled back in one step"
_EPILOG = """example:
  treadle policy new access > web.yaml
  treadle policy test web.yaml --topology fat_tree:4      # no switch, no root, no controller
  treadle policy plan web.yaml
  treadle policy apply web.yaml -m 'web servers reach the database' --confirm-within 60
  treadle policy confirm
  treadle policy apply other.yaml --only pod:1            # a canary: other hosts keep what they have
  treadle policy rollback"""
_MODULE = "treadle.commands.policy"
Add = Callable[[argparse.ArgumentParser], None]


def about() -> dict[str, Any]:
    """The help of the command itself."""
    return {"help": _ABOUT, "description": _ABOUT, "epilog": _EPILOG}


def add_policy_commands(parser: argparse.ArgumentParser, made_by: type[argparse.ArgumentParser]) -> None:
    """Declare all commands; each sets `code` to what carries it out."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=made_by)
    for name, help_, example, adds in _COMMANDS:
        epilog = f"example:\n  treadle policy {name} {example}".rstrip()
        command = commands.add_parser(name, help=help_, description=help_, epilog=epilog)
        for add in adds:
            add(command)
        command.set_defaults(code=f"{_MODULE}:{name}")


def _asks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--socket", metavar="PATH", help="the controller's socket (or TREADLE_SOCKET)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _on(parser: argparse.ArgumentParser) -> None:
    where = "a blueprint in place of the running controller's fabric: fat_tree:4, or a YAML file"
    parser.add_argument("--topology", metavar="SPEC", help=where)


def _on_none(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(topology=None)


def _paths(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("path", metavar="PATH", nargs="+", help="a file, or a folder of .yaml files")


def _paths_or_none(parser: argparse.ArgumentParser) -> None:
    what = "a file, or a folder of .yaml files (default: what is in force)"
    parser.add_argument("path", metavar="PATH", nargs="*", help=what)


def _kind(parser: argparse.ArgumentParser) -> None:
    kinds = ["access", "engineering", "expect", "groups", "labels", "service", "tenants"]
    parser.add_argument("kind", metavar="KIND", choices=kinds, help=", ".join(kinds))


def _rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rules", action="store_true", help="show each rule that differs")


def _only(parser: argparse.ArgumentParser) -> None:
    what = "try it on what these hosts send, and leave it for all others: pod:1, a switch's name, a host's"
    parser.add_argument("--only", action="append", metavar="NAME", help=what + "; again for more")


def _out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--out", metavar="FILE.json", help="write the plan, for 'apply FILE.json'")


def _applies(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-m", "--message", metavar="TEXT", help="why: kept in the history")
    wait = "take it back after so many seconds unless 'treadle policy confirm' is said"
    parser.add_argument("--confirm-within", type=_seconds, metavar="SECONDS", help=wait)
    parser.add_argument("--timeout", type=_seconds, default=60.0, metavar="SECONDS", help="how long to wait")


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value <= 86_400:
        raise argparse.ArgumentTypeError(f"needs seconds from 0 to 86400, not {text}")
    return value


def _number(parser: argparse.ArgumentParser) -> None:
    what = "of the history; 0: no policy at all (default: what the one in force has replaced)"
    parser.add_argument("number", metavar="NUMBER", nargs="?", type=int, help=what)


def _two(parser: argparse.ArgumentParser) -> None:
    for name in ("one", "other"):
        parser.add_argument(name, metavar="NUMBER", type=int, help="of the history; 0: no policy at all")


def _junit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--junit", metavar="FILE.xml", help="write a report as JUnit does")


def _failures(parser: argparse.ArgumentParser) -> None:
    what = "how many links or switches may be down, whichever they are (default: 1)"
    parser.add_argument("--failures", type=int, choices=(0, 1, 2), default=1, help=what)
    parser.add_argument("--links-only", action="store_true", help="switches stay as they are")
    until = "for pairs of failures: look at as many as there is time for, drawn at random (default: 60)"
    parser.add_argument("--seconds", type=float, default=60.0, metavar="S", help=until)


_COMMANDS: tuple[tuple[str, str, str, tuple[Add, ...]], ...] = (
    ("new", "print a commented example of a document", "access", (_kind,)),
    ("schema", "the JSON Schema of documents, for editors", "> policy.schema.json", ()),
    ("validate", "say what is wrong with documents", "policies/", (_paths, _on, _asks)),
    ("show", "the documents, or those in force", "", (_paths_or_none, _on, _asks)),
    (
        "test",
        "judge all expectations",
        "policies/ --topology fat_tree:4",
        (_paths_or_none, _on, _junit, _asks),
    ),
    (
        "check",
        "the same while links or switches are down",
        "--failures 1",
        (_paths_or_none, _on, _failures, _junit, _asks),
    ),
    ("plan", "what would be different", "policies/ --rules", (_paths, _on, _only, _rules, _out, _asks)),
    (
        "apply",
        "prove, and put in force",
        "policies/ -m 'why' --only pod:1",
        (_paths, _on_none, _only, _rules, _applies, _asks),
    ),
    ("confirm", "let a policy on trial stay", "", (_asks,)),
    ("rollback", "put an earlier policy in force again", "3", (_number, _applies, _asks)),
    ("history", "who put what in force, when, and why", "", (_asks,)),
    ("diff", "how two entries of the history differ", "2 3", (_two, _on, _rules, _asks)),
)

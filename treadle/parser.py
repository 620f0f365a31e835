"""What can be typed: every command with its arguments, its help and an example.

The table below is the whole command line. A command names the code that carries it out as text
(`module:function`), and that is imported when the command is called: `treadle --help` must not wait for
libraries that it does not use."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from simulator.farm.arguments import add_arguments as add_farm_arguments
from simulator.flows.arguments import add_arguments as add_sim_arguments
from treadle.policy_parser import NAME, about, add_policy_commands


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, and keeps the layout of examples."""

    def __init__(self, **options: object) -> None:
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**options)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see '{self.prog} --help'\n")


@dataclass(frozen=True)
class Command:
    """One command. `add` declares its arguments; `code` is `module:function`, called with what was parsed."""

    name: str
    help: str
    example: str
    code: str
    add: Callable[[argparse.ArgumentParser], None]


def build(arguments: Sequence[str]) -> Parser:
    """The parser for a command line that begins with these arguments.

    The lab brings its own commands; they are loaded only where the command line asks for the lab. Its
    `add_commands` is given the parser of `treadle lab`, and sets `code` for each of its commands.
    """
    parser = Parser(prog="treadle", description=_DESCRIPTION, epilog=_EPILOG)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for command in COMMANDS:
        epilog = f"example:\n  {command.example}"
        parsed = commands.add_parser(command.name, help=command.help, description=command.help, epilog=epilog)
        command.add(parsed)
        parsed.set_defaults(code=command.code)
    add_policy_commands(commands.add_parser(NAME, **about()), Parser)
    lab = commands.add_parser("lab", help=_LAB_HELP, description=_LAB_HELP, epilog=_LAB_EPILOG)
    if next((word for word in arguments if not word.startswith("-")), None) == "lab":
        importlib.import_module("mininet_scenarios.cli").add_commands(lab)
    return parser


# --- arguments ----------------------------------------------------------------------------------------------


def _key_value(text: str) -> str:
    key, equals, _ = text.partition("=")
    if not equals or not key.strip():
        raise argparse.ArgumentTypeError(f"'{text}' is not KEY=VALUE")
    return text


def _asks(parser: argparse.ArgumentParser) -> None:
    """The arguments of everything that asks the running controller."""
    parser.add_argument("--socket", metavar="PATH", help="the controller's socket (or TREADLE_SOCKET)")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _topology(parser: argparse.ArgumentParser) -> None:
    _asks(parser)
    parser.add_argument("--dot", action="store_true", help="print a graph for Graphviz")


def _rules(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("switch", metavar="SWITCH", help="a name, 16 hexadecimal digits, or a number")
    parser.add_argument("--table", metavar="TABLE", help="only this table, by name or number")
    _asks(parser)


def _trace(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("src", metavar="SRC", help="a host: name, IP address or MAC address")
    parser.add_argument("dst", metavar="DST", help="a host, or any IP address")
    _asks(parser)


def _events(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--follow", action="store_true", help="go on as they happen, until Ctrl-C")
    _asks(parser)


def _audit(parser: argparse.ArgumentParser) -> None:
    name = "a name, 16 hexadecimal digits, or a number (default: all)"
    parser.add_argument("switch", metavar="SWITCH", nargs="?", help=name)
    _asks(parser)


def _history(parser: argparse.ArgumentParser) -> None:
    what = "the cables between two switches (s1-s5), at a port (s1:3), of a switch (s1); or flows (h1-h9)"
    parser.add_argument("what", metavar="LINK|FLOW", help=what)
    _asks(parser)


def _protection(parser: argparse.ArgumentParser) -> None:
    what = (
        "only this switch (s1), the cables between two (s1-s5), or the cable at a port (s1:3); and who it is"
    )
    parser.add_argument("what", metavar="LINK|SWITCH", nargs="?", help=f"{what} that is cut off")
    parser.add_argument("--failures", action="store_true", help="list every failure, also what is covered")
    parser.add_argument("--strict", action="store_true", help="exit status 1 if something is not covered")
    _asks(parser)


def _why(parser: argparse.ArgumentParser) -> None:
    flow = "h1-h9, h1:40000-h9:5201, or addresses in place of names ([fd00::1]:80 for IPv6)"
    parser.add_argument("flow", metavar="FLOW", help=flow)
    _asks(parser)


def _drain(parser: argparse.ArgumentParser) -> None:
    _what(parser)
    parser.add_argument("--force", action="store_true", help="also where hosts would be cut off")


def _what(parser: argparse.ArgumentParser) -> None:
    what = "a switch (s1), the cables between two (s1-s5), or the cable at a port (s1:3)"
    parser.add_argument("what", metavar="LINK|SWITCH", help=what)
    parser.add_argument(
        "--timeout", type=float, metavar="S", default=60.0, help="wait so many seconds (default: 60)"
    )
    _asks(parser)


def _replay(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("journal", metavar="JOURNAL", help="the directory of 'treadle run --journal'")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _run(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--listen", metavar="HOST:PORT", help="where switches connect (default: 127.0.0.1:6653)")
    add("--blueprint", metavar="BLUEPRINT", help="the wiring as it is meant to be: fat_tree(4), or a file")
    add("--socket", metavar="PATH", help="where the other commands find this controller")
    add("--journal", metavar="DIR", help="write what happens to a new directory")
    add("--settings", metavar="FILE", help="a file with settings (YAML)")
    add("--set", metavar="KEY=VALUE", action="append", type=_key_value, help="one setting; may be repeated")
    add("--framework", choices=("os_ken", "ryu"), help="whose OpenFlow messages (default: os_ken)")
    add("--hub", choices=("native", "eventlet"), help="whose threads (default: native)")
    add("--log-level", choices=("debug", "info", "warning", "error"), help="default: info")


def _demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", help="write the report there, too")
    parser.add_argument("--k", type=int, default=4, help="the fat tree of k-port switches (default: 4)")


# --- the table ----------------------------------------------------------------------------------------------

_ASK = "treadle.commands"

COMMANDS: tuple[Command, ...] = (
    Command(
        "run",
        "Run the controller until it is told to stop.",
        "treadle run --blueprint 'fat_tree(4)' --journal /var/lib/treadle/monday",
        "treadle.run:run",
        _run,
    ),
    Command(
        "topology",
        "Show the fabric as it is: switches by tier, links, hosts.",
        "treadle topology --dot | dot -Tsvg > fabric.svg",
        f"{_ASK}.topology:run",
        _topology,
    ),
    Command("hosts", "List the hosts and where they live.", "treadle hosts", f"{_ASK}.hosts:run", _asks),
    Command(
        "rules",
        "Show the rules of a switch, by table.",
        "treadle rules s1 --table routes",
        f"{_ASK}.rules:run",
        _rules,
    ),
    Command(
        "trace",
        "Show the rules that a packet meets on its way, on all paths that it may take.",
        "treadle trace h1 10.3.1.3",
        f"{_ASK}.trace:run",
        _trace,
    ),
    Command(
        "events",
        "Show what has changed lately, or follow it.",
        "treadle events --follow",
        f"{_ASK}.events:run",
        _events,
    ),
    Command(
        "findings",
        "List what is not as it should be, with evidence and advice.",
        "treadle findings",
        f"{_ASK}.findings:run",
        _asks,
    ),
    Command(
        "audit",
        "Read what switches hold now, and say what others have changed; it is repaired.",
        "treadle audit s1",
        f"{_ASK}.audit:run",
        _audit,
    ),
    Command(
        "links",
        "List the cables: up, down, drained or damped, with their health and load.",
        "treadle links",
        f"{_ASK}.links:run",
        _asks,
    ),
    Command(
        "congestion",
        "Show where it is full, which flows are large, and what was decided about them.",
        "treadle congestion",
        f"{_ASK}.congestion:run",
        _asks,
    ),
    Command(
        "why",
        "Say which way a flow goes, since when, what that replaced and what it gains.",
        "treadle why h1-h9",
        f"{_ASK}.congestion:why",
        _why,
    ),
    Command(
        "history",
        "Show what a link, or a flow, has carried in the last minutes and hours.",
        "treadle history s1-s5",
        f"{_ASK}.history:run",
        _history,
    ),
    Command(
        "protection",
        "Say which failures of a link or a switch the fabric survives by itself, and which not and why.",
        "treadle protection s1-s5",
        f"{_ASK}.protection:run",
        _protection,
    ),
    Command(
        "drain",
        "Let traffic leave a link or a switch, and wait until it has: then it can be touched.",
        "treadle drain s1-s5",
        f"{_ASK}.drain:drain",
        _drain,
    ),
    Command(
        "undrain",
        "Let traffic come back to what is drained.",
        "treadle undrain s1-s5",
        f"{_ASK}.drain:undrain",
        _what,
    ),
    Command(
        "drained",
        "List what is drained, and whether traffic has left it.",
        "treadle drained",
        f"{_ASK}.drain:drained",
        _asks,
    ),
    Command(
        "status", "Show the controller in numbers.", "treadle status --json", f"{_ASK}.status:run", _asks
    ),
    Command(
        "replay",
        "Play a journal back, and compare what is sent with what was sent.",
        "treadle replay /var/lib/treadle/monday",
        f"{_ASK}.replay:run",
        _replay,
    ),
    Command(
        "demo",
        "Bring up a fat tree, carry traffic, cut it and heal it, and report (needs root).",
        "treadle demo --k 4 --json out/demo/report.json",
        "treadle.demo:demo",
        _demo,
    ),
    Command(
        "farm",
        "Connect a fabric of simulated switches to a controller, and prove what it programs.",
        "treadle farm --fabric fat_tree --k 16 --seconds 30 --prove",
        "simulator.farm.cli:run",
        add_farm_arguments,
    ),
    Command(
        "sim",
        "Simulate traffic on a fabric of any size, and what a scheduler makes of it.",
        "treadle sim traffic stride8.json --k 4 --scheduler ours --seconds 30 --json OUT",
        f"{_ASK}.sim:traffic",
        add_sim_arguments,
    ),
)

_DESCRIPTION = "An OpenFlow controller for datacenter fabrics."
_EPILOG = """\
examples:
  treadle run                 run the controller
  treadle topology            what it sees
  treadle trace h1 h16        what a packet meets
  treadle lab run fat_tree    a fabric to try it on (needs root)

Settings come from a file (--settings), the environment (TREADLE_LISTEN, ...) and flags; later ones win."""
_LAB_HELP = "Run a scenario on emulated switches and hosts (needs root)."
_LAB_EPILOG = "example:\n  treadle lab list"

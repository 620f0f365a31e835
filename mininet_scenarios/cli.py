"""`treadle lab`: run a scenario, bring a fabric up to play with, list, clean.

Exit status: 0 passed, 1 the scenario's assertion failed, 2 the request cannot be carried out (by
`OperatorError`, which the caller prints in one line).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

from controller.documents.blueprints import load_blueprint, parse_rate, shapes
from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError
from mininet_scenarios import clean, machine, state
from mininet_scenarios.controller import treadle
from mininet_scenarios.lab import Lab
from mininet_scenarios.scenario import Outcome, find, play, scenarios
from mininet_scenarios.shown import shown, write_json
from mininet_scenarios.traffic_command import DEFAULT_RATE, add_traffic, run_traffic

_DEFAULT_TOPOLOGY = "fat_tree:4"


def add_commands(lab: argparse.ArgumentParser) -> None:
    """Declare the commands below `treadle lab`."""
    commands = lab.add_subparsers(title="commands", metavar="COMMAND", required=True)
    run = commands.add_parser(
        "run",
        help="Play a scenario and say whether it passed.",
        epilog="example: treadle lab run link-failure --k 4",
    )
    run.add_argument("scenario", metavar="NAME", help="one of `treadle lab list`")
    run.add_argument("--json", metavar="FILE", help="write the report there ('-': to the terminal)")
    run.set_defaults(code=_run)
    up = commands.add_parser(
        "up",
        help="Bring a fabric and its controller up, with Mininet's prompt beside it.",
        epilog="example: treadle lab up leaf_spine:4,2 --rate 10M",
    )
    up.add_argument(
        "name", metavar="NAME", nargs="?", help="a topology, or a scenario to take the topology from"
    )
    up.set_defaults(code=_up)
    traffic = commands.add_parser(
        "traffic",
        help="Play a traffic matrix, and say what each flow got.",
        epilog="example: treadle lab traffic stride8.json --k 4 --scheduler ours --json out/stride8.json",
    )
    add_traffic(traffic)
    traffic.set_defaults(code=_traffic)
    for command in (run, up, traffic):
        _add_fabric(command)
    traffic.set_defaults(daemons="each", rate=DEFAULT_RATE)
    commands.add_parser("list", help="List scenarios, topologies and running labs.").set_defaults(code=_list)
    commands.add_parser("clean", help="Remove what killed labs have left behind.").set_defaults(code=_clean)


def _add_fabric(command: argparse.ArgumentParser) -> None:
    add = command.add_argument
    add("--topo", metavar="TOPOLOGY", help=f"{', '.join(shapes())}, as in leaf_spine:4,2; or a YAML file")
    add("--k", type=int, metavar="K", help="a fat tree of K-port switches")
    add("--rate", metavar="RATE", help="limit every link, as in 10M (bits per second)")
    add(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="a setting of the controller; may be repeated",
    )
    add(
        "--daemons",
        choices=("shared", "each"),
        default="shared",
        help="switches share this machine's Open vSwitch, or each has its own (default: shared)",
    )
    add("--directory", type=Path, metavar="DIR", help="keep the controller's log and files there")


def _run(args: argparse.Namespace) -> int:
    chosen = find(args.scenario)
    blueprint = _blueprint(args, chosen.topology)
    with shown(f"{chosen.name} on {blueprint.name}") as progress:
        outcome = play(
            chosen,
            blueprint,
            settings=_settings(args.set),
            directory=args.directory,
            daemons=args.daemons,
            progress=progress,
        )
    _write_report(outcome, args.json)
    return 0 if outcome.passed else 1


def _up(args: argparse.Namespace) -> int:
    blueprint = _blueprint(args, _topology_named(args.name))
    with shown(blueprint.name) as progress:
        command = treadle(_settings(args.set))
        lab = Lab(blueprint, command, daemons=args.daemons, directory=args.directory, progress=progress)
        lab.start()
    with lab:
        control = lab.controller
        print(f"{blueprint.name} is lab {lab.fabric.state.id}, switching: {lab.fabric.switching}")
        print(f"the controller's log: {control.log_path}")
        print(f"beside it: treadle topology --socket {control.socket_path}")
        lab.prompt()
    return 0


def _traffic(args: argparse.Namespace) -> int:
    return run_traffic(args, _blueprint(args, _DEFAULT_TOPOLOGY), _settings(args.set))


def _list(_: argparse.Namespace) -> int:
    console = Console()
    table = Table("scenario", "topology", "what it shows", box=None)
    for each in scenarios():
        table.add_row(each.name, each.topology, each.about)
    console.print(table)
    console.print(f"\ntopologies: {', '.join(shapes())}, or a YAML file")
    for lab in state.read_all():
        owner = f"process {lab.owner}" if lab.owner_lives() else "its owner is dead: treadle lab clean"
        console.print(f"lab {lab.id}: {lab.fabric}, {len(lab.bridges)} switches, {owner}")
    return 0


def _clean(_: argparse.Namespace) -> int:
    machine.require_lab()
    removed = clean.sweep()
    print(f"removed {', '.join(removed)}" if removed else "nothing to remove")
    return 0


def _topology_named(name: str | None) -> str:
    known = {each.name: each.topology for each in scenarios()}
    return known.get(name or "", name or _DEFAULT_TOPOLOGY)


def _blueprint(args: argparse.Namespace, default: str) -> Blueprint:
    if args.k is not None and args.topo is not None:
        raise OperatorError("--k and --topo exclude one another", mend="give one of them")
    wanted = f"fat_tree:{args.k}" if args.k is not None else args.topo or default
    if args.k is not None and args.k < 0:
        raise OperatorError(f"a fat tree needs an even k from 2 to 254, not {args.k}", mend="try --k 4")
    try:
        rate_bps = parse_rate(args.rate) if args.rate else None
    except ValueError as error:
        raise OperatorError(str(error), key="--rate") from None
    return load_blueprint(wanted, capacity_bps=rate_bps)


def _settings(pairs: list[str]) -> dict[str, object]:
    wrong = next((pair for pair in pairs if "=" not in pair), None)
    if wrong is not None:
        raise OperatorError(f"'{wrong}' is not KEY=VALUE", key="--set", mend="as in --set echo_s=1")
    return {key: value for key, _, value in (pair.partition("=") for pair in pairs)}


def _write_report(outcome: Outcome, file: str | None) -> None:
    if file is not None:
        write_json(outcome.as_json(), file)
    if file == "-":
        return
    console = Console()
    verdict = "[green]passed[/]" if outcome.passed else f"[red]failed[/]: {outcome.problem}"
    console.print(
        f"{outcome.scenario} on {outcome.fabric} ({outcome.switching}): {verdict} in {outcome.took_s:.1f} s"
    )
    for key, value in outcome.report.items():
        console.print(f"  {key}: {json.dumps(value, default=str)}", markup=False)

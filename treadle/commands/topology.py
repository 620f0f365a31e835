"""`treadle topology`: the fabric as a tree of tiers, highest first; as JSON; or as a graph for Graphviz."""

from __future__ import annotations

import argparse
from typing import Any

from rich.text import Text
from rich.tree import Tree

from treadle.commands.asking import asked, print_json
from treadle.commands.dot import dot
from treadle.tables import console, count

Json = dict[str, Any]


def run(args: argparse.Namespace) -> int:
    answer = asked(args, "topology")
    if args.json:
        print_json(answer)
    elif args.dot:
        print(dot(answer))
    else:
        console().print(tree(answer))
    return 0


def tree(answer: Json) -> Tree:
    """Tiers, pods where there are any, switches, and what each switch is connected to."""
    root = Tree(Text(_headline(answer), style="bold"), guide_style="dim")
    for tier, switches in tiers(answer):
        branch = root.add(Text(tier, style="bold cyan"))
        for pod in sorted({switch["pod"] for switch in switches}, key=lambda pod: -1 if pod is None else pod):
            place = branch if pod is None else branch.add(Text(f"pod {pod}", style="cyan"))
            for switch in switches:
                if switch["pod"] == pod:
                    place.add(_switch(switch))
    if answer["missing"]:
        root.add(Text(f"not connected: {', '.join(answer['missing'])}", style="red"))
    return root


def tiers(answer: Json) -> list[tuple[str, list[Json]]]:
    """The switches by tier, the one furthest from the hosts first."""
    by_tier: dict[str, list[Json]] = {}
    for switch in sorted(answer["switches"], key=lambda switch: (-switch["level"], switch["dpid"])):
        by_tier.setdefault(switch["tier"] or f"tier {switch['level']}", []).append(switch)
    return list(by_tier.items())


def _headline(answer: Json) -> str:
    what = answer["blueprint"] or "fabric"
    cables = count(len(answer["links"]) // 2, "cable")
    switches = count(len(answer["switches"]), "switch", "switches")
    return (
        f"{what}: {switches}, {cables}, {count(len(answer['hosts']), 'host')} (version {answer['version']})"
    )


def _switch(switch: Json) -> Text:
    line = Text(switch["name"], style="bold" if switch["connected"] else "bold red")
    if not switch["connected"]:
        line.append(" not connected", style="red")
    for role, style in (("link", "default"), ("edge", "green")):
        ends = [_end(port) for port in switch["ports"] if port["role"] == role and port["leads_to"]]
        if ends:
            line.append(f"  {'links' if role == 'link' else 'hosts'} ", style="dim")
            line.append(" ".join(ends), style=style)
    for what, ports in (("down", _dead(switch)), ("silent", _silent(switch))):
        if ports:
            line.append(f"  {what} {' '.join(str(port['number']) for port in ports)}", style="red")
    return line


def _dead(switch: Json) -> list[Json]:
    return [port for port in switch["ports"] if not port["live"]]


def _silent(switch: Json) -> list[Json]:
    """The ports that are alive, and whose BFD session is down."""
    return [port for port in switch["ports"] if port["live"] and port.get("bfd") is False]


def _end(port: Json) -> str:
    return f"{port['number']}→{','.join(port['leads_to'])}"

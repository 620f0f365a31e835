"""The fabric as a graph in Graphviz's language: a row for each tier, one edge a cable."""

from __future__ import annotations

import json
from typing import Any

Json = dict[str, Any]


def dot(answer: Json) -> str:
    """The text for `dot`; parallel cables are parallel edges, labelled with their ports."""
    lines = ["graph fabric {", "  node [fontname=sans, shape=box];", "  edge [fontname=sans, fontsize=8];"]
    rows: dict[int, list[str]] = {}
    for switch in answer["switches"]:
        rows.setdefault(-switch["level"], []).append(_quoted(switch["name"]))
    lines += [f"  {{ rank=same; {'; '.join(names)} }}" for _, names in sorted(rows.items())]
    lines += [_cable(link) for link in answer["links"] if link["from"] < link["to"]]
    lines += [line for host in answer["hosts"] for line in _host(host)]
    return "\n".join([*lines, "}"])


def _cable(link: Json) -> str:
    (a, a_port), (b, b_port) = link["from"].rsplit(":", 1), link["to"].rsplit(":", 1)
    ports = f"taillabel={_quoted(a_port)}, headlabel={_quoted(b_port)}"
    return f"  {_quoted(a)} -- {_quoted(b)} [{ports}];"


def _host(host: Json) -> list[str]:
    name, switch = _quoted(host["name"]), _quoted(host["switch"])
    return [f"  {name} [shape=ellipse];", f"  {switch} -- {name} [taillabel={_quoted(str(host['port']))}];"]


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)

"""A picture of the fabric, coloured by load, as SVG.

Clos fabrics are drawn in rows (core or spine on top, hosts at the bottom, pods side by side), anything
else in a circle. A cable's colour and width show the busier of its two directions: pale is idle, red is
full; a dead cable is dashed and grey. Pure: numbers in, text out; the same numbers give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from controller.model.blueprint import Blueprint, SwitchPlan
from controller.model.identity import PortRef

_ROWS = {"core": 0, "spine": 0, "aggregation": 1, "edge": 2, "leaf": 2}
_ROW_HEIGHT = 130
_MARGIN = 60
_HOST_GAP = 46
_SCALE = ("#d9dde3", "#9fc5e8", "#6fa8dc", "#f6b26b", "#e06666", "#b4141e")


@dataclass(frozen=True, slots=True)
class _Point:
    x: float
    y: float


def colour(share: float) -> str:
    """The colour of a load between 0 and 1 of the scale."""
    index = min(int(max(share, 0.0) * len(_SCALE)), len(_SCALE) - 1)
    return _SCALE[index]


def draw(
    blueprint: Blueprint,
    load: Mapping[PortRef, float],
    *,
    title: str = "",
    unit: str = "of the busiest link",
    dead: frozenset[PortRef] = frozenset(),
) -> str:
    """The fabric as an SVG document; `load` gives each sending port's share, from 0 to 1."""
    places = _rows(blueprint) if _is_clos(blueprint) else _circle(blueprint)
    hosts = _host_places(blueprint, places)
    width = max(point.x for point in [*places.values(), *hosts.values()]) + _MARGIN
    height = max(point.y for point in [*places.values(), *hosts.values()]) + 70
    body = [
        *_cables(blueprint, load, dead, places, hosts),
        *(_host(point, name) for name, point in hosts.items()),
        *(_switch(places[plan.dpid], plan) for plan in blueprint.switches),
        *_legend(width, unit),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" font-family="sans-serif" font-size="12">'
    )
    name = (
        f'<text x="{_MARGIN / 2}" y="24" font-size="16" fill="#222">{escape(title or blueprint.name)}</text>'
    )
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', name, *body, "</svg>"]) + "\n"


def _is_clos(blueprint: Blueprint) -> bool:
    return all(plan.tier in _ROWS for plan in blueprint.switches)


def _rows(blueprint: Blueprint) -> dict[int, _Point]:
    rows: dict[int, list[SwitchPlan]] = {}
    for plan in blueprint.switches:
        rows.setdefault(_ROWS[plan.tier], []).append(plan)
    on_edge = max(len(blueprint.hosts) / max(len(rows.get(2, [])), 1), 1)
    width = max(len(rows.get(2, [])) * on_edge * _HOST_GAP, max(len(row) for row in rows.values()) * 70)
    top = min(rows)
    return {
        plan.dpid: _Point(_MARGIN + (index + 0.5) * width / len(row), 80 + (number - top) * _ROW_HEIGHT)
        for number, row in rows.items()
        for index, plan in enumerate(row)
    }


def _circle(blueprint: Blueprint) -> dict[int, _Point]:
    count = len(blueprint.switches)
    radius = max(120.0, count * 24.0)
    centre = radius + _MARGIN + 70
    return {
        plan.dpid: _Point(
            centre + radius * math.sin(2 * math.pi * index / count),
            centre + 20 - radius * math.cos(2 * math.pi * index / count),
        )
        for index, plan in enumerate(blueprint.switches)
    }


def _host_places(blueprint: Blueprint, places: Mapping[int, _Point]) -> dict[str, _Point]:
    by_switch: dict[int, list[str]] = {}
    for host in blueprint.hosts:
        by_switch.setdefault(host.at.dpid, []).append(host.name)
    gap = _HOST_GAP if _is_clos(blueprint) else 34
    return {
        name: _Point(places[dpid].x + (index - (len(names) - 1) / 2) * gap, places[dpid].y + 72)
        for dpid, names in by_switch.items()
        for index, name in enumerate(names)
    }


def _cables(
    blueprint: Blueprint,
    load: Mapping[PortRef, float],
    dead: frozenset[PortRef],
    places: Mapping[int, _Point],
    hosts: Mapping[str, _Point],
) -> list[str]:
    lines = []
    for cable in blueprint.cables:
        share = max(load.get(cable.a, 0.0), load.get(cable.b, 0.0))
        broken = cable.a in dead or cable.b in dead
        lines.append(_line(places[cable.a.dpid], places[cable.b.dpid], share, broken))
    for host in blueprint.hosts:
        lines.append(_line(places[host.at.dpid], hosts[host.name], load.get(host.at, 0.0), host.at in dead))
    return lines


def _line(a: _Point, b: _Point, share: float, broken: bool) -> str:
    style = 'stroke="#888" stroke-dasharray="4 4"' if broken else f'stroke="{colour(share)}"'
    ends = f'x1="{a.x:.1f}" y1="{a.y:.1f}" x2="{b.x:.1f}" y2="{b.y:.1f}"'
    tip = "down" if broken else f"{share:.0%}"
    return f'<line {ends} {style} stroke-width="{1.5 + 3 * min(share, 1.0):.1f}"><title>{tip}</title></line>'


def _switch(at: _Point, plan: SwitchPlan) -> str:
    box = f'<rect x="{at.x - 22:.1f}" y="{at.y - 13:.1f}" width="44" height="26" rx="5" fill="#26323f"/>'
    text = _text(at, plan.name, 'fill="white"')
    return f"<g><title>{escape(plan.name)}: {escape(plan.tier)}</title>{box}{text}</g>"


def _host(at: _Point, name: str) -> str:
    dot = f'<circle cx="{at.x:.1f}" cy="{at.y:.1f}" r="13" fill="#eef1f5" stroke="#26323f"/>'
    return dot + _text(at, name, 'font-size="10" fill="#222"')


def _text(at: _Point, text: str, style: str) -> str:
    return f'<text x="{at.x:.1f}" y="{at.y + 4:.1f}" text-anchor="middle" {style}>{escape(text)}</text>'


def _legend(width: float, unit: str) -> Sequence[str]:
    left = width - 40 - 22 * len(_SCALE)
    boxes = [
        f'<rect x="{left + 22 * index:.1f}" y="14" width="22" height="10" fill="{shade}"/>'
        for index, shade in enumerate(_SCALE)
    ]
    right = f'x="{left + 22 * len(_SCALE):.1f}" y="40" text-anchor="end"'
    return [*boxes, f'<text {right} fill="#444">load: 0 to 100 % {escape(unit)}</text>']

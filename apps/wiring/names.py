"""How switches and ports are called in a finding: by the blueprint's names, where it has them."""

from __future__ import annotations

from collections.abc import Iterable

from controller.model.blueprint import Blueprint
from controller.model.identity import Dpid, PortRef, dpid_text


def switch_name(blueprint: Blueprint, dpid: Dpid) -> str:
    """`s3`, or the identifier of a switch that has no name."""
    plan = blueprint.switch_by_dpid.get(dpid)
    return plan.name if plan else dpid_text(dpid)


def port_name(blueprint: Blueprint, at: PortRef) -> str:
    """`s3 port 2`."""
    return f"{switch_name(blueprint, at.dpid)} port {at.port}"


def listed(parts: Iterable[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    *head, last = parts
    return f"{', '.join(head)} and {last}" if head else last

"""Cables: those that should be there against those that are.

Draw every port as a dot, every cable of the blueprint as a dashed line and every cable that was found as a
solid one. Where dashed and solid coincide all is well; take those away. What is left falls into connected
pieces, and each piece is one mistake of one person with a cable in hand:

    a - - b              a dashed line alone                  missing-cable
    a ----- b            a solid line alone                   extra-cable
    a - - b
    |     |              both in one piece: ports that        crossed-cable (one for the piece: two swapped
    c - - d              lead elsewhere than they should      cables, or one plugged into the port beside)

So two swapped cables are one finding and not four. A missing cable is not reported where one of its switches
is missing: that is said already. Work is linear in the number of cables that differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from apps.wiring.differences import Differences, Ends, ends_of
from apps.wiring.names import listed, port_name
from controller.model.blueprint import Blueprint
from controller.model.finding import Finding, Severity
from controller.model.identity import PortRef
from controller.model.topology import Topology


def cabling_findings(
    blueprint: Blueprint, topology: Topology, differences: Differences
) -> tuple[Finding, ...]:
    """One finding for each piece in which blueprint and snapshot differ, sorted by its first port."""
    present = topology.switch_by_dpid.keys()
    missing = {ends for ends in differences.unlinked if all(end.dpid in present for end in ends)}
    return tuple(
        _describe(blueprint, topology, sorted(piece & missing), sorted(piece - missing))
        for piece in _pieces(missing | differences.unplanned)
    )


def _pieces(cables: Iterable[Ends]) -> Iterator[frozenset[Ends]]:
    """The connected pieces of a graph given by its edges, in the order of their smallest edge."""
    at: dict[PortRef, list[Ends]] = {}
    ordered = sorted(cables)
    for ends in ordered:
        for end in ends:
            at.setdefault(end, []).append(ends)
    seen: set[Ends] = set()
    for start in ordered:
        if start in seen:
            continue
        piece, waiting = {start}, [start]
        while waiting:
            near = {other for end in waiting.pop() for other in at[end]} - piece
            piece |= near
            waiting += near
        seen |= piece
        yield frozenset(piece)


def _describe(blueprint: Blueprint, topology: Topology, missing: list[Ends], found: list[Ends]) -> Finding:
    if not found:
        return _missing(blueprint, topology, missing[0])
    if not missing and not any(end in blueprint.peer for ends in found for end in ends):
        return _extra(blueprint, found[0])
    return _crossed(blueprint, missing, found)


def _missing(blueprint: Blueprint, topology: Topology, ends: Ends) -> Finding:
    a, b = (port_name(blueprint, end) for end in ends)
    dark = [port_name(blueprint, end) for end in ends if not _is_live(topology, end)]
    evidence = f"{a} should lead to {b}, and no link was seen there"
    if dark:
        return Finding(
            Severity.WARNING,
            "missing-cable",
            str(ends[0]),
            f"{evidence}; no carrier at {listed(dark)}",
            "plug the cable in",
        )
    advice = "both ports are up: see where the cable leads, and whether frames get through in both directions"
    return Finding(Severity.WARNING, "missing-cable", str(ends[0]), evidence, advice)


def _extra(blueprint: Blueprint, ends: Ends) -> Finding:
    a, b = (port_name(blueprint, end) for end in ends)
    evidence = f"{a} leads to {b}; the blueprint has no cable there"
    return Finding(
        Severity.WARNING, "extra-cable", str(ends[0]), evidence, "unplug it, or add it to the blueprint"
    )


def _crossed(blueprint: Blueprint, missing: list[Ends], found: list[Ends]) -> Finding:
    wrong = listed(f"{port_name(blueprint, a)} leads to {port_name(blueprint, b)}" for a, b in found)
    meant = sorted(
        {ends_of(end, blueprint.peer[end]) for ends in found for end in ends if end in blueprint.peer}
    )
    right = listed(
        f"{port_name(blueprint, a)} to {port_name(blueprint, b)}" for a, b in sorted({*meant, *missing})
    )
    return Finding(Severity.WARNING, "crossed-cable", str(found[0][0]), wrong, f"should be: {right}")


def _is_live(topology: Topology, end: PortRef) -> bool:
    port = topology.switch_by_dpid[end.dpid].port(end.port)
    return port is not None and port.live

"""Walks: where a pinned flow has a choice, found by following its path along the next hops.

A walk goes on for as long as the path takes what the routes offer, over ports that have links, from one
switch to the next; where it ends early the path is out of date. It depends on the path, on the switch of its
destination, and on the *ground*: next hops and links. When the ground changes, `restless` says at which
switches and for which targets walks may differ, so that only the paths that pass there are walked again: one
cable of a large fabric moves few of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from controller.graph.hops import HopArray
from controller.model.demand import Path
from controller.model.identity import Dpid, PortNo
from controller.model.topology import Topology


class Ground(NamedTuple):
    """What paths lead over: the next hops, and the links."""

    hops: HopArray
    topology: Topology


class Choice(NamedTuple):
    """The port that a pin takes, and all ports among which the routes would choose (sorted)."""

    port: PortNo
    among: tuple[PortNo, ...]


Walk = tuple[tuple[Dpid, Choice], ...]
"""Where a flow needs a rule, in the order of its path."""


def walk(path: Path, target: Dpid | None, ground: Ground) -> Walk:
    """Where the flow needs a rule, as far as its path follows the routes to this switch."""
    hops, topology = ground
    if target is None or target not in hops.column_of:
        return ()
    choices: list[tuple[Dpid, Choice]] = []
    here = path[0].dpid if path else target
    for out in path:
        if out.dpid != here or here == target or here not in hops.row_of:
            break
        among, far = hops[target, here].ports, topology.peer.get(out)
        if out.port not in among or far is None:
            break
        if len(among) > 1:
            choices.append((here, Choice(out.port, among)))
        here = far.dpid
    return tuple(choices)


Restless = Mapping[Dpid, frozenset[Dpid] | None]
"""Switches whose next hops may differ from before, and to which targets; None: to any."""


def passes(path: Path, target: Dpid | None, restless: Restless) -> bool:
    """Whether a path to this target leaves a switch whose next hops to it may differ."""
    for out in path:
        targets = restless.get(out.dpid, _NONE)
        if targets is None or target in targets:
            return True
    return False


_NONE: frozenset[Dpid] = frozenset()


def restless(now: Ground, since: Ground) -> Restless | None:
    """The switches at which walks may differ; None: they may anywhere."""
    hops, topology = now
    if hops is since.hops and topology is since.topology:
        return {}
    if not hops.comparable(since.hops):
        return None
    found: dict[Dpid, frozenset[Dpid] | None] = {}
    if hops is not since.hops:
        for row in hops.unlike(since.hops):
            found[hops.dpids[row]] = _unlike(hops, since.hops, row)
    known = since.topology.out_links
    for dpid, links in topology.out_links.items():
        old = known.get(dpid)
        if links is not old and links != old:
            found[dpid] = None
    return found


def _unlike(one: HopArray, other: HopArray, row: int) -> frozenset[Dpid] | None:
    """The targets to which a switch has other next hops, of two arrays that can be compared."""
    ways, before = one.ways[row], other.ways[row]
    if one.fans[row] is not other.fans[row] or ways.shape != before.shape:
        return None
    return frozenset(one.targets[column] for column in np.flatnonzero((ways != before).any(axis=1)))

"""A bound at a glance: what leaves a switch, or a pod, has to fit on the links that leave it.

Weaker than the linear programs (bound.py), which know how the links behind these are shared, and ready in
milliseconds on fabrics for which those take hours. What cannot be sent and what cannot be received is not
added up, as it may be the same flows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from controller.graph.fair_shares import Numbers
from controller.model.demand import Demand
from controller.model.topology import Topology
from controller.placement.clos import clos
from controller.placement.problem import Problem, Worth, problem


def cut_bound(topology: Topology, demands: Sequence[Demand]) -> Worth:
    """The most that the slowest flow can have, as a share of its ideal, and the most that all can have
    together when none has more than its ideal; each by itself.
    """
    wanted, shape = problem(topology, demands), clos(topology)
    switches = np.arange(len(wanted.ways.number_of))
    groupings = [switches]
    if shape is not None and shape.cores:
        pod = np.where(shape.edge_of >= 0, shape.pod_of[shape.edge_of], -1)
        groupings.append(_with_middle(wanted, pod))
    found = [_around(wanted, groups) for groups in groupings]
    return Worth(min(each.slowest for each in found), min(each.total_bps for each in found))


def _with_middle(wanted: Problem, pod: Numbers) -> Numbers:
    """The pods, with the switches that have a cable to an edge; those in none are groups by themselves."""
    ways, group = wanted.ways, pod.copy()
    below = pod[ways.end] >= 0
    group[ways.start[below]] = pod[ways.end[below]]
    alone = np.flatnonzero(group < 0)
    group[alone] = group.max(initial=0) + 1 + np.arange(len(alone))
    return group


def _around(wanted: Problem, group: Numbers) -> Worth:
    """By the cuts around groups of switches."""
    ways, ideal = wanted.ways, wanted.ideal_bps
    inside = group[wanted.src] == group[wanted.dst]
    crossing = group[ways.start] != group[ways.end]
    total, slowest, groups = np.inf, 1.0, int(group.max(initial=0)) + 1
    for flows, links in ((wanted.src, ways.start), (wanted.dst, ways.end)):
        asked = np.bincount(group[flows[~inside]], ideal[~inside], groups)
        room = np.bincount(group[links[crossing]], ways.capacity_bps[:-1][crossing], groups)
        fitting = np.minimum(asked, room)
        total = min(total, float(fitting.sum()))
        slowest = min(slowest, float((fitting[asked > 0] / asked[asked > 0]).min(initial=1.0)))
    return Worth(slowest, total + float(ideal[inside].sum()))

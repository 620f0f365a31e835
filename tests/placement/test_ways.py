"""Paths as rows of link numbers: all of them, and there and back again."""

from __future__ import annotations

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from controller.graph.view import networkx_view
from controller.model.blueprint import fat_tree
from controller.model.identity import port_ref
from controller.model.topology import Topology
from controller.placement import ways as module
from controller.placement.ways import NO_PATH, Ways, ways
from tests.fabrics import fabrics, snapshot
from tests.searching import examples

TREE = snapshot(fat_tree(4))


@settings(max_examples=examples(60), deadline=None)
@given(fabrics())
def test_candidates_are_all_the_shortest_paths(topology: Topology) -> None:
    known, graph = ways(topology), networkx_view(topology)
    for src in list(graph)[:4]:
        for dst in list(graph)[-4:]:
            found = known.candidates(known.number_of[src], known.number_of[dst])
            rows = {tuple(row) for row in found.tolist()}
            assert len(rows) == len(found)
            if not nx.has_path(graph, src, dst):
                assert not rows
                continue
            cables = 0
            for nodes in nx.all_shortest_paths(graph, src, dst):
                each = [len(graph.edges[hop]["links"]) for hop in pairwise(nodes)]
                cables += int(np.prod(each))
            assert len(rows) == cables
            ends = np.full(len(found), known.number_of[src])
            for column in found.T:
                assert (known.start[column] == ends).all()
                ends = known.end[column]
            assert (ends == known.number_of[dst]).all()


def test_rows_and_paths_are_there_and_back() -> None:
    known = ways(TREE)
    edges = sorted({host.at.dpid for host in TREE.hosts})
    src = np.array([known.number_of[edges[n]] for n in (0, 0, 0)], np.intp)
    dst = np.array([known.number_of[edges[n]] for n in (0, 1, 7)], np.intp)
    choices = [known.candidates(a, b) for a, b in zip(src.tolist(), dst.tolist(), strict=True)]
    rows = np.full((3, 4), known.filler, np.intp)
    for row, choice in zip(rows, choices, strict=True):
        row[: choice.shape[1]] = choice[-1]
    paths = known.paths(rows)
    assert [len(path or ()) for path in paths] == [0, 2, 4]
    assert (known.rows(paths, src, dst) == rows).all()


def test_what_is_no_way_is_no_path() -> None:
    known = ways(TREE)
    edges = sorted({host.at.dpid for host in TREE.hosts})
    there = np.array([known.number_of[edges[0]]], np.intp), np.array([known.number_of[edges[7]]], np.intp)
    whole = known.paths(known.candidates(int(there[0][0]), int(there[1][0])))[0]
    assert whole is not None
    torn = (whole[0], whole[1], whole[3], whole[2])
    for path in (None, (), whole[:3], whole[::-1], torn, (*whole[:3], port_ref(99, 1))):
        rows = known.rows([path], *there)
        assert (rows == NO_PATH).all()
        assert known.paths(rows) == [None]


def test_of_very_many_paths_an_even_choice_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    known = Ways(TREE)
    edges = sorted({host.at.dpid for host in TREE.hosts})
    found = known.candidates(known.number_of[edges[0]], known.number_of[edges[7]])
    assert len({tuple(row) for row in found.tolist()}) == 3

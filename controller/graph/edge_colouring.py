"""Colouring the edges of a bipartite multigraph evenly: each vertex sees each colour about equally often.

Who sends to whom is a bipartite multigraph: a switch on the left for each that sends, one on the right for
each that receives, an edge for each flow. Colours are the ways in between. What is wanted of `c` colours is
that no vertex of degree d has more than ceil(d / c) edges of one colour, and such a colouring always exists
(König 1916; de Werra 1971, for c below the degree).

*Halving* (Gabow 1976, by Euler partition). Pair the edges at each vertex, and demand that the two of a pair
go into different halves. Pairs on the left and pairs on the right are two perfect matchings of the edges, so
that their union is a set of even cycles, and two colours go round an even cycle:

    e --left-- f --right-- g --left-- h --right-- e           e, g: one half    f, h: the other

Edges left over at vertices of odd degree are paired with one another: that asks for more than is needed, and
keeps every cycle even. All classes are halved at the same time, as arrays; the lead of a cycle is found by
doubling strides: O(E log E) for a halving, log2(c) halvings.

Where the number of colours is odd, the edges of a class are coloured one by one (graph/alternating_paths.py).

With `weight`, pairs are of similar weight: at each vertex the weights of two halves differ by no more than
its greatest weight. Ties break by edge number, so that one graph is always coloured alike.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from controller.graph.alternating_paths import colouring

Numbers = NDArray[np.intp]


def edge_colouring(
    left: Numbers, right: Numbers, colours: int, weight: NDArray[np.float64] | None = None
) -> Numbers:
    """The colour of each edge, 0 ... colours-1; edge e joins `left[e]` and `right[e]`, numbers from 0.

    Raises `ValueError` for fewer than one colour.
    """
    if colours < 1:
        raise ValueError(f"{colours} colours cannot colour anything")
    classes, odd = np.zeros(len(left), np.intp), colours
    while odd % 2 == 0:
        classes = 2 * classes + halves(_joint(classes, left), _joint(classes, right), weight)
        odd //= 2
    if odd == 1 or not len(left):
        return classes
    found = classes * odd
    for number in range(colours // odd):
        members = np.flatnonzero(classes == number)
        found[members] += _by_paths(left[members], right[members], odd)
    return found


def halves(left: Numbers, right: Numbers, weight: NDArray[np.float64] | None = None) -> Numbers:
    """0 or 1 for each edge, such that the two halves share the edges of each vertex evenly."""
    count = len(left)
    beside = _paired(left, weight), _paired(right, weight)
    onward = beside[1][beside[0]]
    lead = np.arange(len(onward))
    stride = 1
    while stride < len(onward):
        lead = np.minimum(lead, lead[onward])
        onward = onward[onward]
        stride *= 2
    found: Numbers = (lead > lead[beside[0]]).astype(np.intp)[:count]
    return found


def _joint(classes: Numbers, vertices: Numbers) -> Numbers:
    """One number for each vertex in each class."""
    return classes * (int(vertices.max(initial=0)) + 1) + vertices


def _paired(vertices: Numbers, weight: NDArray[np.float64] | None) -> Numbers:
    """The partner of each edge: at the same vertex, but for at most one edge of each. Their number is made
    even by an edge that joins nothing.
    """
    count = len(vertices)
    order: Numbers = (
        np.argsort(vertices, kind="stable") if weight is None else np.lexsort((-weight, vertices))
    )
    found = vertices[order]
    starts = np.flatnonzero(np.r_[True, found[1:] != found[:-1]]) if count else np.zeros(0, np.intp)
    sizes = np.diff(np.r_[starts, count])
    place = np.arange(count) - np.repeat(starts, sizes)
    single = (place == np.repeat(sizes, sizes) - 1) & (place % 2 == 0)
    in_pairs = np.r_[order[~single], order[single], np.arange(count, count + count % 2)].astype(np.intp)
    partner: Numbers = np.empty_like(in_pairs)
    partner[in_pairs[0::2]], partner[in_pairs[1::2]] = in_pairs[1::2], in_pairs[0::2]
    return partner


def _by_paths(left: Numbers, right: Numbers, colours: int) -> Numbers:
    """An even colouring with any number of colours.

    Each vertex is split into copies of as many edges as there are colours; a colouring in which no copy sees
    a colour twice is even at the vertex.
    """
    pairs = list(zip(_copies(left, colours), _copies(right, colours), strict=True))
    return np.array(colouring(pairs, colours), np.intp)


def _copies(vertices: Numbers, size: int) -> list[int]:
    """Another number for each vertex after each `size` edges."""
    seen, number, found = dict[int, int](), dict[tuple[int, int], int](), list[int]()
    for vertex in vertices.tolist():
        turn = seen[vertex] = seen.get(vertex, -1) + 1
        found.append(number.setdefault((vertex, turn // size), len(number)))
    return found

"""Algorithms over a `Topology`: distances, equal-cost next hops, tiers, disjoint paths and cuts. All are pure."""

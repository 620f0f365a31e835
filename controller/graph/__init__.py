"""Pure algorithms over a `Topology`: distances, equal-cost next hops, tiers, disjoint paths, cuts."""

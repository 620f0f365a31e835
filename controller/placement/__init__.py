"""Placement: which path each large flow takes, so that the slowest gets as much as can be had.

    topology, demands, current placement  -->  place  -->  Placement

    solvers      all of them by name: ours, ecmp, gff, sa
    ours         what stands if it serves everybody, else what a search finds; moves only for a gain
    colouring    equal rates on a Clos fabric: every flow has its ideal
    general      anything else: search from an even spread (clos), judged by fair rates (polish)
    ecmp         what the hash of equal-cost groups does with flows: the measure of all others
    first_fit, annealing    as published, to compare with

    demands      what flows would send if the fabric were in nobody's way
    patterns     who sends to whom, by rule and seed
    network      the links that flows share, host ports included, as numbers
    ways         all paths between two switches, as arrays of links
    problem      demands as arrays; what their paths are worth
    bound, cuts  what no placement can exceed

Every solver is a pure function of this one type (`Place`), so that the controller, the flow-level simulator
and the bench put in whichever they like. A path only takes next hops that the equal-cost routes offer too:
each hop is nearer to the target, so that no mixture of placed and unplaced hops goes in a circle, and none
needs an order in which it is installed.
"""

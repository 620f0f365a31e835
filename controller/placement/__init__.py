"""Placement: which path each large flow takes, so that the slowest gets as much as can be had.

    topology, demands, current placement  -->  place  -->  Placement

    demands      what flows would send if the fabric were in nobody's way
    network      the links that flows share, host ports included, as numbers; ways; what a placement is worth
    ecmp         what the hash of equal-cost groups does with flows: the measure of all others
    colouring    equal flows on a folded Clos, exactly
    packing      what a flow more costs on a link; general: any flows on any fabric, by descent on that
    ours         the best of these, with few moves; first_fit, annealing: Hedera's, for comparison
    solvers      all of them by name

Every solver is a pure function of this one type (`Place`), so that the controller, the flow-level simulator
and the bench put in whichever they like. A path only takes next hops that the equal-cost routes offer too:
each hop is nearer to the target, so that no mixture of placed and unplaced hops goes in a circle, and none
needs an order in which it is installed.
"""

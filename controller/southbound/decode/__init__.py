"""Bytes to values, straight: what arrives often is read without the framework's parser and without the guard.

The guard exists because the framework's parser trusts lengths; code that trusts none needs no guard. So each
reader here checks what it reads (decode/bounds.py), and refuses exactly what the guard refuses. What is rare
(features) still passes the guard and then the framework; tests/southbound/framework_decode.py reads
everything in that way, and law 9 holds the two together, on truthful messages and on lies.

    bounds             lengths that are believed, and when
    matches, actions   parts of entries
    programs           rules, groups and meters, as a switch reports them
    flows              counters of rules about single flows
    ports              descriptions, counters
    frames, errors     what a switch says of its own accord

What a switch holds need not be ours: another controller, or a person with ovs-ofctl, may have left rules
that the model has no words for. Such a rule must not disappear, or nobody could ever remove it. So a rule
whose *what* cannot be said is read with the one action `UNSPEAKABLE`, which no compiler makes and no switch
accepts: it differs from every wanted rule, and its key is enough to delete it. A rule whose *where* cannot
be said is left out, and counted.
"""

from controller.southbound.decode.actions import UNSPEAKABLE

__all__ = ["UNSPEAKABLE"]

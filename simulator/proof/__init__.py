"""What the switches' tables do to every pair of hosts: proven, not sampled.

    universe    hosts as bits, and matches as sets of them
    ways        the tables of one switch as equations over such sets
    solution    all switches' equations, solved
    proof       the pairs counted, and what was to be expected

A proof needs a snapshot (fabric/snapshot.py) and nothing else: no controller, no farm that stands still.
"""

from simulator.proof.proof import Proof, Verdict, prove
from simulator.proof.solution import Counterexample
from simulator.proof.universe import Kind

__all__ = ["Counterexample", "Kind", "Proof", "Verdict", "prove"]

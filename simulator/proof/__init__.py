"""What the switches' tables do to every pair of hosts: proven, not sampled.

universe    hosts as bits, and matches as sets of them
ways        the tables of one switch as equations over such sets
proof       all switches' equations solved, pairs counted, a counterexample found
"""

from simulator.proof.proof import Counterexample, Proof, Verdict, prove

__all__ = ["Counterexample", "Proof", "Verdict", "prove"]

"""Pacing: what has to be done to everything, again and again, is done as a steady stream.

A fabric of a thousand switches has thirty thousand ports that say hello every few seconds, and a thousand
switches that are asked for their counters. All at once that is a burst which nobody survives well; each at
its own millisecond, it wakes the controller thousands of times a second. So each thing has a moment of its
own in the interval (`own_moment_s`), moments lie on a beat (`on_the_beat`), and what is due is done beat by
beat.
"""

from __future__ import annotations

from math import ceil, floor

BEATS_PER_S = 32
"""A power of two: then moments that are so many beats apart add up exactly."""


def on_the_beat(when_s: float) -> float:
    """The first beat that is not before this time."""
    return ceil(when_s * BEATS_PER_S) / BEATS_PER_S


def next_beat_s(now_s: float) -> float:
    """The first beat that is after this time."""
    return (floor(now_s * BEATS_PER_S) + 1) / BEATS_PER_S


def own_moment_s(major: int, minor: int, now_s: float, interval_s: float) -> float:
    """The next moment of the thing with these numbers: after now, and at most an interval and a beat away.

    The moments of many things lie evenly in the interval, wherever their numbers come from (Knuth's
    multiplicative hashing, The Art of Computer Programming, vol. 3, section 6.4).
    """
    share = ((major * 0x9E3779B1 + minor * 0x85EBCA77) & 0xFFFFFFFF) / 2**32
    offset_s = on_the_beat(share * interval_s)
    rounds = floor((now_s - offset_s) / interval_s) + 1
    moment_s = on_the_beat(offset_s + rounds * interval_s)
    return moment_s if moment_s > now_s else moment_s + interval_s

"""The prober: one small process that sends and receives probes for all hosts of a lab.

A socket belongs to the network namespace in which it was made, for life. So a single process can have a
hand in every host: it enters each namespace once, opens its sockets there and comes back. Compared with a
process for each host this costs one interpreter instead of 128, one clock, and no talk between sender and
receiver: what was sent, what arrived and when stand in the same arrays.

    lab  --(JSON lines on standard input)-->  prober  --(UDP through the fabric)-->  prober

It is a process of its own so that what the lab does meanwhile (drawing, starting programs) does not disturb
the timing, and it uses the standard library only. Times are CLOCK_MONOTONIC in nanoseconds; arrivals are
stamped by the kernel, so reading them late does no harm.

    namespaces   sockets inside the hosts
    streams      what was sent and what arrived; gaps
    pump         sends what is due, receives what came
    frames       raw Ethernet: inject, listen, relay (for attacks)
    __main__     the requests
"""

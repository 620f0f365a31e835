"""A routed fabric, the peer without a controller: what most datacentres run today.

From the same blueprint, each switch is a network namespace that forwards with the kernel and runs FRR: zebra,
bgpd and bfdd. BGP unnumbered on every cable, a private AS number for each rack and one for each upper tier
(RFC 7938, section 5.2), up to 64 equal paths chosen by a hash over addresses and ports, BFD on every session.

    config       what the daemons are told: pure text
    daemons      the three daemons of one switch
    namespaces   switches as namespaces, and cables between them
    fabric       the whole of it, with the verbs of a lab: cut, restore, kill, restart

What is done for it that a good operator does: no advertisement interval, sessions that end with their
interface, next hops without carrier passed over by the kernel at once, neighbours of hosts known in advance.
"""

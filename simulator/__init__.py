"""Fabrics that no laptop can emulate.

    switch    one OpenFlow 1.3 switch: bytes in, bytes out; no socket, no clock
    fabric    switches, the wires between them, and the hosts at their ports
    farm      all of it behind real TCP connections to a real controller, with scripted trouble
    proof     what the switches' tables do to every pair of hosts, proven and not sampled
    flows     traffic as a fluid: what flows get, and what a scheduler makes of it; no switches, virtual time

The farm knows of the controller what a switch knows of it: the protocol. It shares with it the model (rules,
groups, packets), the data-plane model, and the way documents are read; never the southbound, whose work it is
there to judge.
"""

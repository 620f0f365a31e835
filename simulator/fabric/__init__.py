"""Switches, the wires between them, and the hosts at their ports.

    frames      what hosts say: ARP, neighbour discovery, echo, plain datagrams
    hosts       hosts that announce themselves, answer, and talk
    fabric      the wires, and the way of a frame through them
    snapshot    what all switches hold at one moment, for judges

No sockets and no clock: a fabric is told what time it is, and lays out what its switches say.
"""

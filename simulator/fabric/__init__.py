"""Switches, the wires between them, and the hosts at their ports.

frames    what hosts say: ARP, neighbour discovery, echo, plain datagrams
hosts     hosts that announce themselves, answer, and talk
fabric    the wires, and the way of a frame through them
"""

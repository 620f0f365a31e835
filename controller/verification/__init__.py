"""Proof over all packets: what a program does to every packet that there can be.

    values      the values of a field, told apart as far as anybody asks
    packets     sets of packets, as decision diagrams over fields
    fates       what comes of a packet that meets a rule
    switch      the tables of one switch, as divisions of all packets
    walk        one question about packets, put to the tables of one switch
    network     what becomes of packets in a whole fabric, kept up to date change by change
    violations  what must not be, and what of it is

Nothing in here knows what a program is for: policies are handed in as sets of packets.
"""

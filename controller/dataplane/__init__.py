"""A small, trusted model of OpenFlow 1.3: what a switch would do with a packet."""

"""Adaptive routing: the route table of the fabric, as it follows from the live graph."""

"""Congestion: large flows get paths of their own."""

"""Watching: which ports run BFD, and with whom."""

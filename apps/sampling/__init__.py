"""Sampling: which switches sample frames, and how often."""

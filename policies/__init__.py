"""Policies: what operators write, what it means, and the rules that do it."""

"""The way in for people and tools: a local socket on which the running controller can be asked."""

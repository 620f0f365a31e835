"""What all tests share: how hypothesis searches, and what to say where the emulated lab cannot run."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import settings

from tests.searching import SEARCH

# A law is searched for the same examples on every run, so that a failure is everybody's failure. How many is
# said at each law (searching.py). No deadlines: they would measure the machine.
settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("explore", deadline=None, print_blob=True)
settings.load_profile("explore" if SEARCH == "explore" else "repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = _why_no_lab()
    if reason:
        for item in items:
            if item.get_closest_marker("emulation"):
                item.add_marker(pytest.mark.skip(reason=reason))


def _why_no_lab() -> str | None:
    if os.geteuid() != 0:
        return "the emulated lab needs root: run as root, or `make check` for what needs none"
    missing = [tool for tool in ("ovs-vsctl", "mnexec") if shutil.which(tool) is None]
    return f"not installed: {', '.join(missing)}; run `make setup`" if missing else None

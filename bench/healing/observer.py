"""The observer of loops as a process of its own: what drives the fabric meanwhile does not slow it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence

from controller.model.errors import TreadleError


class Observer:
    """Listens on these interfaces from now on, until `end`."""

    def __init__(self, interfaces: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.healing.loops", *interfaces],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout
        if self._process.stdout.readline().strip() != "listening":
            raise TreadleError("the observer of loops does not start; its last words stand above")

    def end(self) -> dict[str, int]:
        """Stop listening; what it has seen."""
        said, _ = self._process.communicate(timeout=60.0)
        return dict(json.loads(said))

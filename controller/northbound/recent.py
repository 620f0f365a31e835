"""The latest changes, kept for whoever asks a moment too late to have followed along."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from controller.northbound.surface import Surface

MOST_CHANGES = 1000
_PATIENCE_S = 0.5


class Recent:
    """Follows the feed in a thread of its own, and remembers its last `MOST_CHANGES` changes."""

    def __init__(self, surface: Surface) -> None:
        self._surface = surface
        self._changes: deque[Mapping[str, Any]] = deque(maxlen=MOST_CHANGES)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="recent changes", daemon=True)

    def start(self) -> None:
        """Begin to remember."""
        self._subscription = self._surface.subscribe()
        self._thread.start()

    def stop(self) -> None:
        """Take in nothing more; the thread ends by itself, soon."""
        self._stopping.set()
        self._surface.unsubscribe(self._subscription)

    def changes(self) -> list[Mapping[str, Any]]:
        """What is remembered, the oldest first."""
        return list(self._changes)

    def _follow(self) -> None:
        while not self._stopping.is_set():
            change = self._subscription.get(_PATIENCE_S)
            if change is not None:
                self._changes.append(change)

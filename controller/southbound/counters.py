"""Counting what crosses the seam: messages by type and by switch, and what was dropped.

One thread counts (the one that owns the sessions); others read. A reader may see a number that is a moment
old.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class SwitchCounters:
    """Messages exchanged with one switch; keys are OpenFlow's names, such as `PACKET_IN`.

    `dropped` counts by reason what was received and not used: `malformed`, `unwanted`, `unexpected`.
    """

    sent: Counter[str] = field(default_factory=Counter)
    received: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def add(self, other: SwitchCounters) -> None:
        """Take another's counts into one's own; the other may be counted on by its thread meanwhile."""
        self.sent += Counter(dict(other.sent))
        self.received += Counter(dict(other.received))
        self.dropped += Counter(dict(other.dropped))

    def plus(self, other: SwitchCounters) -> SwitchCounters:
        """Both together, as they are now."""
        both = SwitchCounters()
        both.add(self)
        both.add(other)
        return both

    @property
    def totals(self) -> tuple[int, int]:
        """All messages sent, all received."""
        return self.sent.total(), self.received.total()


MESSAGE_NAMES = (
    "HELLO",
    "ERROR",
    "ECHO_REQUEST",
    "ECHO_REPLY",
    "EXPERIMENTER",
    "FEATURES_REQUEST",
    "FEATURES_REPLY",
    "GET_CONFIG_REQUEST",
    "GET_CONFIG_REPLY",
    "SET_CONFIG",
    "PACKET_IN",
    "FLOW_REMOVED",
    "PORT_STATUS",
    "PACKET_OUT",
    "FLOW_MOD",
    "GROUP_MOD",
    "PORT_MOD",
    "TABLE_MOD",
    "MULTIPART_REQUEST",
    "MULTIPART_REPLY",
    "BARRIER_REQUEST",
    "BARRIER_REPLY",
    "QUEUE_GET_CONFIG_REQUEST",
    "QUEUE_GET_CONFIG_REPLY",
    "ROLE_REQUEST",
    "ROLE_REPLY",
    "GET_ASYNC_REQUEST",
    "GET_ASYNC_REPLY",
    "SET_ASYNC",
    "METER_MOD",
)
"""The message types of OpenFlow 1.3 by number (section 7.1)."""


def message_name(kind: int) -> str:
    """The name of a message type, also of one that does not exist."""
    return MESSAGE_NAMES[kind] if kind < len(MESSAGE_NAMES) else f"TYPE_{kind}"

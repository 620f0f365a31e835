"""What a switch counts of its conversation, and when what happened: for benches and for judges.

Times are seconds of CLOCK_MONOTONIC, which all processes of a machine share; None: it has not happened.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from simulator.switch.wire import Type


@dataclass(slots=True)
class Counters:
    """`received` and `sent` by message type. A change is a flow-mod, group-mod or meter-mod; the first one is
    the first since a mark was set, or ever.
    """

    received: list[int] = field(default_factory=lambda: [0] * len(Type))
    sent: list[int] = field(default_factory=lambda: [0] * len(Type))
    refused: int = 0
    bytes_in: int = 0
    packet_ins_lost: int = 0
    connections: int = 0
    connected_s: float | None = None
    lost_s: float | None = None
    ready_s: float | None = None
    first_frame_s: float | None = None
    last_frame_s: float | None = None
    first_change_s: float | None = None
    last_change_s: float | None = None
    last_barrier_s: float | None = None
    last_byte_s: float | None = None

    def changed(self, now_s: float) -> None:
        """A message that is to change a table has come."""
        self.last_change_s = now_s
        if self.first_change_s is None:
            self.first_change_s = now_s

    def as_dict(self) -> dict[str, object]:
        """By name, as JSON has it; types that never occurred are left out."""
        plain = {name: getattr(self, name) for name in self.__slots__}
        for way in ("received", "sent"):
            plain[way] = {kind.name: n for kind, n in zip(Type, plain[way], strict=True) if n}
        return plain

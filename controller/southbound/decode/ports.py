"""Ports: how a switch describes them, and what it has counted at each (sections 7.2.1 and 7.3.5.6)."""

from __future__ import annotations

from struct import Struct

from controller.model.identity import Mac, PortNo
from controller.model.topology import DEFAULT_CAPACITY_BPS, Port
from controller.model.traffic import PortCounters, QueueCounters
from controller.southbound import wire
from controller.southbound.decode.bounds import whole
from controller.southbound.guard.shapes import Malformed

_PORT = Struct("!I4x6s2x16sII16xI4x")
_COUNTERS = Struct("!I4x8Q32xI4x")
_QUEUE = Struct("!II3QI4x")
_ABSENT = 0xFFFFFFFFFFFFFFFF  # a counter that the switch does not keep (section 7.3.5)


def ports_at(buffer: bytes, at: int, limit: int) -> list[Port | None]:
    """Ports as their switch describes them; None stands for a reserved one such as the switch's own host
    (LOCAL). Raises `Malformed`.
    """
    return [_port(buffer, at + 64 * index) for index in range(whole(_PORT.size, at, limit))]


def port_status(buffer: bytes, at: int, limit: int) -> tuple[bool, Port | None]:
    """Whether the port was deleted, and the port, from the body of a PORT_STATUS. Raises `Malformed`."""
    if limit - at != 8 + _PORT.size:
        raise Malformed(f"{limit - at} bytes at byte {at} where {8 + _PORT.size} are needed")
    return buffer[at] == wire.PORT_DELETED, _port(buffer, at + 8)


def _port(buffer: bytes, at: int) -> Port | None:
    number, mac, name, configuration, state, speed_kbps = _PORT.unpack_from(buffer, at)
    if not 0 < number <= wire.LAST_PORT:
        return None
    return Port(
        number=PortNo(number),
        name=name.rstrip(b"\0").decode("utf-8", "replace"),
        mac=Mac(int.from_bytes(mac)),
        live=not (configuration & wire.PORT_DOWN or state & wire.LINK_DOWN),
        capacity_bps=speed_kbps * 1000 or DEFAULT_CAPACITY_BPS,
    )


def port_counters_at(buffer: bytes, at: int, limit: int) -> list[PortCounters]:
    """The counters of each port but the reserved ones; what the switch does not keep reads as zero.

    Raises `Malformed`.
    """
    whole(112, at, limit)
    counted, make = [], tuple.__new__
    for fields in _COUNTERS.iter_unpack(memoryview(buffer)[at:limit]):
        if fields[0] < wire.LAST_PORT:
            if _ABSENT in fields:
                fields = tuple(0 if field == _ABSENT else field for field in fields)
            counted.append(make(PortCounters, fields))
    return counted


def queue_counters_at(buffer: bytes, at: int, limit: int) -> list[QueueCounters]:
    """The counters of each queue; what the switch does not keep reads as zero. Raises `Malformed`."""
    whole(_QUEUE.size, at, limit)
    return [
        QueueCounters(PortNo(port), queue, *(0 if each == _ABSENT else each for each in counters))
        for port, queue, *counters in _QUEUE.iter_unpack(memoryview(buffer)[at:limit])
    ]

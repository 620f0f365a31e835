"""A fabric that is well, and a stranger at a host's port of it who says whatever bytes.

    HEARD                what hosts and switches really say, and the controller's own hellos
    meet(frames, told)   a fabric in which the stranger has said these; with a blueprint or without

`meet` judges. Whatever a frame holds, no turn of the engine fails, no frame makes or breaks a cable, and
afterwards the engine comes to rest. Who is believed to be which host is for the laws of discovery to say.
Property tests and the fuzzer (tests/fuzz) feed it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from controller.dataplane.pipeline import Table
from controller.model.blueprint import linear
from controller.model.command import SendFrame
from controller.model.event import FrameIn
from tests.discovery.captured import CAPTURED
from tests.runtime.driving import Drive

_WIRING = linear(3)
_PLACE = _WIRING.hosts[0].at
_LLDP = b"\x88\xcc"


def meet(frames: Iterable[bytes], told: bool = True, table: int = Table.ADMISSION) -> Drive:
    """Let the stranger say these frames, a tenth of a second apart."""
    drive = Drive(_WIRING, told=told).come_up()
    wired = set(drive.engine.topology.links)
    for frame in frames:
        drive.fabric.events.put(FrameIn(_PLACE.dpid, _PLACE.port, frame, table))
        drive.run(0.1)
        assert set(drive.engine.topology.links) == wired
    drive.run(10.0)
    assert drive.engine.idle
    assert set(drive.engine.topology.links) == wired
    return drive


@cache
def hellos() -> tuple[bytes, ...]:
    """Hellos that the controller says, signed with its own key, each at some port."""
    sent = Drive(_WIRING).run(3.0)
    said = [each.command.data for each in sent if isinstance(each.command, SendFrame)]
    return tuple(data for data in said if data[12:14] == _LLDP)


HEARD = (*CAPTURED.values(), *hellos())

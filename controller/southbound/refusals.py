"""Commands that never reach a switch, because a number in them has no room in their message.

The model lets a port have 33 bits; OpenFlow does not. To the loop such a command is one that was refused,
and the refusal carries the type and code with which a switch would have refused it (section 7.4.4).
"""

from __future__ import annotations

from controller.model.command import (
    AddGroup,
    AddMeter,
    Command,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyGroup,
    ModifyMeter,
    ProgramCommand,
    SetRule,
)
from controller.model.event import Refused
from controller.model.identity import Dpid

_BAD_LENGTH = (1, 6)
_REFUSALS: dict[type, tuple[int, int]] = {
    **dict.fromkeys((SetRule, DeleteRule), (5, 0)),  # FLOW_MOD_FAILED, UNKNOWN
    **dict.fromkeys((AddGroup, ModifyGroup, DeleteGroup), (6, 1)),  # GROUP_MOD_FAILED, INVALID_GROUP
    **dict.fromkeys((AddMeter, ModifyMeter, DeleteMeter), (12, 0)),  # METER_MOD_FAILED, UNKNOWN
}


def refused_by_us(dpid: Dpid, command: Command, why: str) -> Refused:
    """The event for a command that cannot be said in OpenFlow 1.3."""
    kind, code = _REFUSALS.get(type(command), _BAD_LENGTH)
    named = command if isinstance(command, ProgramCommand) else None
    return Refused(dpid, kind, code, f"cannot be said in OpenFlow 1.3: {why}", named)

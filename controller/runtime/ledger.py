"""What the switches are known to hold, and which of them can be told anything.

    SwitchUp     -> the switch is asked for all that it holds      (reading)
    ProgramRead  -> what it holds is known                         (known)
    SwitchDown   -> nothing is known; it goes on forwarding        (absent)

Only a known switch takes part in plans. `installed` changes by what switches confirm and by nothing else.
"""

from __future__ import annotations

from types import MappingProxyType

from controller.model.command import ProgramCommand
from controller.model.identity import Dpid
from controller.model.program import FabricProgram, SwitchProgram
from controller.planner.apply import apply_commands


class Ledger:
    """The programs that switches have confirmed, by switch."""

    def __init__(self) -> None:
        self._installed: dict[Dpid, SwitchProgram] = {}
        self._refused: dict[Dpid, set[ProgramCommand]] = {}
        self.version = 0

    @property
    def installed(self) -> FabricProgram:
        """What each known switch holds."""
        return MappingProxyType(self._installed)

    def copy(self) -> FabricProgram:
        """What each known switch holds at this moment; may be called from any thread."""
        return dict(self._installed)

    def read(self, dpid: Dpid, program: SwitchProgram) -> None:
        self._installed[dpid] = program
        self._refused.pop(dpid, None)
        self.version += 1

    def correct(self, dpid: Dpid, program: SwitchProgram) -> None:
        """The switch was read again, and holds something else than it had confirmed."""
        self._installed[dpid] = program
        self.version += 1

    def forget(self, dpid: Dpid) -> None:
        """The switch is gone or has come anew: what it holds is not known."""
        self._installed.pop(dpid, None)
        self.version += 1

    def confirm(
        self, dpid: Dpid, commands: tuple[ProgramCommand, ...], holds: SwitchProgram | None = None
    ) -> None:
        """The switch has carried these out; `holds` is what it holds now, where that is known already. It is
        then the object that was wanted, and comparing the two is free.
        """
        held = self._installed.get(dpid)
        if held is not None:
            self._installed[dpid] = holds or apply_commands(held, commands)
            self.version += 1

    def refuse(self, dpid: Dpid, command: ProgramCommand | None) -> None:
        """The switch will not take this command; it is not asked again until it comes anew."""
        if command is not None:
            self._refused.setdefault(dpid, set()).add(command)

    @property
    def any_refused(self) -> bool:
        return any(self._refused.values())

    def refuses(self, dpid: Dpid, command: ProgramCommand) -> bool:
        """Whether the switch has refused this very command before."""
        return command in self._refused.get(dpid, ())

"""Which policy is in force: the one that was asked for last, unless it had to be taken back.

    asked --confirmed by its operator, or none was needed--> stays
      |---- nobody confirms in time ------------------------> the one before returns
      |---- verification objects to what it comes to -------> the one before returns, and nothing was sent
      '---- a switch refuses one of its rules --------------> the one before returns, everywhere

A refusal counts for as long as no switch holds all of what was asked for: afterwards it is about something
else. Who keeps the policy on disk learns of a return from `Change("policy-returned")`.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.model.command import Command, SetRule
from controller.model.event import PolicyAsked, PolicyConfirmed
from controller.model.finding import Finding, Severity
from controller.model.flow import Owner
from controller.runtime.feed import Change

_OWNERS = (Owner.POLICY, Owner.CLASS)
_LOOK = "treadle policy history shows both; mend the new one and apply it again"


@dataclass(frozen=True, slots=True)
class Held:
    """A policy, and what it is called."""

    text: str = ""
    version: str = ""


class InForce:
    """The policy of the moment, and the one that returns if this one cannot stay."""

    def __init__(self) -> None:
        self.now, self._before = Held(), Held()
        self.due_s: float | None = None
        """When the one before returns, unless somebody confirms."""
        self._on_trial = self._returning = False
        self.returned = ""
        """Why the last policy that was asked for did not stay; empty while it does."""

    def ask(self, event: PolicyAsked, now_s: float) -> Change:
        """This one from now on. One that still waits to be confirmed is not what returns."""
        if self.due_s is None:
            self._before = self.now
        self.now, self.returned = Held(event.policy, event.version), ""
        self._on_trial = not event.standing
        wait_s = event.confirm_within_s
        self.due_s = None if wait_s is None else now_s + wait_s
        return Change("policy", event.version or "none")

    def confirm(self, event: PolicyConfirmed) -> list[Change]:
        """It is to stay; nothing where another one is meant, or nobody was waited for."""
        if event.version != self.now.version or self.due_s is None:
            return []
        self.due_s = None
        return [Change("policy-confirmed", event.version)]

    def expire(self, now_s: float) -> tuple[Change, Finding] | None:
        """The one before returns if nobody has confirmed in time."""
        if self.due_s is None or now_s < self.due_s:
            return None
        return self._return("nobody has confirmed it in time")

    def refused(self, command: Command | None, reason: str) -> tuple[Change, Finding] | None:
        """The one before returns if what a switch has refused was this one's."""
        return self._return(reason) if self._on_trial and _is_ours(command) else None

    def objected(self, reason: str) -> tuple[Change, Finding] | None:
        """The one before returns if verification objects while this one is on trial."""
        return self._return(f"verification: {reason}") if self._on_trial else None

    def is_straggler(self, command: Command | None) -> bool:
        """Whether what a switch has refused was wanted by a policy that is being taken back."""
        return self._returning and _is_ours(command)

    def settled(self) -> None:
        """All switches hold what was asked for."""
        self._returning = False
        if self.due_s is None:
            self._on_trial = False

    def _return(self, reason: str) -> tuple[Change, Finding]:
        gone, self.now = self.now, self._before
        self.due_s, self._on_trial, self._returning, self.returned = None, False, True, reason
        evidence = f"policy {gone.version or 'none'} was taken back: {reason}"
        found = Finding(Severity.ERROR, "policy-returned", "policy", evidence, _LOOK)
        return Change("policy-returned", self.now.version or "none", (("reason", reason),)), found


def _is_ours(command: Command | None) -> bool:
    return isinstance(command, SetRule) and command.rule.owner in _OWNERS

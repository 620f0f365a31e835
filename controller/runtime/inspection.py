"""What an inspector makes of proposals, and when he is asked.

a proposal                     before anything of it is sent: an objection stops it
one that mends a failure       once it has been carried out: packets are being lost, and the planner's own
                               promise (law 5) has to do until then (decision 23)
"""

from __future__ import annotations

from typing import Any

from controller.contract import Inspector, Proposal
from controller.model.finding import Finding, Severity


class Inspection:
    """The inspector's memory, and what he said last."""

    def __init__(self, inspector: Inspector | None) -> None:
        self._inspector = inspector
        self._memory: Any = None
        self._owed: Proposal | None = None
        self.findings: tuple[Finding, ...] = ()

    @property
    def owes(self) -> bool:
        """Whether a proposal was carried out that nobody has looked at."""
        return self._owed is not None

    def objections(self, proposal: Proposal) -> tuple[Finding, ...]:
        """What speaks against a proposal."""
        self._owed = None
        if self._inspector is None:
            return ()
        self._memory, self.findings = self._inspector.inspect(self._memory, proposal)
        return tuple(found for found in self.findings if found.severity is Severity.ERROR)

    def later(self, proposal: Proposal) -> None:
        """This one cannot wait."""
        if self._inspector is not None:
            self._owed = proposal

    def look(self) -> None:
        """Look at what could not wait."""
        if self._owed is not None:
            self.objections(self._owed)

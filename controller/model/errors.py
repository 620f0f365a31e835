"""Errors, ordered by the one question that matters when something goes wrong: who is at fault?

    TreadleError
      OperatorError       the request: a wrong setting, an unknown scenario, a file that does not parse
      SwitchError         a switch: it refused, it timed out, it is gone
      OwnershipConflict   two apps that claim the same entry of a switch
      ModelError          ourselves: a value was asked for that cannot exist

Expected outcomes (no path, a loop found by a trace, a stale answer) are values, never exceptions.
"""

from __future__ import annotations


class TreadleError(Exception):
    """Anything that Treadle raises on purpose."""


class OperatorError(TreadleError):
    """The request cannot be carried out; `problem` says why and `mend` what to do about it.

    `file`, `line`, `column` and `key` say where the problem stands, as far as that is known.
    """

    def __init__(
        self,
        problem: str,
        *,
        mend: str = "",
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
        key: str | None = None,
    ) -> None:
        self.problem = problem
        self.mend = mend
        self.file = file
        self.line = line
        self.column = column
        self.key = key
        super().__init__(self.text())

    def text(self) -> str:
        """One line: where, what, and how to mend it."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)
        where = " ".join(part for part in (place, f"key '{self.key}'" if self.key else "") if part)
        what = f"{where}: {self.problem}" if where else self.problem
        return f"{what}; {self.mend}" if self.mend else what


class SwitchError(TreadleError):
    """A switch refused a command, did not answer in time, or went away.

    `error_type` and `error_code` are OpenFlow's own numbers (OpenFlow 1.3.5, section 7.4.4), None when
    the switch said nothing at all.
    """

    def __init__(
        self, dpid: int, problem: str, *, error_type: int | None = None, error_code: int | None = None
    ) -> None:
        self.dpid = dpid
        self.problem = problem
        self.error_type = error_type
        self.error_code = error_code
        numbers = "" if error_type is None else f" (OpenFlow error type {error_type}, code {error_code})"
        super().__init__(f"switch {dpid:016x}: {problem}{numbers}")


class OwnershipConflict(TreadleError):
    """Two apps claim the same entry: the same table, priority and match on the same switch."""

    def __init__(self, dpid: int, entry: str, owners: tuple[str, str]) -> None:
        self.dpid = dpid
        self.entry = entry
        self.owners = owners
        super().__init__(f"switch {dpid:016x}: {owners[0]} and {owners[1]} both claim {entry}")


class ModelError(TreadleError):
    """A value was asked for that cannot exist, such as a match on a TCP port without TCP."""

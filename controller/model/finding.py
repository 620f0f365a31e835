"""Findings: what an operator should know, said once, with evidence and advice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Severity(Enum):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    `kind` is a stable word with hyphens (`missing-cable`, `address-conflict`); `subject` names the thing
    (`0000000000000001:3`). Two findings with the same kind and subject are the same finding, seen again.
    """

    severity: Severity
    kind: str
    subject: str
    evidence: str
    advice: str = ""

"""The findings that an operator sees: each once, with when it was first and last seen and how often.

Findings come in two ways. An app's report is complete each time: what it no longer reports is over. A
finding that discovery or the seam raises speaks of a moment; it stays until there are too many, the
oldest going first.

An app that has nothing new to say returns the same report each turn. That costs nothing, however long the
report: it is all still true, and was seen until now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from controller.model.finding import Finding
from controller.northbound.surface import Seen

_KEEP = 1000


@dataclass(slots=True)
class _Report:
    """What an app said last, and until when it has said so."""

    found: Sequence[Finding]
    seen: dict[tuple[str, str], Seen]
    until_s: float


class FindingsBook:
    """All findings; `note` and `report` answer those that are new."""

    def __init__(self) -> None:
        self._moments: dict[tuple[str, str], Seen] = {}
        self._reports: dict[str, _Report] = {}

    def note(self, found: Iterable[Finding], now_s: float) -> tuple[Finding, ...]:
        """Findings of this moment."""
        fresh = []
        for finding in found:
            key = (finding.kind, finding.subject)
            old = self._moments.pop(key, None)
            if old is None:
                fresh.append(finding)
            self._moments[key] = _seen(old, finding, now_s)
        while len(self._moments) > _KEEP:
            del self._moments[next(iter(self._moments))]
        return tuple(fresh)

    def report(self, app: str, found: Sequence[Finding], now_s: float) -> tuple[Finding, ...]:
        """All that an app reports now; what it reported before and no longer does is over."""
        latest = self._reports.get(app)
        if latest is not None and latest.found is found:
            latest.until_s = now_s
            return ()
        before = latest.seen if latest else {}
        now = {(f.kind, f.subject): _seen(before.get((f.kind, f.subject)), f, now_s) for f in found}
        self._reports[app] = _Report(found, now, now_s)
        return tuple(entry.finding for key, entry in now.items() if key not in before)

    def entries(self) -> tuple[Seen, ...]:
        """Everything, in the order in which it was first seen; may be called from any thread."""
        reported = [
            replace(entry, last_s=report.until_s)
            for report in tuple(self._reports.values())
            for entry in report.seen.values()
        ]
        return tuple(sorted([*self._moments.values(), *reported], key=lambda entry: entry.first_s))


def _seen(old: Seen | None, finding: Finding, now_s: float) -> Seen:
    return (
        replace(old, finding=finding, last_s=now_s, count=old.count + 1)
        if old
        else Seen(finding, now_s, now_s)
    )

"""Who may be which switch.

A session that has said its name waits here for leave to use it. In this order:

1. an auxiliary connection (OpenFlow 1.3.5, section 6.3.7) is refused: we never ask for one;
2. with TLS, the name must be the certificate's;
3. with an allow-list, the name must be on it;
4. when another session lives under the name, that one is probed: if it answers, the newcomer is an impostor
   or a mistake, and is refused; if it does not within `probe_s`, it was a dead connection, and the newcomer
   takes over.

Rule 4 protects a live switch from whoever claims its name, and costs a switch that has lost its connection
no more than the probe's time.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.model.event import Event
from controller.model.identity import Dpid, dpid_text
from controller.southbound.session import Session, Stage
from controller.southbound.settings import SouthboundSettings


@dataclass(frozen=True)
class _Contest:
    """Two sessions under one name, the older being probed."""

    holder: Session
    newcomer: Session
    since_s: float


class Admission:
    """The book of names. One thread owns it, the same that owns the sessions."""

    def __init__(self, settings: SouthboundSettings) -> None:
        self._settings = settings
        self._holders: dict[Dpid, Session] = {}
        self._contests: list[_Contest] = []

    def holder(self, dpid: Dpid) -> Session | None:
        """The session that may use this name, if there is one."""
        return self._holders.get(dpid)

    def awaits(self, session: Session) -> bool:
        """Whether the session waits for a probe of another."""
        return any(contest.newcomer is session for contest in self._contests)

    @property
    def contested(self) -> bool:
        """Whether any name is claimed twice at the moment."""
        return bool(self._contests)

    def consider(self, session: Session, certified: Dpid | None, now_s: float) -> list[Event]:
        """A session has said its name (stage WAITING): admit it, refuse it, or let it wait for a probe.

        `certified` is the name in its certificate; it is looked at only where TLS is in use.
        """
        assert session.dpid is not None
        objection = self._objection(session, session.dpid, certified)
        if objection is not None:
            return session.refuse(*objection)
        holder = self._holders.get(session.dpid)
        if holder is None or holder.stage is Stage.CLOSED:
            self._admit(session, session.dpid, now_s)
            return []
        if any(contest.holder is holder for contest in self._contests):
            return session.refuse("duplicate-dpid", "a third session under one name")
        holder.probe()
        self._contests.append(_Contest(holder, session, now_s))
        return []

    def settle(self, now_s: float) -> list[tuple[Session, list[Event]]]:
        """Decide the contests that have been won or have lasted long enough: whose session ended, and how."""
        ended: list[tuple[Session, list[Event]]] = []
        undecided = []
        for contest in self._contests:
            if contest.holder.stage is Stage.CLOSED or now_s >= contest.since_s + self._settings.probe_s:
                ended.append((contest.holder, self._take_over(contest, now_s)))
            elif contest.holder.life.heard_s > contest.since_s:
                ended.append(
                    (contest.newcomer, contest.newcomer.refuse("duplicate-dpid", _duplicate(contest)))
                )
            elif contest.newcomer.stage is not Stage.CLOSED:
                undecided.append(contest)
        self._contests = undecided
        return ended

    def forget(self, session: Session) -> None:
        """The session has ended: its name is free."""
        if session.dpid is not None and self._holders.get(session.dpid) is session:
            del self._holders[session.dpid]

    def _objection(self, session: Session, dpid: Dpid, certified: Dpid | None) -> tuple[str, str] | None:
        if session.auxiliary:
            return "auxiliary", f"auxiliary connection {session.auxiliary} was not asked for"
        if self._settings.tls is not None and certified != dpid:
            holder = "no switch" if certified is None else dpid_text(certified)
            return (
                "certificate-mismatch",
                f"says {dpid_text(dpid)}, but its certificate was made for {holder}",
            )
        if self._settings.allowed is not None and dpid not in self._settings.allowed:
            return "not-allowed", f"{dpid_text(dpid)} is not on the list of allowed switches"
        return None

    def _admit(self, session: Session, dpid: Dpid, now_s: float) -> None:
        self._holders[dpid] = session
        session.admit(now_s)

    def _take_over(self, contest: _Contest, now_s: float) -> list[Event]:
        events = contest.holder.close("replaced by a new connection; the old one no longer answered")
        if contest.newcomer.stage is Stage.WAITING and contest.newcomer.dpid is not None:
            self._admit(contest.newcomer, contest.newcomer.dpid, now_s)
        return events


def _duplicate(contest: _Contest) -> str:
    return f"lives at {contest.holder.peer}; {contest.newcomer.peer} claims the same name"

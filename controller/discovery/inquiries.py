"""Inquiries: nobody is moved, robbed of an address or forgotten before having been asked.

    open --question--> wait --question--> wait ... --> silence: the claim is right, or the station is gone
                        \\__ answer from the old place: the claim is wrong, or the station is there

Each open inquiry is one alarm and one entry; there is at most one about a station and one about an address,
and no port can have more than `max_claims_per_port` claims open, so a flood of spoofed claims costs its
sender's own port its voice and nobody else's.

Claims are asked about at once. Other questions can wait, and a whole fabric may be in doubt in one moment (a
restart, a row of racks that comes back): what is more than `_AT_ONCE` is booked, `questions_per_s`, and a try
begins when it is sent.

An answer is any frame from the station at the place where it was asked; for a claimed address, a frame that
shows the address. What was refused stays refused for `refuse_for_s`, so that a spoofer that repeats itself
costs no question each time.
"""

from __future__ import annotations

from dataclasses import replace

from controller.discovery import stations
from controller.discovery.alarms import AlarmKind, Subject, subject_order
from controller.discovery.asking import ask, questions, stale
from controller.discovery.draft import Draft
from controller.discovery.state import Claim, Inquiry, Purpose, Station
from controller.model.finding import Severity
from controller.model.identity import IpAddress, Mac, PortRef, mac_text
from controller.model.pacing import on_the_beat

_AT_ONCE = 256
"""So many questions may be sent in one moment."""

# --- opening ------------------------------------------------------------------------------------------------


def inquire(draft: Draft, station: Station, purpose: Purpose, tries: int | None = None) -> None:
    """Ask a station whether it is where it is believed to be; one that is being asked already is not asked
    twice.
    """
    if station.mac not in draft.inquiries and station.at.dpid not in draft.lost:
        count = tries or draft.settings.probe_tries
        _open(draft, station.mac, Inquiry(purpose, station.mac, station.at, questions(station), count))


def inquire_about_idle(draft: Draft, station: Station) -> None:
    """Ask a station that has been silent, or that has not shown some of its addresses, for long."""
    asked = stale(station, draft.now_s - draft.settings.host_timeout_s) or questions(station)
    if station.mac not in draft.inquiries:
        _open(
            draft,
            station.mac,
            Inquiry(Purpose.IDLE, station.mac, station.at, asked, draft.settings.probe_tries),
        )


def can_answer(draft: Draft, station: Station) -> bool:
    """Whether the station is there, or its port has just come back and it is being asked."""
    return station.present or station.mac in draft.inquiries


def contest(draft: Draft, subject: Subject, holder: Station, claim: Claim) -> bool:
    """Ask the holder of a place or an address that is claimed. False when the claim cannot be taken up
    now.
    """
    purpose = Purpose.MOVE if subject == claim.mac else Purpose.TAKE
    running = draft.inquiries.get(subject)
    if running is not None and running.claim is not None:
        return running.claim.mac == claim.mac and running.claim.at == claim.at
    if not _may_claim(draft, claim.at):
        return False
    asked = questions(holder) if purpose is Purpose.MOVE else claim.addresses
    _open(draft, subject, Inquiry(purpose, holder.mac, holder.at, asked, draft.settings.probe_tries, claim))
    return True


def _may_claim(draft: Draft, at: PortRef) -> bool:
    most = draft.settings.max_claims_per_port
    if len(_claims_from(draft, at)) < most:
        return True
    draft.count("claims-beyond-bound")
    evidence = f"{most} claims to places or addresses of others are open at this port; more are dropped"
    draft.find_once(at, Severity.WARNING, "too-many-claims", evidence, "look for a host that spoofs")
    return False


def _open(draft: Draft, subject: Subject, inquiry: Inquiry) -> None:
    draft.inquiries.set(subject, inquiry)
    for part in _parts_of(inquiry):
        draft.involved.set(part, (draft.involved.get(part) or frozenset()) | {subject})
    _question(draft, subject)


def _parts_of(inquiry: Inquiry) -> tuple[PortRef | Mac, ...]:
    """By what an inquiry is found: who is asked, where, and where the claim is from."""
    asked = inquiry.mac, inquiry.at
    return asked if inquiry.claim is None else (*asked, inquiry.claim.at)


def _involving(draft: Draft, part: PortRef | Mac) -> list[tuple[Subject, Inquiry]]:
    subjects = sorted(draft.involved.get(part) or (), key=subject_order)
    return [(subject, draft.inquiries[subject]) for subject in subjects]


def _claims_from(draft: Draft, at: PortRef) -> list[Subject]:
    """The subjects of the claims that are open at this port."""
    return [
        subject
        for subject, inquiry in _involving(draft, at)
        if inquiry.claim is not None and inquiry.claim.at == at
    ]


def _question(draft: Draft, subject: Subject) -> None:
    """Ask now, or when the booking says."""
    inquiry = draft.inquiries[subject]
    if inquiry.claim is None and not inquiry.booked:
        when_s = _book(draft, len(inquiry.asked))
        if when_s > draft.now_s:
            draft.inquiries.set(subject, replace(inquiry, booked=True))
            draft.wake_at(when_s, AlarmKind.INQUIRY, subject)
            return
    draft.inquiries.set(subject, replace(inquiry, tries_left=inquiry.tries_left - 1, booked=False))
    ask(draft, inquiry.at, inquiry.mac, inquiry.asked)
    draft.wake_at(draft.now_s + draft.settings.probe_interval_s, AlarmKind.INQUIRY, subject)


def _book(draft: Draft, questions: int) -> float:
    """When so many questions may be sent: now, unless too many are promised already."""
    free_s = max(draft.booked_until_s, draft.now_s)
    draft.booked_until_s = free_s + questions / draft.settings.questions_per_s
    ahead_s = _AT_ONCE / draft.settings.questions_per_s
    return draft.now_s if free_s <= draft.now_s + ahead_s else on_the_beat(free_s - ahead_s)


def close(draft: Draft, subject: Subject) -> None:
    inquiry = draft.inquiries.drop(subject)
    draft.let_sleep(AlarmKind.INQUIRY, subject)
    for part in _parts_of(inquiry) if inquiry is not None else ():
        others = (draft.involved.get(part) or frozenset()) - {subject}
        if others:
            draft.involved.set(part, others)
        else:
            draft.involved.drop(part)


# --- answers ------------------------------------------------------------------------------------------------


def answered(draft: Draft, mac: Mac, addresses: tuple[IpAddress, ...]) -> None:
    """A station has spoken at its place and has shown these addresses there."""
    if not len(draft.inquiries):
        return
    about = draft.inquiries.get(mac)
    if about is not None and about.purpose is Purpose.IDLE:
        _still_here(draft, about, addresses)
    elif about is not None:
        close(draft, mac)
        _refuse(draft, mac, about)
    for address in addresses:
        about = draft.inquiries.get(address)
        if about is not None and about.mac == mac:
            close(draft, address)
            _refuse(draft, address, about)


def _still_here(draft: Draft, inquiry: Inquiry, shown: tuple[IpAddress, ...]) -> None:
    owned = draft.stations[inquiry.mac].shown_s
    asked = tuple(address for address in inquiry.asked if address in owned and address not in shown)
    if asked:
        draft.inquiries.set(inquiry.mac, replace(inquiry, asked=asked))
    else:
        close(draft, inquiry.mac)


def _refuse(draft: Draft, subject: Subject, inquiry: Inquiry) -> None:
    claim = inquiry.claim
    if claim is None:
        return
    _remember_refusal(draft, subject, claim.at)
    draft.count("claims-refused")
    if inquiry.purpose is Purpose.MOVE:
        evidence = f"somebody at {claim.at} spoke as {mac_text(inquiry.mac)}, which answers at {inquiry.at}"
        kind, name = "host-moved-refused", mac_text(inquiry.mac)
    else:
        holder = f"{mac_text(inquiry.mac)} at {inquiry.at}"
        evidence = f"{mac_text(claim.mac)} at {claim.at} claims {subject}, which {holder} has"
        kind, name = "address-conflict", str(subject)
    advice = f"look at the host at {claim.at}: it spoofs, or its address is configured twice"
    draft.find(Severity.WARNING, kind, name, evidence, advice)


def _remember_refusal(draft: Draft, subject: Subject, at: PortRef) -> None:
    if draft.is_time_to_sweep("refused", draft.settings.refuse_for_s):
        for key, until_s in draft.refused.items():
            if until_s <= draft.now_s:
                draft.refused.drop(key)
    draft.refused.set((subject, at), draft.now_s + draft.settings.refuse_for_s)


def is_refused(draft: Draft, subject: Subject, at: PortRef) -> bool:
    """Whether this claim was turned down a moment ago."""
    until_s = draft.refused.get((subject, at))
    return until_s is not None and draft.now_s < until_s


# --- silence ------------------------------------------------------------------------------------------------


def ring(draft: Draft, subject: Subject) -> None:
    """The answer has not come in time: ask again, or conclude."""
    inquiry = draft.inquiries.get(subject)
    if inquiry is None:
        return
    if inquiry.tries_left > 0:  # also when its booking has come
        _question(draft, subject)
    else:
        conclude(draft, subject)


def conclude(draft: Draft, subject: Subject) -> None:
    """Nobody has answered, or nobody can: the place that was asked is silent or dead."""
    inquiry = draft.inquiries[subject]
    close(draft, subject)
    if inquiry.claim is not None:
        grant(draft, subject, inquiry.claim)
    elif inquiry.purpose is Purpose.DOUBT:
        forget(draft, inquiry.mac)
    elif inquiry.purpose is Purpose.IDLE:
        _give_up(draft, inquiry)


def grant(draft: Draft, subject: Subject, claim: Claim) -> None:
    """A claim that nobody contests any more: the station moves, or the address passes on."""
    if claim.at not in draft.ports:
        return
    if subject == claim.mac:
        _move(draft, claim)
    else:
        _pass_on(draft, claim)


def _move(draft: Draft, claim: Claim) -> None:
    """Addresses that others hold are not taken along: the station claims them with its next frame."""
    before = draft.stations.get(claim.mac)
    if before is None or not stations.has_room(draft, claim.at):
        return
    stations.tell_of_link_behind(draft, claim.mac, claim.at)
    stations.move(draft, claim.mac, claim.at)
    for address in claim.addresses:
        if draft.owners.get(address) in (None, claim.mac):
            stations.show(draft, claim.mac, address)
    evidence = f"{mac_text(claim.mac)} has moved from {before.at} to {claim.at}"
    draft.find(Severity.INFO, "host-moved", mac_text(claim.mac), evidence)


def _pass_on(draft: Draft, claim: Claim) -> None:
    taker = draft.stations.get(claim.mac)
    for address in claim.addresses:
        loser = draft.owners.get(address)
        stations.release(draft, address)
        if taker is None or not taker.present or taker.at != claim.at:
            continue
        stations.show(draft, claim.mac, address)
        before = "" if loser is None else f" from {mac_text(loser)}"
        evidence = f"{address} has passed{before} to {mac_text(claim.mac)} at {claim.at}"
        draft.find(Severity.INFO, "address-moved", str(address), evidence)


def _give_up(draft: Draft, inquiry: Inquiry) -> None:
    """A station that has spoken lately loses only the addresses that it does not answer for."""
    station = draft.stations[inquiry.mac]
    if draft.now_s >= station.heard_s + draft.settings.host_timeout_s:
        forget(draft, inquiry.mac)
        return
    for address in inquiry.asked:
        if draft.owners.get(address) == inquiry.mac:
            stations.release(draft, address)


# --- what ends inquiries from outside -----------------------------------------------------------------------


def forget(draft: Draft, mac: Mac) -> None:
    """Forget a station, and decide at once what was waiting for its word."""
    claims = _claims_against(draft, mac)
    stations.forget(draft, mac)
    for subject, claim in claims:
        grant(draft, subject, claim)


def place_died(draft: Draft, at: PortRef) -> None:
    """Nobody answers from a dead port: its stations are absent, claims against them succeed, and claims from
    there lapse.
    """
    for subject in _claims_from(draft, at):
        close(draft, subject)
    for mac in sorted(draft.residents.get(at) or ()):
        if draft.stations[mac].present:
            stations.absent(draft, mac)
        for subject, claim in _claims_against(draft, mac):
            grant(draft, subject, claim)


def out_of_reach(draft: Draft, at: PortRef) -> None:
    """Stations at this port cannot be asked for now; only claims against them are still decided."""
    for subject, inquiry in _involving(draft, at):
        if inquiry.claim is None:
            close(draft, subject)


def _claims_against(draft: Draft, mac: Mac) -> list[tuple[Subject, Claim]]:
    """Closes all inquiries that ask this station, and gives the claims that they were about."""
    claims = []
    for subject, inquiry in _involving(draft, mac):
        close(draft, subject)
        if inquiry.claim is not None:
            claims.append((subject, inquiry.claim))
    return claims

"""The kinds of documents: what each may say, and what becomes of it.

Each kind has a function that reads one document into the policy in the making (`Draft`). `KEYS` says for each
kind which keys it has, for the reader, the schema (schema.py) and whoever is told what is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations, permutations

from controller.documents.blueprints import parse_rate
from controller.documents.yaml_tree import Entry
from controller.model.identity import IpAddress
from policies.language.conditions import KEYS as CONDITION
from policies.language.conditions import condition, protocol_number, ranges
from policies.language.groups import Groups, merged, nearest
from policies.policy import (
    MOST_PRECEDENCE,
    USUAL_PRECEDENCE,
    Access,
    Clause,
    Document,
    Effect,
    Engineering,
    Expectation,
    Must,
    Service,
)
from policies.predicate import (
    LARGEST_PORT,
    PORTED,
    All,
    Destination,
    Headers,
    Predicate,
    Prefix,
    Source,
    reversed_,
)
from policies.witness import between

COMMON = ("kind", "name", "version", "precedence", "about")
KEYS: Mapping[str, tuple[str, ...]] = {
    "groups": ("groups",),
    "labels": ("labels",),
    "access": ("clauses", "default", "between"),
    "tenants": ("tenants", "shared"),
    "service": (*CONDITION, "dscp", "rate"),
    "engineering": (*CONDITION, "elephant-share", "elephant-age"),
    "expect": ("expect",),
}
CLAUSE = ("allow", "deny", "log", "replies")
EXPECTATION = (
    "from",
    "to",
    "protocol",
    "ports",
    "source-ports",
    "icmp-type",
    "must",
    "through",
    "survives",
    "most-hops",
)
DSCP = {
    "BE": 0,
    "EF": 46,
    **{f"CS{n}": 8 * n for n in range(8)},
    **{f"AF{c}{d}": 8 * c + 2 * d for c in range(1, 5) for d in range(1, 4)},
}
_MOST_SURVIVED = 2
_MOST_SWITCHES = 64


@dataclass
class Draft:
    """A policy in the making."""

    groups: Groups
    access: list[Access] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    engineering: list[Engineering] = field(default_factory=list)
    expectations: list[Expectation] = field(default_factory=list)


@dataclass(frozen=True)
class Written:
    """A document as it was read: its entry, and what all kinds have."""

    entry: Entry
    document: Document
    precedence: int

    def place(self, entry: Entry) -> Document:
        """The place of a part of it."""
        return Document(self.document.name, entry.file, entry.line)


# --- access and tenants -------------------------------------------------------------------------------------


def read_access(written: Written, draft: Draft) -> None:
    """Clauses in their order, and what becomes of all other packets between some groups."""
    clauses = [c for each in written.entry.needs("clauses").listed() for c in _clauses(written, each, draft)]
    default, between_ = (written.entry.get(key, lambda each: each) for key in ("default", "between"))
    if default is not None:
        effect = _effect(default)
        if between_ is None:
            raise default.wrong("says nothing without 'between'", "name the groups between which it holds")
        everybody = draft.groups.of(between_)
        clauses.append(_between(everybody, everybody, effect, written.place(default)))
    elif between_ is not None:
        raise between_.wrong("says nothing without 'default'", "add 'default: deny'")
    draft.access.append(Access(written.document, tuple(clauses), written.precedence))


def _clauses(written: Written, entry: Entry, draft: Draft) -> Iterable[Clause]:
    """One clause, and the one for the answers to what it allows."""
    entry.only(*CLAUSE)
    named = [(key, value) for key, value in entry.named() if key in ("allow", "deny")]
    if len(named) != 1:
        raise entry.wrong("needs either 'allow' or 'deny'")
    ((word, what),) = named
    logged = entry.get("log", _truth) or False
    replies = entry.get("replies", _truth)
    if word == "deny" and replies is not None:
        raise entry.needs("replies").wrong("belongs to 'allow': what is denied has no answers")
    if word == "allow" and logged:
        raise entry.needs("log").wrong("belongs to 'deny': what is allowed is measured by sFlow")
    predicate, at = condition(what, draft.groups), written.place(entry)
    yield Clause(Effect(word), predicate, logged, at)
    if word == "allow" and replies is not False:
        yield Clause(Effect.ALLOW, reversed_(predicate), at=at)


def _effect(entry: Entry) -> Effect:
    text = entry.text()
    if text not in ("allow", "deny"):
        raise entry.wrong(f"needs 'allow' or 'deny', not '{text}'")
    return Effect(text)


def _truth(entry: Entry) -> bool:
    text = entry.text().lower()
    if text not in ("true", "false", "yes", "no"):
        raise entry.wrong(f"needs true or false, not '{entry.text()}'")
    return text in ("true", "yes")


def _between(
    sources: tuple[Prefix, ...], targets: tuple[Prefix, ...], effect: Effect, at: Document
) -> Clause:
    return Clause(effect, All((Source(sources), Destination(targets))), at=at)


def read_tenants(written: Written, draft: Draft) -> None:
    """Nothing passes between tenants; what is shared speaks to all of them, and they to it."""
    tenants = {
        name: (entry, draft.groups.of(entry)) for name, entry in written.entry.needs("tenants").named()
    }
    if len(tenants) < 2:
        raise written.entry.needs("tenants").wrong("needs two tenants at least")
    for (one, (_, mine)), (other, (entry, theirs)) in combinations(tenants.items(), 2):
        both = next(((a, b) for a in mine for b in theirs if a.version == b.version and a.overlaps(b)), None)
        if both is not None:
            common = both[0] if both[1].supernet_of(both[0]) else both[1]  # type: ignore[arg-type]
            problem = f"{common} belongs to tenant '{one}' as well: packets do not tell tenants apart"
            raise entry.wrong(f"tenant '{other}': {problem}", "give each tenant addresses of its own")
    shared = written.entry.get("shared", draft.groups.of)
    clauses: list[Clause] = []
    if shared is not None:
        everybody = merged(prefix for _, some in tenants.values() for prefix in some)
        at = written.place(written.entry.needs("shared"))
        clauses += [
            _between(shared, everybody, Effect.ALLOW, at),
            _between(everybody, shared, Effect.ALLOW, at),
        ]
    for (_, (entry, mine)), (_, (_, theirs)) in permutations(tenants.items(), 2):
        clauses.append(_between(mine, theirs, Effect.DENY, written.place(entry)))
    draft.access.append(Access(written.document, tuple(clauses), written.precedence))


# --- service, engineering -----------------------------------------------------------------------------------


def _condition(written: Written, draft: Draft) -> Predicate:
    return condition(written.entry, draft.groups, (*COMMON, *KEYS[written.entry.needs("kind").text()]))


def read_service(written: Written, draft: Draft) -> None:
    """A class of service."""
    entry = written.entry
    dscp, rate = entry.get("dscp", _dscp), entry.get("rate", lambda each: each.read(parse_rate))
    if dscp is None and rate is None:
        raise entry.wrong("serves nobody otherwise", "give a dscp or a rate")
    what = _condition(written, draft)
    draft.services.append(Service(written.document, what, dscp, rate, written.precedence))


def _dscp(entry: Entry) -> int:
    text = entry.text().upper()
    if text in DSCP:
        return DSCP[text]
    if not text.isdecimal():
        raise entry.wrong(f"there is no DSCP '{entry.text()}'", nearest(text, DSCP))
    return entry.whole(0, 63)


def _switches(entry: Entry, draft: Draft) -> tuple[str, ...]:
    known = draft.groups.inventory.switches
    entries = entry.listed() if entry.is_listed() else [entry]
    for each in entries:
        if each.text() not in known:
            raise each.wrong(f"there is no switch '{each.text()}'", nearest(each.text(), known))
    return tuple(each.text() for each in entries)


def read_engineering(written: Written, draft: Draft) -> None:
    """Which flows may be given paths of their own."""
    entry, what = written.entry, _condition(written, draft)
    share = entry.get("elephant-share", lambda each: _number(each, 0, 1))
    age_s = entry.get("elephant-age", lambda each: _number(each, 0, 3600))
    draft.engineering.append(Engineering(written.document, what, share, age_s))


def _number(entry: Entry, least: float, most: float) -> float:
    value = entry.read(float)
    if not least <= value <= most:
        raise entry.wrong(f"needs a number from {least:g} to {most:g}, not {entry.text()}")
    return value


# --- expectations -------------------------------------------------------------------------------------------


def read_expect(written: Written, draft: Draft) -> None:
    """What must be true, whatever the other documents say."""
    for entry in written.entry.needs("expect").listed():
        entry.only(*EXPECTATION)
        sources, targets = (_addresses(entry.needs(key), draft) for key in ("from", "to"))
        must = entry.needs("must")
        try:
            wanted = Must(must.text())
        except ValueError:
            known = [each.value for each in Must]
            raise must.wrong(f"there is no '{must.text()}'", nearest(must.text(), known)) from None
        through = entry.get("through", lambda each: _switches(each, draft)) or ()
        if (wanted is Must.PASS) != bool(through):
            raise must.wrong("'pass' and 'through' belong together")
        draft.expectations.append(
            Expectation(
                written.place(entry),
                wanted,
                sources,
                targets,
                _sample(entry, sources, targets),
                through,
                entry.get("survives", lambda each: each.whole(0, _MOST_SURVIVED)) or 0,
                entry.get("most-hops", lambda each: each.whole(1, _MOST_SWITCHES)),
            )
        )


def _addresses(entry: Entry, draft: Draft) -> tuple[IpAddress, ...]:
    """The hosts within what was named: an expectation is about hosts that there are."""
    prefixes = draft.groups.of(entry)
    known = (address for some in draft.groups.inventory.hosts.values() for address in some)
    found = {each for each in known if any(each in prefix for prefix in prefixes)}
    if not found:
        raise entry.wrong("no host is there of whom it could be expected")
    return tuple(sorted(found, key=lambda each: (each.version, int(each))))


def _sample(entry: Entry, sources: Iterable[IpAddress], targets: Iterable[IpAddress]) -> Headers | None:
    """The packet that an expectation is about; None where it is about all of them."""
    protocol = entry.get("protocol", protocol_number)
    port, source_port = (
        entry.get(key, lambda each: ranges(each, LARGEST_PORT)[0][0]) for key in ("ports", "source-ports")
    )
    kind = entry.get("icmp-type", lambda each: ranges(each, 0xFF)[0][0])
    if protocol is None:
        for key in ("ports", "source-ports", "icmp-type"):
            if (found := entry.get(key, lambda each: each)) is not None:
                raise found.wrong("needs a protocol beside it")
        return None
    src, dst = next(iter(sources)), next(iter(targets))
    number = port if protocol in PORTED else kind
    both_v4 = src if src.version == dst.version else dst
    return between(both_v4, both_v4, protocol, source_port, number)


def read_groups(written: Written, draft: Draft) -> None:
    """Names for endpoints."""
    for name, entry in written.entry.needs("groups").named():
        draft.groups.add(entry, name, entry.listed() if entry.is_listed() else [entry])


def read_labels(written: Written, draft: Draft) -> None:
    """Labels of hosts."""
    for host, entry in written.entry.needs("labels").named():
        draft.groups.label(host, entry)


NAMING: Mapping[str, Callable[[Written, Draft], None]] = {"groups": read_groups, "labels": read_labels}
"""These come first, wherever they stand, as the others speak in their names."""

SAYING: Mapping[str, Callable[[Written, Draft], None]] = {
    "access": read_access,
    "tenants": read_tenants,
    "service": read_service,
    "engineering": read_engineering,
    "expect": read_expect,
}


def precedence(entry: Entry) -> int:
    """The precedence of a document."""
    said = entry.get("precedence", lambda each: each.whole(0, MOST_PRECEDENCE))
    return USUAL_PRECEDENCE if said is None else said

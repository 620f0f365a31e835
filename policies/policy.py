"""A policy: what all documents of an operator say together, with every name resolved.

    Document      where something was written: name, file, line
    Access        an ordered list of clauses; the first that holds for a packet speaks for the document
    Service       class of service for the packets of a predicate: DSCP, rate limit
    Engineering   which flows may be given paths of their own
    Expectation   what must be true of the fabric whatever the rules are: proven before anything is installed
    Policy        all of them

*Precedence.* The document of the highest precedence that has a clause for a packet decides. Two documents of
one precedence that disagree about a packet contradict each other: an error, which shows both places
(policies/conflicts.py), so the order in which files are read means nothing. A packet of which no document
speaks is allowed.

Groups, labels and tenants are the language's (policies/language): here are only prefixes. What a policy means
for a packet is `policies/semantics.py`; the rules that do it, `policies/compile`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from controller.model.errors import ModelError
from controller.model.identity import IpAddress
from policies.predicate import Headers, Predicate

USUAL_PRECEDENCE = 100
MOST_PRECEDENCE = 1000


@dataclass(frozen=True, slots=True, order=True)
class Document:
    """Where something was written. `line` is 0 where it was not written in a file."""

    name: str
    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.name} ({self.file}:{self.line})" if self.file else self.name


class Effect(Enum):
    """What becomes of a packet."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Clause:
    """The packets that it is about, and what becomes of them; `logged`: they are shown to the controller too,
    as many as it can bear. `at` is its own place.
    """

    effect: Effect
    predicate: Predicate
    logged: bool = False
    at: Document = Document("")


@dataclass(frozen=True, slots=True)
class Access:
    """Who may speak to whom: clauses, the first that holds decides."""

    document: Document
    clauses: tuple[Clause, ...]
    precedence: int = USUAL_PRECEDENCE


@dataclass(frozen=True, slots=True)
class Service:
    """How packets are served where they enter: `dscp` is written into them (0 to 63), and they are held to
    `rate_bps` a switch. None: as they are.
    """

    document: Document
    predicate: Predicate
    dscp: int | None = None
    rate_bps: int | None = None
    precedence: int = USUAL_PRECEDENCE

    def __post_init__(self) -> None:
        if self.dscp is not None and not 0 <= self.dscp <= 63:
            raise ModelError(f"DSCP {self.dscp} does not exist: 0 to 63 do")
        if self.rate_bps is not None and self.rate_bps <= 0:
            raise ModelError(f"a rate limit of {self.rate_bps} bit/s lets nothing pass: deny it instead")


class Must(Enum):
    """What is expected of all packets of a predicate between two groups of hosts."""

    REACH = "reach"
    NOT_REACH = "not-reach"
    PASS = "pass"


@dataclass(frozen=True, slots=True)
class Expectation:
    """From each address of `sources` to each of `destinations`, for packets of this kind (headers with the
    addresses replaced).

    REACH and NOT_REACH say what arrives; PASS that whatever arrives has gone through all of the switches
    `through` (names), in this order. `survives`: how many links may be down, whichever they are; `most_hops`
    the most switches on a path.
    """

    document: Document
    must: Must
    sources: tuple[IpAddress, ...]
    destinations: tuple[IpAddress, ...]
    sample: Headers | None = None
    through: tuple[str, ...] = ()
    survives: int = 0
    most_hops: int | None = None


@dataclass(frozen=True, slots=True)
class Engineering:
    """Which flows may be given paths of their own, and from which share of their port on (None: as set)."""

    document: Document
    predicate: Predicate
    elephant_share: float | None = None
    elephant_age_s: float | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything that is to hold. `version` tells one from the other: the digest of what was written."""

    version: str = ""
    access: tuple[Access, ...] = ()
    services: tuple[Service, ...] = ()
    engineering: tuple[Engineering, ...] = ()
    expectations: tuple[Expectation, ...] = ()


EMPTY = Policy()

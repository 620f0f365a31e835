"""BFD as an interface's columns have it: what its session says, and what is to be written.

`bfd` belongs to the operator as much as to us: a column of keys and values that anybody may set. So we add
what is missing and touch nothing else, and beside it leave a mark: `external_ids:treadle-bfd` holds the very
pairs that we have added. What is ours is what the mark says and the column still has; a pair that somebody
has changed since is theirs. That makes every write safe to repeat, and lets a later life of the controller
take back exactly what an earlier one did.

    bfd           enable=true min_rx=10 min_tx=10 decay_min_rx=200      the last one is the operator's
    external_ids  treadle-bfd="enable=true min_rx=10 min_tx=10"

`enable=false` is a word too: whoever has written it at one end has said it for the cable.

OVSDB's own operations do most of it (RFC 7047, section 5.1): inserting a pair into a map leaves a key alone
that is there, and deleting a pair leaves it alone when its value is another.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from controller.southbound.ovsdb.rows import BFD_KEYS, MARK, Interface

Operation = dict[str, Any]
Pairs = dict[str, str]


class Said(NamedTuple):
    """What an interface says of its session: up, down after it was up, or nothing of the cable (None)."""

    up: bool | None = None
    diagnostic: str = ""


def said(interface: Interface | None) -> Said:
    """The session of an interface.

    `forwarding` is the switch's own verdict, by which it takes a port out of its groups. `flap_count` is zero
    for as long as that has never been true.
    """
    if interface is None or not interface.status:
        return Said()
    status = interface.status
    if status.get("forwarding") == "true":
        return Said(True)
    if status.get("flap_count", "0") == "0":
        return Said()
    return Said(False, status.get("diagnostic", ""))


def is_enabled(interface: Interface) -> bool:
    """Whether BFD runs, whoever has wished it."""
    return interface.bfd.get("enable") == "true"


def is_refused(interface: Interface) -> bool:
    """Whether an operator has said that BFD is not to run."""
    return interface.bfd.get("enable", "true") != "true"


def is_ours(interface: Interface) -> bool:
    """Whether anything in it was written by us, in this life or another."""
    return bool(interface.mark)


def enable(name: str, interface: Interface, interval_ms: int) -> Operation | None:
    """What lets BFD run on the interface with this uuid; None when it does, as well as may be."""
    ours = _marked(interface)
    wished = {"enable": "true", "min_rx": str(interval_ms), "min_tx": str(interval_ms)}
    free = {key for key in BFD_KEYS if interface.bfd.get(key) in (None, ours.get(key))}
    new = {key: value for key, value in wished.items() if key in free}
    if new == ours and all(interface.bfd.get(key) == value for key, value in new.items()):
        return None
    if is_enabled(interface) and not ours:
        return None  # somebody else runs it, as they like it
    written = [_insert("bfd", new), _insert("external_ids", _mark(new))] if new else []
    return _mutate(name, [*_taken_back(interface), *written])


def disable(name: str, interface: Interface) -> Operation | None:
    """What takes back all that we have written; None when there is nothing."""
    return _mutate(name, _taken_back(interface)) if interface.mark else None


def _taken_back(interface: Interface) -> list[list[Any]]:
    if not interface.mark:
        return []
    return [
        ["bfd", "delete", ["map", _listed(_marked(interface))]],
        ["external_ids", "delete", ["set", [MARK]]],
    ]


def _marked(interface: Interface) -> Pairs:
    pairs = (word.partition("=") for word in interface.mark.split())
    return {key: value for key, _, value in pairs if key in BFD_KEYS}


def _mark(pairs: Pairs) -> Pairs:
    return {MARK: " ".join(f"{key}={value}" for key, value in sorted(pairs.items()))}


def _insert(column: str, pairs: Pairs) -> list[Any]:
    return [column, "insert", ["map", _listed(pairs)]]


def _listed(pairs: Pairs) -> list[list[str]]:
    return [[key, value] for key, value in sorted(pairs.items())]


def _mutate(name: str, mutations: list[list[Any]]) -> Operation:
    where = [["_uuid", "==", ["uuid", name]]]
    return {"op": "mutate", "table": "Interface", "where": where, "mutations": mutations}

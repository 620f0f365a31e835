"""sFlow as a database has it: a row of table `sFlow`, and the bridge that refers to it.

The row is ours if its `external_ids` say so (`treadle=sflow`): one that an operator has set up is left alone,
and the bridge then samples for him and not for us. What is ours is replaced when it is not as it should be,
and taken back when nothing is to be sampled; a row to which no bridge refers is forgotten by the database
itself, which does that with all rows of this table.

    insert sFlow {targets, sampling, header, polling 0, agent, external_ids}  ->  Bridge.sflow refers to it

`agent` is the loopback interface where the database is on this machine, and left to the switch elsewhere.
Of a frame 64 bytes are sent, which hold the ports even behind a VLAN tag and IPv6. Samples wait in the switch
until a datagram is full (nine of them), or at most a second.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from controller.southbound.ovsdb.bfd import Operation
from controller.southbound.ovsdb.rows import OURS, Bridge, Sampling

_HEADER_BYTES = 64
_LABEL = "treadle_sflow"


class Wanted(NamedTuple):
    """How a bridge is to sample: one frame in so many (0: not at all), and where to the samples go."""

    one_in: int
    target: str
    agent: str | None


def sampling(name: str, bridge: Bridge, now: Sampling | None, wanted: Wanted) -> list[Operation]:
    """What makes a bridge sample as it should, in order; nothing where it does, or where it is not ours to
    say. `now` is the row to which it refers.
    """
    if bridge.sflow is not None and (now is None or not now.is_ours):
        return []
    if not wanted.one_in:
        return [_refer(name, ["set", []])] if bridge.sflow is not None else []
    if now is not None and (now.one_in, now.targets) == (wanted.one_in, frozenset({wanted.target})):
        return []
    row: dict[str, Any] = {
        "targets": wanted.target,
        "sampling": wanted.one_in,
        "header": _HEADER_BYTES,
        "polling": 0,
        "external_ids": ["map", [list(OURS)]],
    }
    if wanted.agent is not None:
        row["agent"] = wanted.agent
    label = f"{_LABEL}_{name.replace('-', '_')}"
    insert = {"op": "insert", "table": "sFlow", "uuid-name": label, "row": row}
    return [insert, _refer(name, ["named-uuid", label])]


def _refer(name: str, value: list[Any]) -> Operation:
    where = [["_uuid", "==", ["uuid", name]]]
    return {"op": "update", "table": "Bridge", "where": where, "row": {"sflow": value}}

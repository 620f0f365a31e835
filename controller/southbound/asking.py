"""Questions with long answers: what a switch holds, and what its ports have counted.

An answer comes in parts (multipart replies), each of any number of messages, and two questions may be under
way at once. A question collects its parts by transaction id and is finished when the last one has said that
nothing more follows. Count and time are bounded: an answer without end is not collected, and a switch that
does not answer is treated as one that is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from controller.model.errors import ModelError
from controller.model.event import CountersRead, Event, Incident, ProgramRead
from controller.model.flow import FlowRule
from controller.model.identity import Dpid, dpid_text
from controller.model.program import SwitchProgram
from controller.southbound import decode
from controller.southbound.framework import Framework

_Said = TypeVar("_Said")
_MORE = 1  # OFPMPF_REPLY_MORE

PORT_DESCRIPTION = 13
"""The multipart type of the only question that is part of the handshake."""


class TooLong(Exception):
    """The answer to a question has more entries than can be believed."""


@dataclass
class Question:
    """Parts that are still awaited, and what has been collected of each, in the order of asking."""

    finish: Callable[[Sequence[Sequence[Any]]], list[Event]]
    parts: dict[int, list[Any]]
    deadline_s: float
    most_entries: int
    awaited: set[int] = field(init=False)

    def __post_init__(self) -> None:
        self.awaited = set(self.parts)

    def take(self, xid: int, message: Any) -> list[Event]:
        """One message of an answer; the events of the finished answer, or nothing yet. Raises `TooLong`."""
        body = message.body if isinstance(message.body, list) else [message.body]
        self.parts[xid].extend(body)
        if sum(map(len, self.parts.values())) > self.most_entries:
            raise TooLong(f"more than {self.most_entries} entries")
        return [] if message.flags & _MORE else self.close(xid)

    def close(self, xid: int) -> list[Event]:
        """Nothing more follows in this part, or the switch does not have such a thing (a switch without
        meters).
        """
        self.awaited.discard(xid)
        return self.finish(list(self.parts.values())) if not self.awaited else []


def program_read(framework: Framework, dpid: Dpid, parts: Sequence[Sequence[Any]]) -> list[Event]:
    """`ProgramRead` from the entries of rules, groups and meters, sorted (a switch reports in no order).

    What cannot be said is counted in an incident.
    """
    rules, groups, meters = parts
    said_rules = sorted(_said(rules, lambda entry: decode.rule(framework, entry)), key=_rule_order)
    said_groups = _said(groups, lambda entry: decode.group(framework, entry))
    said_meters = _said(meters, lambda entry: decode.meter(framework, entry))
    read = SwitchProgram(
        {rule.key: rule for rule in said_rules},
        {group.group_id: group for group in sorted(said_groups, key=lambda group: group.group_id)},
        {meter.meter_id: meter for meter in sorted(said_meters, key=lambda meter: meter.meter_id)},
    )
    unsaid = len(rules) + len(groups) + len(meters) - len(read.rules) - len(read.groups) - len(read.meters)
    events: list[Event] = [ProgramRead(dpid, read)]
    if unsaid:
        text = f"{unsaid} entries of another maker cannot be read and are left alone"
        events.append(Incident("foreign-entries", dpid_text(dpid), text))
    return events


def counters_read(dpid: Dpid, parts: Sequence[Sequence[Any]]) -> list[Event]:
    """`CountersRead` from the entries of port statistics; the switch's reserved ports are left out."""
    return [
        CountersRead(
            dpid, tuple(decode.port_counters(entry) for entry in parts[0] if entry.port_no < 0xFFFFFF00)
        )
    ]


def _rule_order(rule: FlowRule) -> tuple[int, int, tuple[tuple[int, int, int], ...]]:
    return rule.table, -rule.priority, rule.match.order


def _said(entries: Sequence[Any], translate: Callable[[Any], _Said]) -> list[_Said]:
    said = []
    for entry in entries:
        try:
            said.append(translate(entry))
        except ModelError:
            continue
    return said

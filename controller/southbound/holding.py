"""What a switch holds, from one reading to the next.

    entries of an answer (bytes) --known?--> nothing to do
                                 --new-----> read at once: rule, group or meter

    all known, and none missing: `ProgramUnchanged`; otherwise `ProgramRead` with all of them

What is remembered of a reading is one number for each entry, its hash. Python keys that hash with a secret
of the process, so that no switch can prepare two entries of the same number. A cookie is part of an entry: a
rule that another writes under our rule's key is never taken for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from controller.model.event import Event, Incident, ProgramRead, ProgramUnchanged
from controller.model.flow import FlowRule
from controller.model.identity import Dpid, dpid_text
from controller.model.program import SwitchProgram
from controller.southbound import wire
from controller.southbound.asking import Part
from controller.southbound.decode import programs

_Seen = tuple[frozenset[int], ...]
_KINDS: tuple[tuple[int, Callable[[bytes, int, int], list[bytes]], Callable[[bytes], Any]], ...] = (
    (wire.FLOWS, programs.rule_entries, programs.rule_of),
    (wire.GROUP_DESCRIPTIONS, programs.group_entries, programs.group_of),
    (wire.METER_CONFIGS, programs.meter_entries, programs.meter_of),
)
"""The parts of the question, in its order: the kind, how it is cut, how an entry is read."""


class Holding:
    """Remembers a switch's last reading; one for each session."""

    def __init__(self, dpid: Dpid) -> None:
        self._dpid = dpid
        self._seen: _Seen = (frozenset(),) * len(_KINDS)
        self._was_read = False

    def reading(self) -> Reading:
        """A new reading: the switch is asked for all that it holds."""
        return Reading(self._seen, self._finished)

    def _finished(self, seen: _Seen, parts: Sequence[list[Any]]) -> list[Event]:
        if self._was_read and seen == self._seen:
            return [ProgramUnchanged(self._dpid)]
        self._was_read, self._seen = True, seen
        values = [
            [read(entry) if type(entry) is bytes else entry for entry in part]
            for part, (_, _, read) in zip(parts, _KINDS, strict=True)
        ]
        return self._program(*values)

    def _program(self, *values: list[Any]) -> list[Event]:
        rules, groups, meters = ([value for value in part if value is not None] for part in values)
        rules.sort(key=_rule_order)
        program = SwitchProgram(
            {rule.key: rule for rule in rules},
            {group.group_id: group for group in sorted(groups, key=lambda group: group.group_id)},
            {meter.meter_id: meter for meter in sorted(meters, key=lambda meter: meter.meter_id)},
        )
        held = len(program.rules) + len(program.groups) + len(program.meters)
        unsaid = sum(map(len, values)) - held
        events: list[Event] = [ProgramRead(self._dpid, program)]
        if unsaid:
            text = f"{unsaid} entries of another maker cannot be read and are left alone"
            events.append(Incident("foreign-entries", dpid_text(self._dpid), text))
        return events


class Reading:
    """One reading under way: where its answers are collected, and what they come to."""

    def __init__(self, known: _Seen, finished: Callable[[_Seen, Sequence[list[Any]]], list[Event]]) -> None:
        self._known = known
        self._finished = finished
        self._hashes: tuple[list[int], ...] = tuple([] for _ in _KINDS)
        self.parts = [Part(kind, self._reader(number)) for number, (kind, _, _) in enumerate(_KINDS)]

    def _reader(self, number: int) -> Callable[[bytes, int, int], list[Any]]:
        """Cuts a message into entries. What is known stays bytes; what is new is read."""
        known, hashes, (_, cut, read) = self._known[number], self._hashes[number], _KINDS[number]

        def entries(buffer: bytes, at: int, limit: int) -> list[Any]:
            cut_out = cut(buffer, at, limit)
            marks = list(map(hash, cut_out))
            found = [
                entry if mark in known else read(entry) for entry, mark in zip(cut_out, marks, strict=True)
            ]
            hashes.extend(marks)
            return found

        return entries

    def finish(self, parts: Sequence[list[Any]]) -> list[Event]:
        """The events of the whole answer, from the entries of the three parts."""
        return self._finished(tuple(map(frozenset, self._hashes)), parts)


def _rule_order(rule: FlowRule) -> tuple[int, int, tuple[tuple[int, int, int], ...]]:
    return rule.table, -rule.priority, rule.match.order

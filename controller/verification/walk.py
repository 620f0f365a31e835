"""One question about packets, put to the tables of one switch.

    packets that come in by a port --admission--> ... --routes--> what their copies come to

The question says what the answer is where a packet leaves, is lost, denied or told (`Asking`); what it comes
to in between follows from the divisions of the tables. What does not depend on the port of entry is found out
once for all ports (`known`), and only for packets of which it does matter (`SwitchTables.matters`) anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from controller.model.flow import ReservedPort
from controller.model.identity import PortNo, PortRef
from controller.verification.fates import Choice, Denied, Doing, Fate, Leave, Lost, Table
from controller.verification.packets import ALL, NONE, Headers, Packets
from controller.verification.switch import SwitchTables

Value = tuple[Packets, ...]
"""An answer: so many sets as the question has."""


class Asking(NamedTuple):
    """One kind of question about the ways of packets: what it is where they stop or leave."""

    leave: Callable[[PortRef], Value]
    wrong: Value
    denied: Value
    told: Value
    alternatives: tuple[bool, ...]
    """For each set whether a choice joins it (True) or all alternatives must have it."""
    copies: tuple[bool, ...]
    """Likewise for copies."""


class Walk:
    """One question, put to the tables of one switch for packets that come in by one port."""

    def __init__(
        self,
        headers: Headers,
        tables: SwitchTables,
        at: PortRef,
        about: Asking,
        known: dict[object, Value],
        *,
        whole: bool,
    ) -> None:
        self.headers = headers
        self.tables = tables
        self.dpid = at.dpid
        self.port = int(at.port)
        self.about = about
        self.known = known
        """What was found out about packets of which it does not matter by which port they came."""
        self.whole = whole
        """Whether tables are asked about all packets, and what comes to them is picked out afterwards: so
        what was found out can be used again and again."""

    def table(self, number: int, packets: Packets) -> Value:
        """The answer about packets at a table."""
        headers = self.headers
        matters = self.tables.matters(number, self.port)
        special = headers.both(packets, matters)
        if special is NONE:
            return self._shared(number, packets)
        own = self._divided(number, self.port, special)
        if special is packets:
            return own
        shared = self._shared(number, packets)
        return tuple(
            headers.either(headers.minus(one, matters), other) for one, other in zip(shared, own, strict=True)
        )

    def _shared(self, number: int, packets: Packets) -> Value:
        """The answer about packets, by whatever port they came: it is right for those of which that does not
        matter.
        """
        key = number, packets
        value = self.known.get(key)
        if value is None:
            value = self.known[key] = self._divided(number, None, packets)
        return value

    def _divided(self, number: int, port: int | None, packets: Packets) -> Value:
        both, either = self.headers.both, self.headers.either
        found = [NONE] * len(self.about.wrong)
        for some, doing in self.tables.division(number, port):
            met = both(some, packets)
            if met is not NONE:
                for place, each in enumerate(self._done(doing, port, met)):
                    if each is not NONE:
                        found[place] = either(found[place], both(met, each))
        return tuple(found)

    def _done(self, doing: Doing, port: int | None, packets: Packets) -> Value:
        """The answer about all packets for which this is done; about `packets` at least."""
        value = self.known.get(doing)
        if value is None:
            value = self._come_to(self.tables.fate(doing), port, ALL if self.whole else packets)
            if self.tables.stays(doing, port):
                self.known[doing] = value
        elif port is not None and not self.tables.stays(doing, port):
            value = self._come_to(self.tables.fate(doing), port, ALL if self.whole else packets)
        return value

    def _onward(self, number: int, port: int | None, packets: Packets) -> Value:
        number = self.tables.passed(number)
        return self._shared(number, packets) if port is None else self.table(number, packets)

    def _come_to(self, fate: Fate, port: int | None, packets: Packets) -> Value:
        """The answer about all packets that come to this; about `packets` at least."""
        about = self.about
        if isinstance(fate, Leave):
            value = self._left(fate.port, port)
            return self._before(value, fate)
        if isinstance(fate, Table):
            for write in fate.rewrites if not self.whole else ():
                packets = self.headers.after(packets, write.field, write.value)
            return self._before(self._onward(fate.number, port, packets), fate)
        if isinstance(fate, Denied):
            return about.denied
        if isinstance(fate, Lost):
            return about.wrong
        values = [self._come_to(part, port, packets) for part in fate.parts]
        joins = about.alternatives if isinstance(fate, Choice) else about.copies
        found = values[0]
        for value in values[1:]:
            found = tuple(
                (self.headers.either if joined else self.headers.both)(a, b)
                for a, b, joined in zip(found, value, joins, strict=True)
            )
        return found

    def _left(self, out: int, port: int | None) -> Value:
        if out == ReservedPort.CONTROLLER:
            return self.about.told
        if out == ReservedPort.IN_PORT:
            out = self.port
        elif out == port:
            return self.about.wrong
        return self.about.leave(PortRef(self.dpid, PortNo(out)))

    def _before(self, value: Value, fate: Leave | Table) -> Value:
        for write in reversed(fate.rewrites):
            value = tuple(self.headers.before(each, write.field, write.value) for each in value)
        return value

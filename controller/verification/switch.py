"""What one switch does, over all packets: each table as a division of the packets that come to it.

    table, port of entry  ->  ((packets, what is done with them), ...)     disjoint, and all packets together

The highest rule that matches decides; so the division is found by taking from all packets, rule by rule, what
each one gets. Tables in which no rule looks at the port of entry have one division for all ports, and
switches with the same rules share it (`Shared`).

When rules change, only packets that the old or the new ones match can be treated otherwise: the division is
made anew for those, within `walk`, and stays for all others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain
from typing import NamedTuple

from controller.model.flow import (
    Action,
    Field,
    FlowRule,
    ReservedPort,
    SetField,
)
from controller.model.program import SwitchProgram
from controller.verification.fates import NO_RULE, Doing, Fate, Leave, fate, leaves_of, ports_of
from controller.verification.packets import ALL, NONE, Headers, Packets


class Line(NamedTuple):
    """A rule, as far as it is looked at here; `in_port` None: by any port."""

    packets: Packets
    in_port: int | None
    doing: Doing


Division = tuple[tuple[Packets, Doing], ...]


class Shared:
    """What switches have in common: rules as lines, and divisions by the lines that make them."""

    def __init__(self, headers: Headers) -> None:
        self.headers = headers
        self._doings: dict[tuple[tuple[Action, ...], int | None], Doing] = {}
        self._divisions: dict[tuple[tuple[Packets, Doing], ...], Division] = {}

    def line(self, rule: FlowRule) -> Line:
        key = rule.actions, rule.goto
        doing = self._doings.get(key) or self._doings.setdefault(key, Doing(*key))
        term = rule.match.terms[0] if rule.match.terms else None  # the port comes first, if at all
        in_port = term.value if term is not None and term.field is Field.IN_PORT else None
        return Line(self.headers.match(rule.match), in_port, doing)

    def divided(self, lines: Iterable[Line], port: int | None) -> Division:
        """All packets that come in by a port (None: one that no line names), divided."""
        key = tuple([(line[0], line[2]) for line in lines if line[1] is None or line[1] == port])
        known = self._divisions.get(key)
        if known is None:
            known = self._divisions[key] = self._walk(key, ALL)
        return known

    def amended(self, before: Division, lines: Iterable[Line], port: int | None, within: Packets) -> Division:
        """The division that differs from another within some packets only."""
        minus, either = self.headers.minus, self.headers.either
        found: dict[Doing, Packets] = {}
        for packets, doing in before:
            left = minus(packets, within)
            if left is not NONE:
                found[doing] = left
        met = tuple([(line[0], line[2]) for line in lines if line[1] is None or line[1] == port])
        for packets, doing in self._walk(met, within):
            found[doing] = either(found.get(doing, NONE), packets)
        return tuple((packets, doing) for doing, packets in found.items())

    def _walk(self, lines: tuple[tuple[Packets, Doing], ...], left: Packets) -> Division:
        both, minus, either = self.headers.both, self.headers.minus, self.headers.either
        found: dict[Doing, Packets] = {}
        for packets, doing in lines:
            hit = both(left, packets)
            if hit is not NONE:
                known = found.get(doing)
                found[doing] = hit if known is None else either(known, hit)
                left = minus(left, packets)
                if left is NONE:
                    break
        if left is not NONE:
            found[NO_RULE] = left
        return tuple((packets, doing) for doing, packets in found.items())


class SwitchTables:
    """The tables of a switch with this program, of which some ports are dead."""

    def __init__(self, shared: Shared, program: SwitchProgram, dead: frozenset[int]) -> None:
        self.shared = shared
        self.program = program
        self.dead = dead
        self._divisions: dict[tuple[int, int | None], Division] = {}
        self._fates: dict[Doing, Fate] = {}
        self._ports: dict[Doing, frozenset[int]] = {}
        self._emissions: dict[int, dict[tuple[SetField, ...], Packets]] | None = None
        self.lines = self._lines_of({rule.table for rule in program.rules.values()})
        self._look()

    def _sorted(self, rules: list[FlowRule]) -> list[Line]:
        line = self.shared.line
        return [line(rule) for rule in sorted(rules, key=_highest_first)]

    def _look(self) -> None:
        """Which ports of entry rules name, by table, and what is written before a packet goes on."""
        self._matters: dict[tuple[int, int], Packets] = {}
        self.named = {
            table: frozenset(line.in_port for line in lines if line.in_port is not None)
            for table, lines in self.lines.items()
        }
        self.rewritten = frozenset(
            action.field
            for lines in self.lines.values()
            for line in lines
            if line.doing.goto is not None
            for action in line.doing.actions
            if isinstance(action, SetField)
        )
        """The fields that rules write before they send packets on to another table."""

    def passed(self, table: int) -> int:
        """The first table from here on that does anything but pass packets on."""
        lines = self.lines.get(table, ())
        while len(lines) == 1 and lines[0].packets is ALL and lines[0].in_port is None:
            doing = lines[0].doing
            if doing.actions or doing.goto is None:
                break
            table = doing.goto
            lines = self.lines.get(table, ())
        return table

    def stays(self, doing: Doing, port: int | None) -> bool:
        """Whether copies leave by ports alone, and by none that depends on where the packet came in."""
        return (
            doing.goto is None
            and (port is None or not self._turns(doing, port))
            and not self._turns(doing, -1)
        )

    def fate(self, doing: Doing) -> Fate:
        """What comes of a doing here."""
        known = self._fates.get(doing)
        if known is None:
            known = self._fates[doing] = fate(doing, self.program.groups, self.dead)
        return known

    def division(self, table: int, port: int | None) -> Division:
        """What this table does with packets that came in by a port."""
        port = port if port in self.named.get(table, ()) else None
        known = self._divisions.get((table, port))
        if known is None:
            known = self.shared.divided(self.lines.get(table, ()), port)
            self._divisions[table, port] = known
        return known

    def matters(self, table: int, port: int) -> Packets:
        """For which packets at a table it may matter, from there on, that they came in by this port: rules
        name it, or they would leave by it.
        """
        known = self._matters.get((table, port))
        if known is None:
            headers = self.shared.headers
            known = NONE
            for number, lines in self.lines.items():
                if number >= table:
                    for packets, in_port, doing in lines:
                        if in_port == port or (
                            in_port is None and doing.actions and self._turns(doing, port)
                        ):
                            known = headers.either(known, packets)
            for field in self.rewritten:
                known = headers.without(known, field)
            self._matters[table, port] = known
        return known

    def _turns(self, doing: Doing, port: int) -> bool:
        ports = self._ports.get(doing)
        if ports is None:
            ports = self._ports[doing] = frozenset(ports_of(self.fate(doing)))
        return port in ports or ReservedPort.IN_PORT in ports

    def emission(self, port: int) -> Packets:
        """Packets that may leave by a port, and maybe some more: as they are when they come in."""
        return self._sent(port, lambda packets, _: packets)

    def sending(self, port: int, wanted: Packets) -> Packets:
        """Those that may leave by a port and are then in a set, and maybe some more."""

        def met(packets: Packets, rewrites: tuple[SetField, ...]) -> Packets:
            arriving = wanted
            for write in reversed(rewrites):
                arriving = headers.before(arriving, write.field, write.value)
            for field in self.rewritten:
                arriving = headers.without(arriving, field)
            return headers.both(packets, arriving)

        headers = self.shared.headers
        return self._sent(port, met)

    def _sent(self, port: int, met: Callable[[Packets, tuple[SetField, ...]], Packets]) -> Packets:
        if self._emissions is None:
            self._emissions = self._emitted()
        found = NONE
        for out in (port, int(ReservedPort.IN_PORT)):
            for rewrites, packets in self._emissions.get(out, {}).items():
                found = self.shared.headers.either(found, met(packets, rewrites))
        return found

    def _emitted(self) -> dict[int, dict[tuple[SetField, ...], Packets]]:
        """By port and by what is written into them, the packets that may leave."""
        headers = self.shared.headers
        found: dict[int, dict[tuple[SetField, ...], Packets]] = {}
        for table, named in self.named.items():
            for port in (None, *named):
                for packets, doing in self.division(table, port):
                    for out, rewrites in set(map(_as_pair, leaves_of(self.fate(doing)))):
                        coming = packets
                        for field in self.rewritten:
                            coming = headers.without(coming, field)
                        by_rewrites = found.setdefault(out, {})
                        by_rewrites[rewrites] = headers.either(by_rewrites.get(rewrites, NONE), coming)
        return found

    def succeeded(self, program: SwitchProgram, dead: frozenset[int]) -> tuple[SwitchTables, Packets]:
        """The tables of the same switch with another program, and the packets, as they come in, that may be
        treated otherwise there.
        """
        changed = _changed(self.program, program)
        made = object.__new__(SwitchTables)
        made.shared, made.program, made.dead, made._emissions = self.shared, program, dead, None
        made.lines = {**self.lines, **made._lines_of(changed.keys())}
        same_groups = self.program.groups is program.groups or self.program.groups == program.groups
        is_as_before = same_groups and dead == self.dead
        made._fates = self._fates if is_as_before else {}
        made._ports = self._ports if is_as_before else {}
        made._look()
        touched = self._touched(changed)
        made._divisions = dict(self._amended(made, touched))
        within = self._otherwise(made)
        for packets in touched.values():
            within = self.shared.headers.either(within, packets)
        for field in self.rewritten | made.rewritten:
            within = self.shared.headers.without(within, field)
        return made, within

    def _lines_of(self, tables: Collection[int]) -> dict[int, list[Line]]:
        by_table: dict[int, list[FlowRule]] = {table: [] for table in tables}
        if tables:
            for rule in self.program.rules.values():
                if rule.table in by_table:
                    by_table[rule.table].append(rule)
        return {table: self._sorted(rules) for table, rules in by_table.items()}

    def _touched(self, changed: Mapping[int, list[FlowRule]]) -> dict[int, Packets]:
        """By table, the packets that rules which differ match."""
        found: dict[int, Packets] = {}
        for table, rules in changed.items():
            packets = NONE
            for rule in rules:
                packets = self.shared.headers.either(packets, self.shared.headers.match(rule.match))
            found[table] = packets
        return found

    def _amended(
        self, made: SwitchTables, touched: Mapping[int, Packets]
    ) -> Iterator[tuple[tuple[int, int | None], Division]]:
        """The divisions that are known, as the next tables have them."""
        for (table, port), division in self._divisions.items():
            if table not in touched:
                yield (table, port), division
            elif port is None or port in made.named.get(table, ()):
                lines = made.lines[table]
                yield (table, port), self.shared.amended(division, lines, port, touched[table])

    def _otherwise(self, made: SwitchTables) -> Packets:
        """The packets that meet a doing of which something else comes in the next tables."""
        found = NONE
        turned = self.dead ^ made.dead
        if made._fates is self._fates and not turned:
            return found
        differs: dict[Doing, bool] = {}
        for lines in chain(self.lines.values(), made.lines.values()):
            for packets, _, doing in lines:
                if not doing.actions:
                    continue
                if doing not in differs:
                    was, now = self.fate(doing), made.fate(doing)
                    differs[doing] = was != now or not turned.isdisjoint(ports_of(was) | ports_of(now))
                if differs[doing]:
                    found = self.shared.headers.either(found, packets)
        return found


def _as_pair(leave: Leave) -> tuple[int, tuple[SetField, ...]]:
    return leave.port, leave.rewrites


def _changed(old: SwitchProgram, new: SwitchProgram) -> dict[int, list[FlowRule]]:
    """The rules of either program that the other one does not have, by table."""
    found: dict[int, list[FlowRule]] = {}
    for key, rule in new.rules.items():
        was = old.rules.get(key)
        if was is not rule and was != rule:
            found.setdefault(rule.table, []).append(rule)
    if len(old.rules) != len(new.rules) or found:
        for key, rule in old.rules.items():
            if key not in new.rules:
                found.setdefault(rule.table, []).append(rule)
    return found


def _highest_first(rule: FlowRule) -> tuple[int, tuple[tuple[int, int, int], ...]]:
    return -rule.priority, rule.match.order

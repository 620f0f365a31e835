"""Flow tables: add, modify, delete, as OpenFlow 1.3.5 says (sections 6.4 and 6.8).

    table -> (priority, canonical match bytes) -> Rule

Both halves of the key are bytes and numbers, and what a rule does is one remembered `What` for all rules with
the same instructions: taking a rule is a slice, two looks into dictionaries and one new object. The model's
rules are made when somebody asks for `program`, and kept until something changes.

`repeated` counts the rules that were added a second time with nothing new in them: what a controller that
knows its switches would not send.
"""

from __future__ import annotations

from collections.abc import Iterator

from controller.model.flow import FlowRule
from controller.model.program import SwitchProgram
from simulator.switch import matches
from simulator.switch.groups import Groups, Meters
from simulator.switch.instructions import What, what
from simulator.switch.profile import WELL, Conduct, Profile
from simulator.switch.selection import Key, has_fields, is_within, leads_to, refuse_overlap
from simulator.switch.wire import (
    ALL_TABLES,
    FLOW_MOD_BODY,
    HEADER_BYTES,
    LONGEST_ENTRY,
    MATCH_AT,
    NO_BUFFER,
    Error,
    Refusal,
)

ADD, MODIFY, MODIFY_STRICT, DELETE, DELETE_STRICT = range(5)
SEND_FLOW_REM, CHECK_OVERLAP, RESET_COUNTS = 1, 2, 4
_LEAST_BYTES = HEADER_BYTES + FLOW_MOD_BODY.size
_body = FLOW_MOD_BODY.unpack_from


class Rule:
    """A rule as it was told, with its counters."""

    __slots__ = ("bytes", "cookie", "flags", "hard_s", "idle_s", "packets", "since_s", "used_s", "what")

    def __init__(self, what: What, cookie: int, flags: int, idle_s: int, hard_s: int, since_s: float) -> None:
        self.what = what
        self.cookie = cookie
        self.flags = flags
        self.idle_s = idle_s
        self.hard_s = hard_s
        self.since_s = self.used_s = since_s
        self.packets = self.bytes = 0


Placed = tuple[int, Key, Rule]
"""A rule with its table and key."""


class Tables:
    """All tables of one switch, with its groups and meters.

    `version` rises with every change; `entry_version` with every change of table 0.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.conduct: Conduct = WELL
        self.rules: dict[int, dict[Key, Rule]] = {}
        self.groups = Groups(profile)
        self.meters = Meters(profile)
        self.version = self.entry_version = 0
        self.touched = self.repeated = 0
        self.timed = False
        """Whether a rule with a timeout has ever been here."""
        self._asked = 0
        self._program: tuple[int, SwitchProgram] = (-1, SwitchProgram())
        self._entry_of: dict[int, Rule] = {}

    # --- flow-mods ------------------------------------------------------------------------------------------

    def flow_mod(self, data: bytes, at: int, length: int, now_s: float) -> list[Placed]:
        """Carry out the FLOW_MOD at an offset; the rules that are no more. Raises `Refusal`."""
        if length < _LEAST_BYTES:  # what stands behind it is another message's
            raise Refusal(Error.BAD_LENGTH)
        (cookie, cookie_mask, table, command, idle_s, hard_s, priority, buffer, port, group, flags) = (
            fields := _body(data, at + HEADER_BYTES)
        )[:11]
        end, match_at = at + length, at + MATCH_AT
        fields_end = match_at + fields[12]
        if fields[11] != 1 or fields[12] < 4 or fields_end > end:
            raise Refusal(Error.BAD_MATCH_TYPE if fields[11] != 1 else Error.BAD_MATCH_LEN)
        if length > LONGEST_ENTRY:  # a FLOW_MOD is as long as the entry that tells of its rule
            raise Refusal(Error.BAD_LENGTH)
        where = matches.accepted(data[match_at + 4 : fields_end])
        doing = data[fields_end + (-fields[12] % 8) : end]
        if command > DELETE_STRICT:
            raise Refusal(Error.BAD_FLOW_COMMAND)
        done = what(doing)
        self._check(table, where, done)
        if command >= DELETE:
            chosen = self._chosen(command, table, (priority, where), cookie, cookie_mask)
            return self._remove([each for each in chosen if leads_to(each[2].what, port, group)])
        if table >= self.profile.tables:
            raise Refusal(Error.BAD_TABLE)
        if buffer != NO_BUFFER:
            raise Refusal(Error.BUFFER_UNKNOWN)
        if self.conduct.refuse_every:
            self._refuse_some()
        if command == ADD:
            self._check_references(done)
            self._add(table, (priority, where), Rule(done, cookie, flags, idle_s, hard_s, now_s))
        else:
            self._modify(self._chosen(command, table, (priority, where), cookie, cookie_mask), done, flags)
        return []

    def _check(self, table: int, where: bytes, done: What) -> None:
        """Refuse what no rule of this table can do; even of a deletion, whose instructions mean nothing."""
        if done.goto is not None and not (table == ALL_TABLES or table < done.goto < self.profile.tables):
            raise Refusal(Error.BAD_GOTO)
        if done.rewrites and not has_fields(matches.decoded(where), done.rewrites):
            raise Refusal(Error.MATCH_INCONSISTENT)

    def _refuse_some(self) -> None:
        self._asked += 1
        if self._asked % self.conduct.refuse_every == 0:
            raise Refusal(Error.FLOW_MOD_UNKNOWN)

    def _check_references(self, done: What) -> None:
        """Refuse what points nowhere; a modification that finds no rule points nowhere in peace."""
        if done.meter is not None and done.meter not in self.meters.held:
            raise Refusal(Error.INVALID_METER)
        for group in done.groups:
            if group not in self.groups.held:
                raise Refusal(Error.BAD_OUT_GROUP)

    def _add(self, table: int, key: Key, rule: Rule) -> None:
        rules = self.rules.get(table)
        if rules is None:
            rules = self.rules[table] = {}
        before = rules.get(key)
        if before is None:
            most = self.profile.room(table) if self.profile.rules_of else self.profile.rules
            if self.conduct.rules is not None:
                most = min(most, self.conduct.rules)
            if len(rules) >= most:
                raise Refusal(Error.TABLE_FULL)
        if rule.flags & CHECK_OVERLAP:
            refuse_overlap(rules, key)
        if before is not None:
            self.repeated += before.what is rule.what and before.cookie == rule.cookie
            if not rule.flags & RESET_COUNTS:
                rule.packets, rule.bytes = before.packets, before.bytes
        rules[key] = rule
        if rule.idle_s or rule.hard_s:
            self.timed = True
        self._changed(table)

    def _changed(self, table: int) -> None:
        self.touched += 1
        self.version += 1
        if not table:
            self.entry_version += 1

    def _modify(self, chosen: list[Placed], done: What, flags: int) -> None:
        if chosen:
            self._check_references(done)
        for table, _, rule in chosen:
            rule.what = done
            if flags & RESET_COUNTS:
                rule.packets = rule.bytes = 0
            self._changed(table)

    def _remove(self, chosen: list[Placed]) -> list[Placed]:
        for table, key, _ in chosen:
            del self.rules[table][key]
            self._changed(table)
        return chosen

    def _chosen(self, command: int, table: int, key: Key, cookie: int, cookie_mask: int) -> list[Placed]:
        """The rules that a modification or a deletion is about."""
        if command in (MODIFY_STRICT, DELETE_STRICT):
            rule = self.rules.get(table, {}).get(key)
            chosen = [] if rule is None else [(table, key, rule)]
            if table == ALL_TABLES:
                chosen = [each for each in self.placed() if each[1] == key]
        else:
            wanted = matches.decoded(key[1])
            chosen = [
                each
                for each in self.placed(None if table == ALL_TABLES else table)
                if is_within(matches.decoded(each[1][1]), wanted)
            ]
        if cookie_mask:
            chosen = [each for each in chosen if not (each[2].cookie ^ cookie) & cookie_mask]
        return chosen

    # --- groups and meters ----------------------------------------------------------------------------------

    def group_mod(self, message: bytes, now_s: float) -> list[Placed]:
        """Carry out a GROUP_MOD; the rules that are no more. Raises `Refusal`."""
        gone = self.groups.obey(message, self.conduct.groups, now_s)
        self.version += 1
        self.entry_version += 1
        if not gone:
            return []
        return self._remove([each for each in self.placed() if not gone.isdisjoint(each[2].what.groups)])

    def meter_mod(self, message: bytes, now_s: float) -> list[Placed]:
        """Carry out a METER_MOD; the rules that are no more. Raises `Refusal`."""
        gone = self.meters.obey(message, self.conduct.meters, now_s)
        self.version += 1
        return self._remove([each for each in self.placed() if each[2].what.meter in gone]) if gone else []

    # --- time, loss, questions ------------------------------------------------------------------------------

    def expire(self, now_s: float) -> list[Placed]:
        """Remove the rules whose time is over."""
        over = [
            each
            for each in self.placed()
            if (each[2].hard_s and now_s >= each[2].since_s + each[2].hard_s)
            or (each[2].idle_s and now_s >= each[2].used_s + each[2].idle_s)
        ]
        return self._remove(over)

    def clear(self) -> None:
        """Lose everything, as a switch does whose power went."""
        self.rules.clear()
        self.groups.held.clear()
        self.meters.held.clear()
        self.version += 1
        self.entry_version += 1

    def placed(self, table: int | None = None) -> Iterator[Placed]:
        """The rules of a table, or of all of them in their order."""
        for number in sorted(self.rules) if table is None else [table] if table in self.rules else ():
            for key, rule in self.rules[number].items():
                yield number, key, rule

    def __len__(self) -> int:
        return sum(map(len, self.rules.values()))

    def program(self) -> SwitchProgram:
        """What the switch holds, in the model's words; the same object until something changes."""
        version, known = self._program
        if version != self.version:
            decoded = [(rule, _model(table, key, rule)) for table, key, rule in self.placed()]
            self._entry_of = {id(said): rule for rule, said in decoded}
            known = SwitchProgram(
                {said.key: said for _, said in decoded},
                {number: held.model(number) for number, held in sorted(self.groups.held.items())},
                {number: held.model(number) for number, held in sorted(self.meters.held.items())},
            )
            self._program = self.version, known
        return known

    def count(self, hit: FlowRule, size: int, now_s: float) -> None:
        """A packet of `size` bytes has met this rule of the latest `program`."""
        rule = self._entry_of.get(id(hit))
        if rule is not None:
            rule.packets += 1
            rule.bytes += size
            rule.used_s = now_s


def _model(table: int, key: Key, rule: Rule) -> FlowRule:
    done = rule.what
    return FlowRule(
        table,
        key[0],
        matches.decoded(key[1]),
        done.actions,
        done.goto,
        done.meter,
        rule.idle_s,
        rule.hard_s,
        rule.cookie,
    )

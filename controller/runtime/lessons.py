"""Lessons: what a switch has refused tells what it can hold.

    refused                                         lesson
    ----------------------------------------------  -----------------------------------------------------
    a rule: table full                              the table holds as many rules as it held then
    a group: out of groups                          as many groups as it held then
    a group: out of buckets                         groups of half as many buckets
    a group: no weights                             buckets of equal weight
    a failover group, otherwise                     no failover groups
    another group, otherwise                        no groups
    a meter: out of meters                          as many meters as it held then
    a meter, otherwise                              no meters
    a rule, otherwise                               never this rule
    what should be there is not, or what should     none: what the switch holds is in doubt, and it is
    not be is; or nobody can tell what was refused  to be read again (runtime/audit.py)

A lesson is never unlearned by another: each is tighter than the one before, so that there is an end to it. A
switch keeps its lessons when its session does not last; one that comes back empty has been started anew, and
starts anew here too.

Types and codes are those of OpenFlow 1.3.5, section 7.4.4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from controller.dataplane.pipeline import Table
from controller.model.command import AddGroup, AddMeter, ModifyGroup, ModifyMeter, SetRule
from controller.model.event import Refused
from controller.model.flow import GroupKind
from controller.model.identity import Dpid
from controller.model.limits import UNLIMITED, Limits, limits_of, rules_by_table
from controller.model.program import SwitchProgram
from controller.model.topology import SwitchProfile

_TABLE_FULL = (5, 1)
_OUT_OF_GROUPS, _OUT_OF_BUCKETS, _NO_WEIGHTS = (6, 3), (6, 4), (6, 2)
_OUT_OF_METERS = (12, 10)

_DOUBTFUL = frozenset(
    {
        (2, 4),  # BAD_ACTION BAD_OUT_PORT: the port may just have gone
        (2, 9),  # BAD_ACTION BAD_OUT_GROUP: the group is not there
        (6, 0),  # GROUP_MOD_FAILED GROUP_EXISTS
        (6, 8),  # GROUP_MOD_FAILED UNKNOWN_GROUP
        (12, 1),  # METER_MOD_FAILED METER_EXISTS
        (12, 2),  # METER_MOD_FAILED INVALID_METER: the meter is not there
        (12, 3),  # METER_MOD_FAILED UNKNOWN_METER
    }
)


def lesson(refused: Refused, held: SwitchProgram) -> Limits | None:
    """The limits that follow from a refusal; None where it leaves what the switch holds in doubt.

    `held` is what the switch held when it refused.
    """
    why = (refused.error_type, refused.error_code)
    if why in _DOUBTFUL:
        return None
    match refused.command:
        case SetRule(rule):
            if why == _TABLE_FULL:
                return Limits({rule.table: rules_by_table(held).get(rule.table, 0)})
            return Limits(refused=frozenset({rule}))
        case AddGroup(group) | ModifyGroup(group):
            if why == _NO_WEIGHTS:
                return Limits(weighted=False)
            if why == _OUT_OF_BUCKETS:
                return Limits(buckets=len(group.buckets) // 2)
            if why == _OUT_OF_GROUPS:
                return Limits(groups=len(held.groups))
            if group.kind is GroupKind.FAST_FAILOVER:
                return Limits(failovers=0)
            return Limits(groups=0)
        case AddMeter() | ModifyMeter():
            return Limits(meters=len(held.meters) if why == _OUT_OF_METERS else 0)
        case _:
            return None


class Lessons:
    """What all switches can hold, by all that is known: their features, the settings, and what was learned.

    `settings` are the operator's limits by switch; those under None are meant for each. `limits` is another
    object after each change.
    """

    def __init__(self, settings: Mapping[Dpid | None, Limits]) -> None:
        self._settings = settings
        self._profiles: dict[Dpid, SwitchProfile] = {}
        self._learned: dict[Dpid, Limits] = {}
        self._unheeded: set[Dpid] = set()
        self.limits: Mapping[Dpid, Limits] = {}

    def came(self, dpid: Dpid, profile: SwitchProfile, held: SwitchProgram) -> None:
        """A switch has connected, says this of itself, and holds this."""
        if not held.rules or self._profiles.get(dpid, profile) != profile:
            self._learned.pop(dpid, None)
        self._profiles[dpid] = profile
        self._sum_up(dpid)

    def learn(self, dpid: Dpid, fresh: Limits) -> None:
        """A switch has taught us something: its limits are tighter afterwards.

        One that refuses what its limits allow has more to teach than it says. But what it refuses before the
        first lesson has been heeded was sent in ignorance.
        """
        known = self._learned.get(dpid, UNLIMITED)
        both = known.tightened(fresh)
        if both == known and dpid not in self._unheeded:
            both = _tightened_anyway(known, fresh)
        self._learned[dpid] = both
        self._unheeded.add(dpid)
        self._sum_up(dpid)

    def heeded(self) -> None:
        """What is planned from now on keeps to all that was learned."""
        self._unheeded.clear()

    def learned(self, dpid: Dpid) -> Limits:
        """What is known from refusals alone."""
        return self._learned.get(dpid, UNLIMITED)

    def _sum_up(self, dpid: Dpid) -> None:
        limits = limits_of(self._profiles.get(dpid, SwitchProfile()))
        for each in (self._settings.get(None), self._settings.get(dpid), self._learned.get(dpid)):
            limits = limits.tightened(each) if each is not None else limits
        if limits.tables is not None and limits.tables > max(Table):
            limits = replace(limits, tables=None)  # there are enough
        self.limits = {**self.limits, dpid: limits}


def _tightened_anyway(known: Limits, fresh: Limits) -> Limits:
    """The switch refuses at a size that was thought to be fine: an eighth less, of what it refused."""
    rules = {table: _less(known.rules[table]) for table in fresh.rules}
    return replace(
        known,
        rules={**known.rules, **rules},
        groups=known.groups if fresh.groups is None else _less(known.groups or 0),
        buckets=known.buckets if fresh.buckets is None else _less(known.buckets or 0),
        meters=known.meters if fresh.meters is None else _less(known.meters or 0),
        failovers=known.failovers if fresh.failovers is None else 0,
    )


def _less(size: int) -> int:
    return size * 7 // 8

"""The record of all cables' health: it follows the topology, and fades with time.

    followed(record, what differs between two snapshots, damping, now) -> record

What counts as going down is that a link was there and is not. So a cable that is found for the first time has
not flapped, nor has any after the controller began anew, as it begins with an empty record. A session that is
lost takes no link from the topology (discovery/ports.py), and where a whole switch is given up, what is known
of its cables ends without anybody having seen them fail: that does not count either.

A cable that is well has no entry, so the record is as long as what went wrong lately. Where nothing has
happened and nothing is due the record is the same object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.health.damping import Damping
from controller.model.delta import TopologyDelta
from controller.model.health import HEALTHY, Ends, LinkHealth, ends_of
from controller.model.topology import Link


@dataclass(frozen=True, slots=True)
class Record:
    """Health by cable, of those that are not simply well; `suppressed` says until when each of those is that
    may not be used; `due_s` is when time alone will change something."""

    by_cable: Mapping[Ends, LinkHealth] = field(default_factory=dict)
    suppressed: Mapping[Ends, float] = field(default_factory=dict)
    due_s: float | None = None


def followed(record: Record, change: TopologyDelta, damping: Damping, now_s: float) -> Record:
    """The record after this change of the topology, at this time; the same object where nothing differs."""
    if not damping.half_life_s:
        return record
    moved = change.gone_links or change.new_links
    is_due = record.due_s is not None and record.due_s <= now_s
    if not (moved or is_due):
        return record
    health = _faded(record.by_cable, damping, now_s)
    was, now = _cables(change.gone_links), _cables(change.new_links)
    for cable in was - now:
        if not change.lost_dpids.intersection(end.dpid for end in cable):
            health[cable] = damping.after_down(health.get(cable, HEALTHY), now_s)
    for cable in now & health.keys():
        health[cable] = replace(health[cable], up=True)
    return record if health == record.by_cable else _record(health, damping)


def _faded(health: Mapping[Ends, LinkHealth], damping: Damping, now_s: float) -> dict[Ends, LinkHealth]:
    later = ((cable, damping.after_time(each, now_s)) for cable, each in health.items())
    return {cable: each for cable, each in later if each is not None}


def _cables(links: Iterable[Link]) -> set[Ends]:
    return {ends_of(link.src, link.dst) for link in links}


def _record(health: Mapping[Ends, LinkHealth], damping: Damping) -> Record:
    until_s = {cable: each.suppressed_until_s for cable, each in health.items()}
    suppressed = {cable: moment_s for cable, moment_s in until_s.items() if moment_s is not None}
    return Record(health, suppressed, min(map(damping.due_s, health.values()), default=None))

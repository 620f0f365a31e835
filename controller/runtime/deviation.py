"""Deviations: how what a switch was read to hold differs from what it had confirmed, as findings.

Three things can happen to a rule, a group or a meter behind our back, and each is a finding of its own:
`foreign-rules` (nobody here asked for it), `missing-rules` (it is gone), `altered-rules` (it does something
else now); so for groups and meters. Evidence names a few of them, in the language of ovs-ofctl, and counts
the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from controller.dataplane.render import group_text, meter_text, rule_text
from controller.model.finding import Finding, Severity
from controller.model.identity import Dpid, dpid_text
from controller.model.program import SwitchProgram
from controller.planner.diff import SwitchDelta, diff

NAMED = 3
"""How many entries a finding names."""

_WHAT = {"foreign": "not asked for by us", "missing": "gone", "altered": "changed by somebody else"}
_ADVICE = {
    "foreign": "they are removed; find out who else writes to this switch",
    "missing": "they are installed again; find out who removed them, or whether the switch forgets",
    "altered": "they are put right; find out who else writes to this switch",
}


def deviations(dpid: Dpid, believed: SwitchProgram, read: SwitchProgram) -> tuple[Finding, ...]:
    """A finding for each way in which the switch differs from what was believed; none when it does not."""
    if read is believed:
        return ()
    repair = diff(read, believed)
    return tuple(
        _finding(dpid, how, kind, texts)
        for how, kind, texts in (*_rules(repair, read), *_groups(repair, read), *_meters(repair, read))
        if texts
    )


Found = tuple[str, str, list[str]]


def _rules(repair: SwitchDelta, read: SwitchProgram) -> Iterator[Found]:
    held = [read.rules.get(rule.key) for rule in repair.set_rules]
    yield "foreign", "rules", [rule_text(rule, cookie=True) for rule in repair.gone_rules]
    yield (
        "missing",
        "rules",
        [rule_text(rule) for rule, now in zip(repair.set_rules, held, strict=True) if now is None],
    )
    yield "altered", "rules", [rule_text(now) for now in held if now is not None]


def _groups(repair: SwitchDelta, read: SwitchProgram) -> Iterator[Found]:
    yield "foreign", "groups", [group_text(read.groups[number]) for number in repair.gone_groups]
    yield "missing", "groups", [group_text(group) for group in repair.new_groups]
    yield "altered", "groups", [group_text(read.groups[group.group_id]) for group in repair.changed_groups]


def _meters(repair: SwitchDelta, read: SwitchProgram) -> Iterator[Found]:
    yield "foreign", "meters", [meter_text(read.meters[number]) for number in repair.gone_meters]
    yield "missing", "meters", [meter_text(meter) for meter in repair.new_meters]
    yield "altered", "meters", [meter_text(read.meters[meter.meter_id]) for meter in repair.changed_meters]


def _finding(dpid: Dpid, how: str, kind: str, texts: Sequence[str]) -> Finding:
    more = len(texts) - NAMED
    named = "; ".join(texts[:NAMED]) + (f"; and {more} more" if more > 0 else "")
    evidence = f"{len(texts)} {kind[: None if len(texts) > 1 else -1]} {_WHAT[how]}: {named}"
    return Finding(Severity.WARNING, f"{how}-{kind}", dpid_text(dpid), evidence, _ADVICE[how])

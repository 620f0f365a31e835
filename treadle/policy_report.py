"""Policies and their plans for people: a table of documents, and a plan that reads like a good diff."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from controller.dataplane.render import rule_text
from controller.model.flow import FlowRule
from policies.policy import Document, Effect, Policy
from treadle.ground import Json
from treadle.policy_plan import PairChange, PolicyPlan, judgement_json
from treadle.tables import count

_MOST_PAIRS = 20


def documents_table(policy: Policy) -> list[Json]:
    """What each document says, in a row."""
    rows: list[Json] = []
    for access in policy.access:
        allow = sum(clause.effect is Effect.ALLOW for clause in access.clauses)
        says = f"{count(allow, 'clause')} allow, {len(access.clauses) - allow} deny"
        rows.append(_row(access.document, "access", access.precedence, says))
    for service in policy.services:
        parts = {"dscp": service.dscp, "rate": service.rate_bps}
        says = ", ".join(f"{name} {value}" for name, value in parts.items() if value is not None)
        rows.append(_row(service.document, "service", service.precedence, says))
    for each in policy.engineering:
        rows.append(_row(each.document, "engineering", "", "who may be given a path"))
    by_name: dict[str, list[Document]] = {}
    for wanted in policy.expectations:
        by_name.setdefault(wanted.document.name, []).append(wanted.document)
    for some in by_name.values():
        rows.append(_row(some[0], "expect", "", count(len(some), "expectation")))
    return sorted(rows, key=lambda row: (row["where"], row["name"]))


def _row(document: Document, kind: str, precedence: int | str, says: str) -> Json:
    where = f"{document.file}:{document.line}" if document.file else ""
    return {"name": document.name, "kind": kind, "precedence": precedence, "says": says, "where": where}


def plan_text(plan: PolicyPlan, *, rules: bool) -> Iterator[str]:
    """The lines of a plan; `rules`: with each of them."""
    yield f"policy {plan.before.version or 'none'} -> {plan.after.version or 'none'}"
    yield from _switch_lines(plan, rules=rules)
    yield from _pair_lines(plan.pairs)
    for name, needed in plan.by_document.items():
        yield f"  {name}: {count(needed, 'rule')}"
    depth = plan.stages.depth
    if plan.switches:
        yield f"installed in {count(depth, 'stage')}; a packet meets one table, where it enters"
    for judgement in plan.judgements:
        said = judgement_json(judgement)
        mark = "holds" if judgement.holds else "FAILS"
        yield f"{mark}  {said['document']}: {said['must']}, {count(said['pairs'], 'pair')}"
        if said["counterexample"]:
            yield f"       {said['counterexample']}"


def _switch_lines(plan: PolicyPlan, *, rules: bool) -> Iterator[str]:
    if not plan.switches:
        yield "no rule differs"
    for change in plan.switches:
        yield (
            f"{change.switch}: {len(change.added)} added, {len(change.changed)} changed, "
            f"{count(len(change.removed), 'rule')} removed"
        )
        if rules:
            yield from _rule_lines("+", change.added)
            yield from _rule_lines("~", change.changed)
            yield from _rule_lines("-", change.removed)


def _rule_lines(mark: str, some: Iterable[FlowRule]) -> Iterator[str]:
    yield from (f"  {mark} {rule_text(rule)}" for rule in some)


def _pair_lines(pairs: tuple[PairChange, ...]) -> Iterator[str]:
    """Pairs for which the same differs are said together."""
    together: dict[tuple[str, str], list[PairChange]] = {}
    for pair in pairs:
        together.setdefault((pair.gains, pair.loses), []).append(pair)
    for (gains, loses), some in sorted(together.items(), key=lambda item: -len(item[1])):
        said = "; ".join(part for part in (gains and f"gains {gains}", loses and f"loses {loses}") if part)
        yield f"{count(len(some), 'pair')} of hosts: {said}"
        named = [f"{pair.source} -> {pair.destination}" for pair in some[:_MOST_PAIRS]]
        more = f" and {len(some) - len(named)} more" if len(some) > len(named) else ""
        yield f"  {', '.join(named)}{more}"

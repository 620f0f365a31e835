"""Claims: what one owner wants on each switch, signed and by key, and on which switches that has changed.

Apps say the same again and again, with the same objects; so most of a decision is recognised by identity, and
only tables that are new are signed. A rule that several switches hold is signed once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from controller.compiler.cookies import with_cookie
from controller.contract import Rules
from controller.model.errors import ModelError
from controller.model.flow import FlowRule, Owner, RuleKey
from controller.model.identity import Dpid


@dataclass(frozen=True, slots=True)
class Block:
    """The signed rules of one owner on one switch, and the tables in which they stand."""

    rules: Mapping[RuleKey, FlowRule]
    tables: frozenset[int]


@dataclass(frozen=True)
class Claim:
    """What an owner says, and what follows from it in this life of the controller."""

    said: Rules
    life: int
    blocks: Mapping[Dpid, Block] = field(default_factory=dict)


def claims(
    said: Iterable[Rules], life: int, before: Sequence[Claim] = ()
) -> tuple[tuple[Claim, ...], set[Dpid]]:
    """The claims, in the order in which they were said, and the switches on which they are not as before.

    Raises ModelError when one owner gives two different rules for one entry.
    """
    left = [known for known in before if known.life == life]
    touched = {dpid for known in before if known.life != life for dpid in _switches(known.said)}
    made = []
    for rules in said:
        known = next((known for known in left if known.said.owner is rules.owner), None)
        if known is None:
            known = Claim(Rules(rules.owner, {}), life)
        else:
            left.remove(known)
        made.append(_followed(known, rules, touched))
    touched.update(dpid for known in left for dpid in _switches(known.said))
    return tuple(made), touched


def _switches(said: Rules) -> set[Dpid]:
    return {*said.rules, *said.meters}


def _followed(known: Claim, said: Rules, touched: set[Dpid]) -> Claim:
    """The claim that follows a known one; the switches on which it differs are added to those touched."""
    if said is known.said:
        return known
    old, signed = known.said, dict[int, FlowRule]()
    blocks, before = dict(known.blocks), old.rules.get
    fresh = [(dpid, rules) for dpid, rules in said.rules.items() if rules is not before(dpid)]
    for dpid, rules in fresh:
        if rules != before(dpid):
            blocks[dpid] = _block(rules, said.owner, known.life, signed)
            touched.add(dpid)
    for dpid in old.rules.keys() - said.rules.keys():
        del blocks[dpid]
        touched.add(dpid)
    if said.meters is not old.meters:
        dpids = old.meters.keys() | said.meters.keys()
        touched.update(dpid for dpid in dpids if _differ(said.meters.get(dpid), old.meters.get(dpid)))
    return Claim(said, known.life, blocks)


def _differ(one: object, other: object) -> bool:
    return one is not other and one != other


def _block(rules: Sequence[FlowRule], owner: Owner, life: int, signed: dict[int, FlowRule]) -> Block:
    """The rules of one switch; `signed` are those met so far on others, by identity."""
    block: dict[RuleKey, FlowRule] = {}
    for rule in rules:
        mine = signed.get(id(rule))
        if mine is None:
            mine = signed[id(rule)] = with_cookie(rule, owner, life)
        if block.setdefault(mine.key, mine) != rule:
            raise ModelError(f"{owner.name.lower()} gives two different rules for {entry_text(rule)}")
    return Block(block, frozenset(rule.table for rule in rules))


def entry_text(rule: FlowRule) -> str:
    """The entry of a rule, in words."""
    terms = ", ".join(f"{term.field.name.lower()}={term.value:#x}/{term.mask:#x}" for term in rule.match)
    return f"table {rule.table}, priority {rule.priority}, match {terms or 'everything'}"

"""The hosts of a k=4 fat tree as documents name them, and policies from text."""

from __future__ import annotations

from controller.model.blueprint import fat_tree
from policies.language.inventory import Inventory
from policies.language.load import parse_policy
from policies.policy import Policy

TREE = fat_tree(4)
HOSTS = {plan.name: (plan.address,) for plan in TREE.hosts}
INVENTORY = Inventory(
    HOSTS,
    {f"{TREE.switch_by_dpid[plan.at.dpid].name}:{plan.at.port}": (plan.address,) for plan in TREE.hosts},
    frozenset(TREE.switch_by_name),
)


def policy(text: str) -> Policy:
    """The policy of some documents."""
    return parse_policy({"test.yaml": text}, INVENTORY)

"""What policies cost: a thousand access documents on a k=8 fat tree, from text to rules.

Each document lets some hosts reach a few others on a port or two, and denies the rest of what they send
there; hosts, ports and precedences are drawn by a seed. Beside the compiler stands the naive product: a rule
for each source, destination and port of each clause, on every switch with hosts, as they are most easily
written.

    read_s       YAML to a policy, contradictions looked for
    compile_s    the policy to the rules of all switches with hosts
    rules        of a switch: the mean and the most, beside `naive`
    change_s     one document is added to the thousand: its plan, rules of all switches compared

Writes `out/bench/policies.json`.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any

from rich.console import Console

from controller.model.blueprint import fat_tree
from policies.compile.rules import Compiled, SwitchRules
from policies.language.load import parse_policy
from policies.policy import Policy
from policies.predicate import All, Destination, DestPort, Source, SourcePort
from treadle.ground import Fabric, inventory_of, planned

Json = dict[str, Any]
_HOSTS_A_DOCUMENT = (1, 4)
_PORTS = (22, 53, 80, 123, 389, 443, 636, 2049, 3260, 5432, 6379, 8080, 9000, 9092, 11_211)


def documents(count: int, hosts: list[str], seed: int) -> list[str]:
    """So many documents as text."""
    random, found = Random(seed), list[str]()
    for number in range(count):
        names = random.sample(hosts, 2 * _HOSTS_A_DOCUMENT[1])
        sources, targets = (
            names[first : first + random.randint(*_HOSTS_A_DOCUMENT)] for first in (0, _HOSTS_A_DOCUMENT[1])
        )
        ports = random.sample(_PORTS, random.randint(1, 2))
        among = f"from: [{', '.join(sources)}], to: [{', '.join(targets)}]"
        found.append(
            f"kind: access\nname: d{number:04}\nprecedence: {number % 1000}\nclauses:\n"
            f"  - allow: {{{among}, protocol: tcp, ports: {ports}}}\n"
            f"  - deny: {{{among}, protocol: tcp}}\n"
        )
    return found


def compiled(policy: Policy, fabric: Fabric) -> dict[int, SwitchRules]:
    """The rules of all switches with hosts."""
    made, topology = Compiled(policy), fabric.topology
    return {
        dpid: made.rules(
            [address for host in hosts for address in host.addresses],
            [link.src.port for link in topology.out_links[dpid]],
        )
        for dpid, hosts in sorted(topology.hosts_at.items())
    }


def naive(policy: Policy) -> int:
    """The rules of a switch if every clause is written out."""
    total = 0
    for access in policy.access:
        for clause in access.clauses:
            parts = clause.predicate.parts if isinstance(clause.predicate, All) else (clause.predicate,)
            product = 1
            for part in parts:
                if isinstance(part, Source | Destination):
                    product *= len(part.prefixes)
                elif isinstance(part, SourcePort | DestPort):
                    product *= len(part.ranges)
            total += product
    return total


def measured(count: int, k: int, seed: int) -> Json:
    """All figures of so many documents on a fat tree."""
    fabric = planned(fat_tree(k))
    inventory = inventory_of(fabric)
    texts = documents(count + 1, sorted(inventory.hosts), seed)
    most, one_more = "---\n".join(texts[:-1]), texts[-1]
    began_s = time.perf_counter()
    policy = parse_policy({"documents.yaml": most}, inventory)
    read_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    before = compiled(policy, fabric)
    compile_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    after = compiled(parse_policy({"documents.yaml": most, "more.yaml": one_more}, inventory), fabric)
    differing = sum(len(set(after[dpid].policy) ^ set(each.policy)) for dpid, each in before.items())
    change_s = time.perf_counter() - began_s
    counts = [len(each.policy) for each in before.values()]
    return {
        "documents": count,
        "hosts": len(inventory.hosts),
        "switches": len(counts),
        "read_s": round(read_s, 3),
        "compile_s": round(compile_s, 3),
        "change_s": round(change_s, 3),
        "rules_that_change": differing,
        "rules": {"mean": round(mean(counts), 1), "most": max(counts), "naive": naive(policy)},
        "fewer_by": round(naive(policy) / mean(counts), 1),
    }


def main() -> None:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=layout)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--k", type=int, default=8, help="of the fat tree (default: 8, with 128 hosts)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", default="out/bench/policies.json", metavar="FILE")
    args = parser.parse_args()
    document = measured(args.documents, args.k, args.seed)
    path = Path(args.json)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2) + "\n")
    Console().print_json(data=document)


if __name__ == "__main__":
    main()

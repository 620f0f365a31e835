"""`treadle hosts`: who lives where."""

from __future__ import annotations

import argparse

from treadle.commands.asking import asked, print_json
from treadle.tables import console, table


def run(args: argparse.Namespace) -> int:
    answer = asked(args, "hosts")
    if args.json:
        print_json(answer)
        return 0
    rows = [
        (host["name"], host["mac"], " ".join(host["addresses"]), host["switch"], host["port"])
        for host in answer["hosts"]
    ]
    if rows:
        console().print(
            table(("host", "mac", "addresses", "switch", "port"), rows, right=frozenset({"port"}))
        )
    else:
        print("no host has been seen yet")
    return 0

"""The arguments of `treadle farm`; apart from what they are for, so that `--help` is quick."""

from __future__ import annotations

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    add = parser.add_argument
    add(
        "--fabric", metavar="TOPOLOGY", default="fat_tree", help="as in fat_tree(16), ring(5); or a YAML file"
    )
    add(
        "--k", type=int, metavar="K", help="a fabric of this size, where it has but one: fat_tree with --k 16"
    )
    add("--controller", metavar="HOST:PORT", default="127.0.0.1:6653", help="(default: 127.0.0.1:6653)")
    add("--events", metavar="FILE", help="a script of what is to happen (YAML)")
    add("--seconds", type=float, metavar="N", help="stop after so many seconds (default: at a signal)")
    add("--mute", action="store_true", help="hosts say nothing until an event lets them")
    add("--control", metavar="PATH", help="listen there for questions, one JSON object a line")
    add("--json", metavar="FILE", help="write a report there at the end ('-': to the terminal)")
    add("--prove", action="store_true", help="prove all pairs at the end; exit status 1 if one is not")
    add("--tables", type=int, metavar="N", default=254, help="tables of each switch (default: 254)")
    add("--rules", type=int, metavar="N", default=1_000_000, help="room in each table (default: a million)")
    add("--groups", type=int, metavar="N", default=4096, help="room for groups (default: 4096)")
    add("--meters", type=int, metavar="N", default=1024, help="room for meters; 0: none (default: 1024)")

"""The arguments of `treadle sim`; apart from what they are for, so that `--help` is quick."""

from __future__ import annotations

import argparse

_EXAMPLE = """\
example:
  treadle sim traffic stride8.json --k 4 --scheduler ecmp --seconds 30 --json -

FILE is {"flows": [[src, dst], ...]}; hosts are numbered from 0, pod by pod, edge by edge."""
_SCHEDULER = (
    "who places large flows: ours, Hedera's gff or sa, or nobody: ecmp (weighted), plain (default: ours)"
)
_TRAFFIC = "Give each flow of a traffic matrix its fair rate on a simulated fabric."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the commands below `treadle sim`."""
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    layout = argparse.RawDescriptionHelpFormatter
    traffic = commands.add_parser(
        "traffic", help=_TRAFFIC, description=_TRAFFIC, epilog=_EXAMPLE, formatter_class=layout
    )
    _add_traffic(traffic)


def _add_traffic(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("file", metavar="FILE", help="the matrix (JSON)")
    add("--k", type=int, metavar="K", help="a fat tree of K-port switches (default: 4)")
    add("--fabric", metavar="TOPOLOGY", help="another fabric: leaf_spine:4,2, ring(5); or a YAML file")
    add("--scheduler", choices=("ours", "ecmp", "gff", "sa", "plain"), default="ours", help=_SCHEDULER)
    add("--seconds", type=float, metavar="N", default=30.0, help="how long flows send (default: 30)")
    add(
        "--skip",
        type=float,
        metavar="N",
        help="rates are counted from this second on (default: a third of all)",
    )
    add("--rate", metavar="RATE", help="of links that have no other, as in 10M (default: 10G, bit/s)")
    add(
        "--fail",
        metavar="LINK[@S]",
        action="append",
        default=[],
        help="these cables (s1-s5, s1:3) or this switch are dead, from second S on (default: 0); may be "
        "repeated",
    )
    add("--interval", type=float, metavar="S", default=1.0, help="the scheduler looks so often (default: 1)")
    add("--delay", type=float, metavar="S", default=0.02, help="until its pins are in place (default: 0.02)")
    add("--sampling", type=int, metavar="N", help="it sees one frame in N (default: it sees all)")
    add("--seed", type=int, metavar="N", default=0, help="of the switches' hash functions (default: 0)")
    add("--json", metavar="OUT", help="write each flow's rate there, in bit/s ('-': to the terminal)")

"""`python -m simulator`: the same as `treadle farm`, without Treadle around it."""

from __future__ import annotations

import argparse
import sys

from controller.model.errors import OperatorError
from simulator.farm.arguments import add_arguments
from simulator.farm.cli import run


def main() -> int:
    """Run the command line's farm; its exit status."""
    parser = argparse.ArgumentParser(prog="simulator", description=__doc__)
    add_arguments(parser)
    try:
        return run(parser.parse_args())
    except OperatorError as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())

"""`treadle events`: what has changed lately; with `--follow`, what changes from now on, a line each."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from controller.northbound.client import follow
from treadle.commands.asking import asked, print_json, socket_path

_SHOWN_FIRST = ("t", "kind", "subject")


def run(args: argparse.Namespace) -> int:
    if args.follow:
        for change in follow(socket_path(args)):
            print(json.dumps(change) if args.json else line(change), flush=True)
        return 0
    answer = asked(args, "events", follow=False)
    if args.json:
        print_json(answer)
    else:
        print("\n".join(line(change) for change in answer["events"]) or "nothing has changed yet")
    return 0


def line(change: Mapping[str, Any]) -> str:
    """One change on one line: when (seconds of the controller's clock), what, to what, details."""
    details = " ".join(
        f"{key}={_shown(value)}" for key, value in change.items() if key not in _SHOWN_FIRST and value
    )
    return f"{change['t']:>12.3f}  {change['kind']:<24}  {change['subject']}  {details}".rstrip()


def _shown(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)

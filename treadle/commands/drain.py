"""`treadle drain LINK|SWITCH`, `undrain`, `drained`: traffic leaves before the thing is touched.

A drain is kept as soon as the controller has answered, and holds until `undrain`, also over a restart. What
is then waited for is that the traffic has left. Exit status 1: it has not, within the time; the drain
holds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any

from rich.console import Console

from treadle.commands.asking import asked, print_json
from treadle.tables import console, count, table

Json = dict[str, Any]

_POLL_S = 0.1
_SAID = {
    "leaving": "traffic is leaving it",
    "left": "traffic has left it",
    "needed": "used all the same: hosts would be cut off without it",
    "unheard": "a switch that sends there is not connected, and cannot be told to stop",
    "absent": "not there now; no traffic will come to it",
}
_DONE = {"left", "absent"}


def drain(args: argparse.Namespace) -> int:
    """Ask, then wait until the traffic has left; with --force, or until it is known that some cannot."""
    things = set(asked(args, "drain", what=args.what, force=args.force)["drained"])
    enough = _DONE | {"needed"} if args.force else _DONE

    def has_left(now: Json) -> bool:
        mine = _those(now, things)
        return len(mine) == len(things) and now["idle"] and all(each["state"] in enough for each in mine)

    now, done = _waited(args, f"{args.what}: traffic is leaving", has_left)
    mine = _those(now, things)
    if args.json:
        print_json({"done": done, "drained": mine})
    else:
        for each in mine:
            print(f"{each['what']}: {_SAID[each['state']]}")
        if not done:
            print(f"not done within {args.timeout:g} s; the drain holds: see 'treadle drained'")
    return 0 if done else 1


def undrain(args: argparse.Namespace) -> int:
    """Ask, then wait until traffic may come back."""
    things = set(asked(args, "undrain", what=args.what)["undrained"])
    _, done = _waited(
        args, f"{args.what}: traffic is let back", lambda now: now["idle"] and not _those(now, things)
    )
    if args.json:
        print_json({"done": done, "undrained": sorted(things)})
    else:
        for each in sorted(things):
            print(f"{each}: {'traffic may use it again' if done else 'traffic is being let back'}")
    return 0 if done else 1


def drained(args: argparse.Namespace) -> int:
    """List what is drained."""
    answer = asked(args, "drained")
    if args.json:
        print_json(answer)
    elif answer["drained"]:
        rows = [(each["what"], each["kind"], _SAID[each["state"]]) for each in answer["drained"]]
        console().print(table(("drained", "", "traffic"), rows))
    else:
        print("nothing is drained")
    return 0


def _those(now: Json, things: set[str]) -> list[Json]:
    return [each for each in now["drained"] if each["what"] in things]


def _waited(args: argparse.Namespace, what: str, holds: Callable[[Json], bool]) -> tuple[Json, bool]:
    """The latest that the controller says, and whether it is what is waited for; time is up at last."""
    deadline_s = time.monotonic() + args.timeout
    with Console(file=sys.stderr).status(what) as progress:
        while not holds(now := asked(args, "drained")):
            if time.monotonic() > deadline_s:
                return now, False
            progress.update(f"{what}; {count(now['changing'], 'switch', 'switches')} to confirm")
            time.sleep(_POLL_S)
    return now, True

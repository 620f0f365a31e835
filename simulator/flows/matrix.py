"""Traffic matrices from files: who sends to whom, for as long as the simulation lasts.

    {"flows": [[0, 8], [1, 9]]}

Hosts are numbered from 0 in the order of the blueprint: pod by pod, edge by edge. Other keys are left to
whoever wrote the file. What is wrong is said with the file and the place: a line where it is no JSON,
otherwise a key such as `flows[3]`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from controller.model.blueprint import Blueprint
from controller.model.errors import OperatorError
from simulator.flows.transfer import Transfer, flow_between

Pair = tuple[int, int]
_MOST_BYTES = 64 * 1024 * 1024
_EXAMPLE = 'as in {"flows": [[0, 8], [1, 9]]}'


def read_matrix(path: Path, hosts: int) -> tuple[Pair, ...]:
    """The pairs of a file, of hosts below `hosts`. Raises `OperatorError`."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise OperatorError("is larger than 64 MiB", file=str(path))
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OperatorError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except json.JSONDecodeError as error:
        raise OperatorError(f"is not JSON: {error.msg}", file=str(path), line=error.lineno) from None
    except (UnicodeDecodeError, RecursionError):
        raise OperatorError("is not JSON", file=str(path), mend=_EXAMPLE) from None
    if not isinstance(document, dict):
        raise OperatorError("is not an object", file=str(path), mend=_EXAMPLE)
    if not isinstance(document.get("flows"), list):
        problem = "is not a list" if "flows" in document else "is missing"
        raise OperatorError(problem, file=str(path), key="flows", mend=_EXAMPLE)
    return tuple(_pair(path, place, entry, hosts) for place, entry in enumerate(document["flows"]))


def transfers(blueprint: Blueprint, pairs: Sequence[Pair]) -> tuple[Transfer, ...]:
    """A transfer without an end for each pair, in their order."""
    hosts = blueprint.hosts
    return tuple(Transfer(flow_between(hosts[a], hosts[b], number)) for number, (a, b) in enumerate(pairs))


def _pair(path: Path, place: int, entry: Any, hosts: int) -> Pair:
    def wrong(problem: str, mend: str = "") -> OperatorError:
        return OperatorError(problem, file=str(path), key=f"flows[{place}]", mend=mend)

    shown = json.dumps(entry)[:60]
    if not isinstance(entry, list) or len(entry) != 2:
        raise wrong(f"{shown} is not a pair", "as in [0, 8]: the numbers of two hosts")
    for number in entry:
        if type(number) is not int:
            raise wrong(f"{json.dumps(number)[:60]} is not a whole number", "hosts are numbered from 0")
        if not 0 <= number < hosts:
            raise wrong(f"there is no host {number}", f"this fabric has hosts 0 to {hosts - 1}")
    if entry[0] == entry[1]:
        raise wrong(f"host {entry[0]} sends to itself", "two different hosts are needed")
    return entry[0], entry[1]

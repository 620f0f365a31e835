"""What the lab's commands share in what they show: a bar while they work, a report as a file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from controller.model.errors import OperatorError
from mininet_scenarios import build

_STEPS_SHOWN = 4


@contextmanager
def shown(title: str) -> Iterator[build.Progress]:
    """A bar on the error stream, so that what is printed can be piped."""
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=_STEPS_SHOWN)

        def show(what: str, done: int, total: int) -> None:
            bar.update(task, description=f"{title}: {what}", completed=done, total=total)

        yield show


def write_json(report: Mapping[str, Any], file: str) -> None:
    """Write a report to a file, whose folders are made; `-` is the terminal. Raises `OperatorError`."""
    text = json.dumps(report, indent=2, default=str) + "\n"
    if file == "-":
        sys.stdout.write(text)
        return
    path = Path(file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    except OSError as error:
        raise OperatorError(
            f"cannot be written: {error.strerror}", file=str(path), mend="choose another --json"
        ) from None

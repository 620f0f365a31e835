"""Pictures of the benches, as SVG. matplotlib is wanted by them alone; without it there are figures only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from controller.model.errors import OperatorError


@contextmanager
def picture(
    path: Path, *, panels: int = 1, size: tuple[float, float] = (4.0, 3.6), rows: int = 1
) -> Iterator[Sequence[Any]]:
    """The axes of so many panels (inches each) in so many rows, drawn into a file at the end. Raises
    `OperatorError` without matplotlib.
    """
    try:
        import matplotlib as mpl
    except ImportError:
        raise OperatorError("no pictures: matplotlib is not installed", mend="make bench-peers") from None
    mpl.use("svg")
    import matplotlib.pyplot as plt

    width, height = size
    figure, axes = plt.subplots(
        rows, panels, figsize=(width * panels, height * rows), sharey="row", squeeze=False
    )
    try:
        yield [each for row in axes for each in row]
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    finally:
        plt.close(figure)


@contextmanager
def where_possible(console: Console) -> Iterator[None]:
    """Pictures that cannot be drawn are no failure of a bench."""
    try:
        yield
    except OperatorError as error:
        console.print(str(error), style="yellow")

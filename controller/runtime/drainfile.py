"""What is drained, on disk: an operator's wish outlives the controller that was asked.

    links:
    - 0000000000000001:3 - 0000000000000005:1
    switches:
    - 0000000000000011

The file is for people too; who edits it while no controller runs is believed at the next start. It is written
whole under another name and then renamed, so that nobody ever finds half of it, and it is on the disk before
the controller hears of the wish: what an operator was told is drained stays so. Whoever cannot be kept is not
drained, and is told why.

The wish enters the loop as an event (`DrainAsked`), complete each time: at the start, and after each change.
The loop never waits for the disk.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path

from controller.documents.yaml_tree import read_yaml
from controller.model.errors import OperatorError
from controller.model.event import DrainAsked
from controller.model.health import Drains, Ends, drains, ends_of, ends_text
from controller.model.identity import Dpid, PortRef, dpid_text, port_ref

_HEADER = "# What carries no transit: written by `treadle drain`, read when the controller starts.\n"


class DrainFile:
    """What is drained, kept at `path`; each change is handed to `tell`. Safe to call from any thread.

    Raises `OperatorError` at once for a file that cannot be understood.
    """

    def __init__(self, path: Path, tell: Callable[[DrainAsked], object]) -> None:
        self._path = path
        self._tell = tell
        self._lock = threading.Lock()
        self._drains = _read(path) if path.exists() else Drains()

    def begin(self) -> None:
        """Tell what an earlier controller was asked."""
        if self._drains:
            self._tell(DrainAsked(self._drains))

    def drain(self, more: Drains) -> None:
        """Let these be drained too. Raises `OperatorError` where that cannot be kept."""
        self._change(lambda drained: drained.with_more(more))

    def undrain(self, less: Drains) -> None:
        """Let these be drained no longer. Raises `OperatorError` where that cannot be kept."""
        self._change(lambda drained: drained.without(less))

    def _change(self, changed: Callable[[Drains], Drains]) -> None:
        with self._lock:
            after = changed(self._drains)
            _write(self._path, after)
            self._drains = after
            self._tell(DrainAsked(after))


def _write(path: Path, drained: Drains) -> None:
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with draft.open("w", encoding="utf-8") as file:
            file.write(_text(drained))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        mend = "name another place with the setting maintenance_file"
        raise OperatorError(
            f"what is drained cannot be kept: {error.strerror}", file=str(path), mend=mend
        ) from None


def _text(drained: Drains) -> str:
    lists = (
        ("links", [ends_text(cable) for cable in drained.cables]),
        ("switches", [dpid_text(dpid) for dpid in drained.switches]),
    )
    lines = [line for key, items in lists if items for line in (f"{key}:", *(f"- {item}" for item in items))]
    return _HEADER + "".join(f"{line}\n" for line in lines)


def _read(path: Path) -> Drains:
    document = read_yaml(path)
    document.only("links", "switches")
    cables = document.get("links", lambda entry: [item.read(_cable) for item in entry.listed()])
    switches = document.get("switches", lambda entry: [item.read(_dpid) for item in entry.listed()])
    return drains(cables or (), switches or ())


def _cable(text: str) -> Ends:
    ends = [_end(part) for part in text.split(" - ")]
    if len(ends) != 2 or ends[0].dpid == ends[1].dpid:
        raise ValueError(f"'{text}' is not a cable: two ports of two switches, as in {_EXAMPLE}")
    return ends_of(*ends)


def _end(text: str) -> PortRef:
    dpid, colon, port = text.partition(":")
    if not colon or not port.isdecimal():
        raise ValueError(f"'{text}' is not a port, as in {_EXAMPLE.split()[0]}")
    return port_ref(_dpid(dpid), int(port))


def _dpid(text: str) -> Dpid:
    if len(text) != 16 or not all(digit in "0123456789abcdef" for digit in text.lower()):
        raise ValueError(f"'{text}' is not a switch: 16 hexadecimal digits")
    return Dpid(int(text, 16))


_EXAMPLE = "0000000000000001:3 - 0000000000000005:1"

"""Traffic matrices from JSON: which host sends to which.

    {"flows": [[0, 8], [1, 9], [2, 10]]}

Hosts are numbered from 0 in the blueprint's order: pod by pod, edge by edge. A pair may occur several times:
these are several flows. Other keys are passed over, so that who makes matrices may say where they come from.
Whoever wrote the file hears about the first thing that is wrong with it.
"""

from __future__ import annotations

import json
from pathlib import Path

from controller.model.errors import OperatorError

Matrix = tuple[tuple[int, int], ...]

MAX_FILE_BYTES = 64 << 20


def read_matrix(path: Path, hosts: int) -> Matrix:
    """The matrix of a file, for a fabric of so many hosts. Raises `OperatorError`."""
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise OperatorError(f"is larger than {MAX_FILE_BYTES >> 20} MiB", file=str(path))
        document = json.loads(path.read_text())
    except OSError as error:
        raise OperatorError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except json.JSONDecodeError as error:
        raise OperatorError(f"is not JSON: {error.msg}", file=str(path), line=error.lineno) from None
    except (UnicodeDecodeError, RecursionError):
        raise OperatorError("is not JSON", file=str(path)) from None
    flows = document.get("flows") if isinstance(document, dict) else None
    if not isinstance(flows, list) or not flows:
        mend = 'as in {"flows": [[0, 8], [1, 9]]}'
        raise OperatorError("needs a list of at least one flow", file=str(path), key="flows", mend=mend)
    return tuple(_pair(pair, number, hosts, str(path)) for number, pair in enumerate(flows))


def _pair(pair: object, number: int, hosts: int, file: str) -> tuple[int, int]:
    key = f"flows[{number}]"
    match pair:
        case [int(src), int(dst)] if not isinstance(src, bool) and not isinstance(dst, bool):
            pass
        case _:
            raise OperatorError(f"{json.dumps(pair)} is not [source, destination]", file=file, key=key)
    wrong = next((host for host in (src, dst) if not 0 <= host < hosts), None)
    if wrong is not None:
        raise OperatorError(
            f"there is no host {wrong}", file=file, key=key, mend=f"hosts are 0 to {hosts - 1}"
        )
    if src == dst:
        raise OperatorError(f"host {src} sends to itself", file=file, key=key)
    return src, dst

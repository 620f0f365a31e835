"""ERROR: what a switch refuses, and in which words (section 7.4.4).

The words are the framework's, which has the whole table of them: `FLOW_MOD_FAILED TABLE_FULL`.
"""

from __future__ import annotations

from functools import lru_cache
from struct import Struct

from controller.southbound.framework import Framework
from controller.southbound.guard.shapes import Malformed

_TWO = Struct("!HH").unpack_from
_THREE = Struct("!HHI").unpack_from
_EXPERIMENTER = 0xFFFF


def refusal(framework: Framework, buffer: bytes, at: int, limit: int) -> tuple[int, int, str]:
    """Type and code of an error, and both in OpenFlow's words. Raises `Malformed`."""
    if limit - at < 4:
        raise Malformed(f"{limit - at} bytes at byte {at} where 4 are needed")
    kind, code = _TWO(buffer, at)
    if kind != _EXPERIMENTER:
        return kind, code, _words(framework, kind, code)
    if limit - at < 8:
        raise Malformed(f"{limit - at} bytes at byte {at} where 8 are needed")
    _, code, experimenter = _THREE(buffer, at)
    return kind, code, f"EXPERIMENTER {experimenter:#x}"


@lru_cache(1024)
def _words(framework: Framework, kind: int, code: int) -> str:
    constants = framework.constants
    words = constants.ofp_error_type_to_str(kind), constants.ofp_error_code_to_str(kind, code)
    return " ".join(word.split("(")[0].split("_", 1)[-1] for word in words)

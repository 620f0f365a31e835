"""Reading within bounds: the three questions that every walk over a switch's bytes asks.

Nothing here trusts a length. A structure's own length is believed only when it holds at least the
structure's fixed part and ends within what surrounds it; so each step of a walk advances, and none reads
what is not there. What is refused, and that it is refused, is the guard's description too
(guard/openflow13.py): both are tried on the same lies in the tests.
"""

from __future__ import annotations

from struct import Struct

from controller.southbound.guard.shapes import Malformed

U16 = Struct("!H").unpack_from
TWO_U16 = Struct("!HH").unpack_from


def sized_end(buffer: bytes, at: int, limit: int, least: int) -> int:
    """Where the structure at `at` ends, that begins with its own length of 16 bits. Raises `Malformed`."""
    if at + least > limit:
        raise Malformed(f"{limit - at} bytes at byte {at} where {least} are needed")
    end: int = at + U16(buffer, at)[0]
    if end < at + least or end > limit:
        raise Malformed(f"length {end - at} at byte {at}: not within {least} and {limit - at}")
    return end


def typed_end(buffer: bytes, at: int, limit: int, least: int) -> tuple[int, int]:
    """Type and end of the structure at `at`, that begins with its type and its length. Raises `Malformed`."""
    if at + least > limit:
        raise Malformed(f"{limit - at} bytes at byte {at} where {least} are needed")
    kind, length = TWO_U16(buffer, at)
    if length < least or at + length > limit:
        raise Malformed(f"length {length} at byte {at}: not within {least} and {limit - at}")
    return kind, at + length


def whole(size: int, buffer_at: int, limit: int) -> int:
    """How many entries of `size` bytes lie before the limit. Raises `Malformed` when a part is left over."""
    count, left = divmod(limit - buffer_at, size)
    if left:
        raise Malformed(f"{left} bytes are left after {count} entries of {size}")
    return count

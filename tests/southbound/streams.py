"""What arrives on a socket, for hypothesis: truths, lies, false headers, noise, and all of it in pieces."""

from __future__ import annotations

from itertools import pairwise
from struct import pack_into

from hypothesis import strategies as st

from tests.southbound import switch_messages as switch
from tests.southbound.hanging_messages import MESSAGES as HANGING
from tests.southbound.hearsay import TRUTHFUL, lies
from tests.southbound.receiving import STAGES

stages = st.sampled_from(STAGES)
_XIDS = 24
"""More than the transactions that a session has used when a test begins."""


def with_xid(message: bytes, xid: int) -> bytes:
    """The message in another transaction."""
    return message[:4] + xid.to_bytes(4) + message[8:]


def _with_length(message: bytes, length: int) -> bytes:
    changed = bytearray(message)
    pack_into("!H", changed, 2, length & 0xFFFF)
    return bytes(changed)


_xids = st.integers(0, _XIDS) | st.integers(0, 0xFFFFFFFF)
truths = st.builds(with_xid, st.sampled_from(TRUTHFUL), _xids)
"""True messages, likely in a transaction that somebody waits for."""
_hanging = st.builds(with_xid, st.sampled_from(sorted(HANGING.values())), _xids)
_false_lengths = st.builds(
    lambda message, off: _with_length(message, max(0, len(message) + off)), truths, st.integers(-80, 80)
) | st.builds(_with_length, truths, st.sampled_from((0, 1, 7, 8, 9, 15, 0x7FFF, 0xFFFF)))
_cut_short = st.builds(lambda message, share: message[: int(len(message) * share)], truths, st.floats(0, 1))
_headed_noise = st.builds(
    lambda kind, version, xid, body: switch.message(kind, body, xid, version),
    st.integers(0, 40),
    st.sampled_from((4, 4, 4, 0, 1, 5, 6, 7, 255)),
    _xids,
    st.binary(max_size=120),
)
_flipped = st.builds(
    lambda message, at, value: (
        message[: at % len(message)] + bytes((value,)) + message[at % len(message) + 1 :]
    ),
    truths,
    st.integers(0, 2_000),
    st.integers(0, 255),
)

anything = st.one_of(
    truths,
    st.builds(with_xid, lies(), _xids),
    _flipped,
    _false_lengths,
    _cut_short,
    _headed_noise,
    _hanging,
    st.binary(max_size=200),
)
streams = st.lists(anything, max_size=6).map(b"".join)


def pieces(stream: bytes, cuts: list[int]) -> list[bytes]:
    """The stream cut at these places, as far as it has them."""
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    return [stream[a:b] for a, b in pairwise(edges)]

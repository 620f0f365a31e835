"""What the fuzzer feeds: how its bytes are read, what it begins with, and how it makes new from old.

    input = stage (1 byte) | size of pieces (1 byte, 0: whole) | a stream of OpenFlow messages
          = with a blueprint? (1 byte) | table (1 byte) | frames, each behind its length (2 bytes)

A fuzzer that only flips bytes seldom gets past the framing: one wrong length and the rest is never looked at.
So most mutations here keep to messages: they change the inside of one and put its header's length right, or
repeat, drop, exchange, or borrow one from the seeds. The others flip bytes as they like.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from struct import unpack_from

from controller.southbound.framework import load
from controller.southbound.session import Stage
from tests.runtime.strangers import HEARD
from tests.simulator.orders import TOLD
from tests.southbound import switch_messages as switch
from tests.southbound.hanging_messages import MESSAGES as HANGING
from tests.southbound.hearsay import TRUTHFUL
from tests.southbound.ovsdb.hearing import truths
from tests.southbound.receiving import STAGES, awaited
from tests.southbound.streams import with_xid

HEAD_BYTES = 2
_HEADER_BYTES = 8
_PLAIN_SHARE, _CUT_SHARE = 0.25, 0.1
_PIECES = (0, 1, 7, 8, 9, 60, 200)
_LONGEST_FRAME = 2048
_NUMBERS = (0, 1, 4, 7, 8, 9, 12, 16, 24, 0x7FFF, 0xFFFF)
"""Lengths and types with which parsers go wrong."""


def stage_of(data: bytes) -> Stage:
    """In which stage of a session's life the stream arrives."""
    return STAGES[data[0] % len(STAGES)]


def pieces_of(data: bytes) -> list[bytes]:
    """The stream, in the pieces in which it arrives."""
    stream, size = data[HEAD_BYTES:], data[1]
    return [stream] if not size else [stream[at : at + size] for at in range(0, len(stream), size)]


def frames_of(data: bytes) -> list[bytes]:
    """The frames that a stranger says."""
    frames, at = [], HEAD_BYTES
    while at + 2 <= len(data):
        end = at + 2 + unpack_from("!H", data, at)[0] % _LONGEST_FRAME
        frames.append(data[at + 2 : end])
        at = end
    return frames


# --- what it begins with ------------------------------------------------------------------------------------


_NEWS = (
    switch.port_status(3),
    switch.port_status(1, state=switch.LINK_DOWN),
    switch.port_status(1, reason=1),
)


def switch_seeds() -> list[bytes]:
    """What switches say: everything in every stage, and in UP in each transaction that somebody waits for."""
    seeds = []
    for number, stage in enumerate(STAGES):
        xids = {xid for _, _, xid in awaited(load(), stage)} if stage in (Stage.PORTS, Stage.UP) else {1}
        for message in [*TRUTHFUL, *HANGING.values(), *_NEWS]:
            seeds += [bytes((number, 0)) + with_xid(message, xid) for xid in sorted(xids)]
    asked = [(kind, xid) for _, kind, xid in awaited(load(), Stage.UP) if kind is not None]
    answers = b"".join(switch.multipart(kind, b"", xid) for kind, xid in asked)
    up = len(STAGES) - 1
    return [*seeds, bytes((up, 0)) + answers, bytes((up, 7)) + b"".join(_NEWS) + bytes(8)]


def controller_seeds() -> list[bytes]:
    """What controllers say, one by one and several at once."""
    several = [b"".join(TOLD[at::20]) for at in range(20)]
    return [bytes(HEAD_BYTES) + stream for stream in [*TOLD, *several]]


def database_seeds() -> list[bytes]:
    """What databases say, whole and in pieces."""
    return [bytes((0, size)) + stream for stream in truths() for size in (0, 60)]


def stranger_seeds() -> list[bytes]:
    """What hosts and switches say, one by one, and each followed by the next."""
    said = [len(frame).to_bytes(2) + frame for frame in HEARD]
    several = [said[at] + said[(at + 1) % len(said)] for at in range(len(said))]
    return [bytes((told, 0)) + frames for told in (0, 1) for frames in (*said, *several)]


# --- how it makes new from old ------------------------------------------------------------------------------


def messages_in(stream: bytes) -> list[bytes]:
    """The stream cut where its headers say, as far as they can be believed; what is left is one piece."""
    found = []
    while len(stream) >= _HEADER_BYTES:
        length = unpack_from("!H", stream, 2)[0]
        if not _HEADER_BYTES <= length <= len(stream):
            break
        found.append(stream[:length])
        stream = stream[length:]
    return [*found, stream] if stream else found


Mutate = Callable[[bytes, int, int], bytes]
"""(an input, the most bytes that the new one may have, a seed) -> a new input."""


def mutator(seeds: Sequence[bytes], flip: Callable[[bytes, int], bytes]) -> Mutate:
    """The function that makes a new input of one that was interesting; `flip` is the fuzzer's own."""
    borrowed = [message for seed in seeds for message in messages_in(seed[HEAD_BYTES:])]

    def mutate(data: bytes, max_size: int, seed: int) -> bytes:
        chance = random.Random(seed)
        if len(data) <= HEAD_BYTES + _HEADER_BYTES or chance.random() < _PLAIN_SHARE:
            return flip(data, max_size)
        head, messages = data[:HEAD_BYTES], messages_in(data[HEAD_BYTES:])
        if chance.random() < _CUT_SHARE:
            head = head[:1] + bytes((chance.choice(_PIECES),))
        _mutate_some(messages, borrowed, flip, chance)
        return (head + b"".join(messages))[:max_size]

    return mutate


def _mutate_some(
    messages: list[bytes],
    borrowed: Sequence[bytes],
    flip: Callable[[bytes, int], bytes],
    chance: random.Random,
) -> None:
    at, what = chance.randrange(len(messages)), chance.choice(_MUTATIONS)
    if what == "number":
        messages[at] = _number_changed(messages[at], chance)
    elif what == "inside":
        body = messages[at][_HEADER_BYTES:]
        messages[at] = _sealed(messages[at][:_HEADER_BYTES] + flip(body or b"\0", len(body) + 64))
    elif what == "borrow":
        messages.insert(at, chance.choice(borrowed))
    elif what == "repeat":
        messages.insert(at, messages[at])
    elif what == "transaction":
        messages[at] = with_xid(messages[at], chance.randrange(24))
    else:
        messages.pop(at)


_MUTATIONS = ("number", "number", "number", "inside", "inside", "borrow", "repeat", "transaction", "drop")


def _number_changed(message: bytes, chance: random.Random) -> bytes:
    """One of the 16-bit numbers at even places is another: a length, a type, half an address."""
    if len(message) < _HEADER_BYTES + 2:
        return message
    at = _HEADER_BYTES + 2 * chance.randrange((len(message) - _HEADER_BYTES) // 2)
    number = unpack_from("!H", message, at)[0]
    changed = chance.choice(
        (*_NUMBERS, number + 8, number - 8, number ^ 1, number + 1, chance.randrange(0x10000))
    )
    return message[:at] + (changed & 0xFFFF).to_bytes(2) + message[at + 2 :]


def _sealed(message: bytes) -> bytes:
    """The message with its own length in its header."""
    return message[:2] + min(len(message), 0xFFFF).to_bytes(2) + message[4:]

"""Runs: many commands into one piece of bytes, with consecutive transactions.

So nothing has to be kept for each command: who knows the first transaction of a run and the commands knows
which of them an error is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from struct import error as StructError

from controller.model.command import Command
from controller.southbound import wire
from controller.southbound.encode.bodies import BODIES

_START = Struct("!BBH")


class Inexpressible(ValueError):
    """A command with a number that has no room in its message: a port of 33 bits, a frame over 64 KiB."""


def encode(command: Command, xid: int) -> bytes:
    """The message of one command that is exactly one. Raises `Inexpressible`."""
    return encode_run((command,), 0, 1, xid, wire.LONGEST_MESSAGE)[0]


def message_type(command: type[Command]) -> int:
    """The type of message that carries commands of this class, for those that are exactly one message."""
    return BODIES[command][0]


def encode_run(
    commands: Sequence[Command], first: int, end: int, xid: int, most_bytes: int
) -> tuple[bytes, int]:
    """The messages of the commands from number `first` to before `end`, with transactions from `xid` up, and
    how many they are.

    Ends once there are `most_bytes`, before a command that is not exactly one message, and before one that
    cannot be said; should that be the first, raises `Inexpressible`. A few microseconds a command, less than
    one for a rule that was encoded lately.
    """
    parts: list[bytes] = []
    add, start, size, number = parts.append, _START.pack, 0, first
    try:
        for number in range(first, end):
            command = commands[number]
            how = BODIES.get(type(command))
            if how is None or size >= most_bytes:
                break
            kind, body_of = how
            body = body_of(command)
            length = 8 + len(body)
            add(start(wire.VERSION, kind, length))
            add(xid.to_bytes(4))
            add(body)
            size += length
            xid += 1
    except (StructError, OverflowError) as error:
        if number == first:
            raise Inexpressible(f"{commands[first]}: {error}") from None
    return b"".join(parts[: 3 * (len(parts) // 3)]), len(parts) // 3

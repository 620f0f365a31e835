"""The judge of what a database may say: anything, without harm.

Whatever comes, and in whatever pieces, a conversation understands it or ends with `Unbearable`; nothing else
is raised, what it holds stays within bounds, and the pieces make no difference to what was understood.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from controller.model.event import Event
from controller.model.identity import PortRef, port_ref
from controller.southbound.ovsdb.book import Book, Wish
from controller.southbound.ovsdb.conversation import Conversation
from controller.southbound.ovsdb.endpoint import Endpoint, OvsdbSettings
from controller.southbound.ovsdb.framing import Unbearable
from tests.southbound.ovsdb.databases import DOWN, NEVER_UP, OUR_PORT, UP, Database

A, B = port_ref(1, 1), port_ref(2, 1)
_MOST_BYTES = 1 << 14
SETTINGS = OvsdbSettings(
    (Endpoint("unix:/x"),), OUR_PORT, 10, message_bytes=_MOST_BYTES, unsent_bytes=1 << 16, rows=100
)


def hear(pieces: Sequence[bytes]) -> tuple[bool, tuple[Event, ...], frozenset[PortRef]]:
    """Let a database say this: was it borne to the end, what was the loop told, and which ports are there."""
    talk, book, told = Conversation(SETTINGS, 0.0), Book(SETTINGS), list[Event]()
    book.want(A, Wish(B, 10))
    book.want(B, Wish(A, 10))
    borne = True
    for piece in pieces:
        try:
            touched = talk.receive(piece, 0.0)
        except Unbearable:
            borne = False
            break
        book.shown(0, talk.tables, touched)
        told += book.news()
        json.dumps(book.due(0.0))
    return borne, tuple(told), frozenset(talk.tables.ports)


def truths() -> list[bytes]:
    """What real databases say, each a stream from the first byte."""
    database = Database(A, B)
    shown = _text({"id": "monitor", "result": database.everything(), "error": None})
    streams = [shown]
    for status in (UP, DOWN, NEVER_UP):
        database.maps[A]["bfd_status"] = dict(status)
        streams.append(shown + _text({"method": "update", "id": None, "params": [None, database.rows(A)]}))
    streams.append(shown + _text({"method": "echo", "id": "probe", "params": []}))
    streams.append(shown + _text({"id": "transact", "result": [{"count": 1}], "error": None}))
    streams.append(_text({"id": "monitor", "result": None, "error": {"error": "unknown database"}}))
    return streams


def _text(message: dict[str, object]) -> bytes:
    return json.dumps(message).encode()

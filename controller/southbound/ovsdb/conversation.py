"""The conversation with one database: its protocol, without a socket, a thread or a clock.

    --> monitor  Bridge, Controller, Port, Interface         <-- the rows as they are
                                                             <-- update: rows that differ, from then on
    --> transact operations                                  <-- what came of each
    <-> echo, in either direction, when nothing else is said

One transaction is under way at a time, so that a database that is slow is asked for no more than it does;
what is wanted meanwhile is compared anew afterwards. Whatever is said wrongly raises `Unbearable`, and ends
it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import Any

from controller.model.identity import PortRef
from controller.southbound.ovsdb.bfd import Operation
from controller.southbound.ovsdb.endpoint import OvsdbSettings
from controller.southbound.ovsdb.framing import Framer, Json, Unbearable
from controller.southbound.ovsdb.rows import COLUMNS
from controller.southbound.ovsdb.tables import Tables

_DATABASE = "Open_vSwitch"
_MONITOR, _TRANSACT, _ECHO = "monitor", "transact", "echo"
_MOST_OPERATIONS = 256
_REFUSED_REST_S = 5.0


class Conversation:
    """One connection's, from its first byte. Times are seconds of the clock that the owner hands in."""

    def __init__(self, settings: OvsdbSettings, now_s: float) -> None:
        self._settings = settings
        self._framer = Framer(settings.message_bytes)
        self._unsent = bytearray()
        self._heard_s = now_s
        self._asked = False
        self._to_write: dict[str, tuple[Operation, ...]] = {}
        self._under_way = False
        self._rests_until_s = 0.0
        self.tables = Tables(settings.rows, settings.our_port)
        self.is_monitoring = False
        self.refused = ""
        """What the database said when it last refused something; the owner clears it."""
        watched = {table: {"columns": list(columns)} for table, columns in COLUMNS.items()}
        self._say({"method": "monitor", "id": _MONITOR, "params": [_DATABASE, None, watched]})

    # --- hearing --------------------------------------------------------------------------------------------

    def receive(self, data: bytes, now_s: float) -> set[PortRef]:
        """The ports of which something has changed. Raises `Unbearable`."""
        self._heard_s, self._asked = now_s, False
        touched: set[PortRef] = set()
        for said in self._framer.feed(data):
            touched |= self._take(said, now_s)
        return touched

    def _take(self, said: Json, now_s: float) -> set[PortRef]:
        match said.get("method"), said.get("id"):
            case "echo", name:
                self._say({"id": name, "result": said.get("params"), "error": None})
            case "update", _:
                params = said.get("params")
                if not isinstance(params, list) or len(params) != 2 or not self.is_monitoring:
                    raise Unbearable("an update that nobody asked for")
                return self.tables.take(params[1])
            case None, "monitor":
                if said.get("error") is not None or self.is_monitoring:
                    raise Unbearable("it does not let itself be monitored")
                self.is_monitoring = True
                return self.tables.take(said.get("result"))
            case None, "transact":
                self._done(said, now_s)
            case _:
                pass  # answers to echoes, and notifications that concern others
        return set()

    def _done(self, said: Json, now_s: float) -> None:
        self._under_way = False
        result = said.get("result")
        errors = [said["error"]] if said.get("error") else []
        if isinstance(result, list):
            errors += [each for each in result if isinstance(each, dict) and "error" in each]
        if errors:
            self.refused = json.dumps(errors[0])[:200]
            self._rests_until_s = now_s + _REFUSED_REST_S
            self._to_write.clear()

    # --- saying ---------------------------------------------------------------------------------------------

    def write(self, operations: Mapping[str, tuple[Operation, ...]]) -> None:
        """Carry these out, soon; they take the place of earlier ones for the same row."""
        self._to_write.update(operations)

    def tick(self, now_s: float) -> None:
        """Let time pass. Raises `Unbearable` when the far end has been silent for too long."""
        silence_s = now_s - self._heard_s
        if silence_s >= self._settings.dead_after_s:
            raise Unbearable(f"nothing for {silence_s:.0f} s")
        if silence_s >= self._settings.echo_after_s and not self._asked:
            self._asked = True
            self._say({"method": "echo", "id": _ECHO, "params": []})
        if self._to_write and not self._under_way and now_s >= self._rests_until_s:
            names = list(islice(self._to_write, _MOST_OPERATIONS))
            operations = [each for name in names for each in self._to_write.pop(name)]
            self._under_way = True
            self._say({"method": "transact", "id": _TRANSACT, "params": [_DATABASE, *operations]})

    def _say(self, what: dict[str, Any]) -> None:
        self._unsent += json.dumps(what).encode()
        if len(self._unsent) > self._settings.unsent_bytes:
            raise Unbearable("it asks and does not read")

    @property
    def is_done(self) -> bool:
        """Whether everything has been written that was to be, and the database has said so."""
        return not (self._to_write or self._under_way or self._unsent)

    @property
    def unsent(self) -> memoryview:
        """What is to be sent now; `sent` says how much of it was."""
        return memoryview(bytes(self._unsent))

    def sent(self, count: int) -> None:
        del self._unsent[:count]

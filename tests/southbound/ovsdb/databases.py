"""Databases as tests want them: rows in OVSDB's notation, and one that carries out what it is told.

`Database` keeps rows as a server does and applies `mutate` as RFC 7047 says (section 5.1), so that what the
book writes comes back as what it sees. It listens nowhere: the real server has its turn in tests/emulation.
"""

from __future__ import annotations

import json
from typing import Any

from controller.model.identity import PortRef
from controller.southbound.ovsdb.bfd import Operation

Json = dict[str, Any]
OUR_PORT = 6653


def uuid(number: int) -> str:
    return f"{number:08x}-0000-0000-0000-000000000000"


def references(*numbers: int) -> list[Any]:
    return ["set", [["uuid", uuid(number)] for number in numbers]]


def pairs(values: dict[str, str]) -> list[Any]:
    return ["map", [[key, value] for key, value in sorted(values.items())]]


def interface(port: int, **columns: dict[str, str]) -> Json:
    """A row of Interface; columns that are not given are empty."""
    maps = {name: pairs(columns.get(name, {})) for name in ("bfd", "bfd_status", "external_ids")}
    return {"ofport": port, **maps}


UP = {"forwarding": "true", "flap_count": "1", "state": "up", "diagnostic": "No Diagnostic"}
DOWN = {
    "forwarding": "false",
    "flap_count": "2",
    "state": "down",
    "diagnostic": "Control Detection Time Expired",
}
NEVER_UP = {"forwarding": "false", "flap_count": "0", "state": "down", "diagnostic": "No Diagnostic"}


class Database:
    """Bridges with ports; each interface's maps as dictionaries."""

    def __init__(self, *ports: PortRef, controller_port: int = OUR_PORT) -> None:
        self.maps: dict[PortRef, dict[str, dict[str, str]]] = {
            at: {"bfd": {}, "bfd_status": {}, "external_ids": {}} for at in ports
        }
        self._controller = f"tcp:127.0.0.1:{controller_port}"

    def everything(self) -> Json:
        """All rows, as the answer to `monitor`."""
        tables: dict[str, Json] = {"Bridge": {}, "Controller": {}, "Port": {}, "Interface": {}}
        tables["Controller"][uuid(1)] = {"new": {"target": self._controller}}
        for dpid in sorted({at.dpid for at in self.maps}):
            ports = [self._number(at) for at in self.maps if at.dpid == dpid]
            row = {"datapath_id": f"{dpid:016x}", "ports": references(*ports), "controller": references(1)}
            tables["Bridge"][uuid(0x1000 + dpid)] = {"new": row}
        for at in self.maps:
            tables["Port"][uuid(self._number(at))] = {"new": {"interfaces": references(self._number(at))}}
        return {**tables, **self.rows(*self.maps)}

    def rows(self, *ports: PortRef) -> Json:
        """The interfaces of these ports, as an update."""
        return {
            "Interface": {
                uuid(self._number(at)): {"new": interface(at.port, **self.maps[at])} for at in ports
            }
        }

    def carry_out(self, operations: list[Operation]) -> set[PortRef]:
        """Do as told; the ports that were written to."""
        json.dumps(operations)  # what cannot be said cannot be done
        written = set()
        for operation in operations:
            assert operation["op"] == "mutate"
            assert operation["table"] == "Interface"
            ((column, relation, (_, name)),) = operation["where"]
            assert (column, relation) == ("_uuid", "==")
            at = next(at for at in self.maps if uuid(self._number(at)) == name)
            for column, mutator, value in operation["mutations"]:
                _mutate(self.maps[at][column], mutator, value)
            written.add(at)
        return written

    @staticmethod
    def _number(at: PortRef) -> int:
        return (at.dpid << 16) + at.port


def _mutate(held: dict[str, str], mutator: str, value: list[Any]) -> None:
    kind, members = value
    if mutator == "insert":
        for key, text in members:
            held.setdefault(key, text)
    elif kind == "map":
        for key, text in members:
            if held.get(key) == text:
                del held[key]
    else:
        for key in members:
            held.pop(key, None)

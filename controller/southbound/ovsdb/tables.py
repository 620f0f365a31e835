"""One database as a cache: its rows, and which interface is which port.

An interface does not say which port of which switch it is: a bridge names its ports, a port its interfaces,
and an interface its OpenFlow number. The three are joined whenever one of the joints has moved, which is
seldom; a session that comes up or goes down changes an interface alone and costs that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from controller.model.identity import Dpid, PortRef
from controller.southbound.ovsdb.framing import Unbearable
from controller.southbound.ovsdb.rows import (
    COLUMNS,
    Bridge,
    Controller,
    Interface,
    Port,
    Row,
    Sampling,
    row,
    uuid,
)

R = TypeVar("R", bound=Row)


class Tables:
    """What one database has shown; at most `most_rows` of it. Bridges whose controller listens elsewhere than
    on `our_port` are others', and are left alone.
    """

    def __init__(self, most_rows: int, our_port: int) -> None:
        self._most_rows = most_rows
        self._our_port = our_port
        self._rows: dict[str, dict[str, Row]] = {table: {} for table in COLUMNS}
        self._interface_at: dict[PortRef, str] = {}
        self._port_of: dict[str, PortRef] = {}
        self._bridge_of: dict[Dpid, str] = {}
        self.joined = 0
        """Rises whenever bridges, interfaces or how bridges sample may be others than before."""

    @property
    def bridges(self) -> Mapping[Dpid, str]:
        """The bridge (its uuid) that is this switch."""
        return self._bridge_of

    def sampling(self, dpid: Dpid) -> tuple[Bridge, Sampling | None] | None:
        """A switch's bridge, and how it samples; None when the switch is not here."""
        bridge = self._rows["Bridge"].get(self._bridge_of.get(dpid, ""))
        if not isinstance(bridge, Bridge):
            return None
        found = self._rows["sFlow"].get(bridge.sflow or "")
        return bridge, found if isinstance(found, Sampling) else None

    @property
    def by_index(self) -> Mapping[int, PortRef]:
        """The port that is the interface of this number."""
        rows = ((self._rows["Interface"].get(name), at) for at, name in self._interface_at.items())
        return {
            found.index: at for found, at in rows if isinstance(found, Interface) and found.index is not None
        }

    @property
    def ports(self) -> Mapping[PortRef, str]:
        """The interface (its uuid) that is this port."""
        return self._interface_at

    def interface(self, at: PortRef) -> Interface | None:
        """The interface that is this port, if there is one."""
        name = self._interface_at.get(at)
        found = None if name is None else self._rows["Interface"].get(name)
        return found if isinstance(found, Interface) else None

    def take(self, updates: object) -> set[PortRef]:
        """Apply a `table-updates` (RFC 7047, section 4.1.6); the ports of which something has changed.

        Raises `Unbearable`.
        """
        touched: set[PortRef] = set()
        joints = False
        for table, rows in _entries(updates):
            if table not in COLUMNS:
                raise Unbearable("a table that nobody asked for")
            for name, change in _entries(rows):
                joints |= self._take_row(table, uuid(name), change)
                if name in self._port_of:
                    touched.add(self._port_of[name])
        if sum(map(len, self._rows.values())) > self._most_rows:
            raise Unbearable(f"more than {self._most_rows} rows")
        return touched | self._join() if joints else touched

    def _take_row(self, table: str, name: str, change: object) -> bool:
        """Take one row over; whether a joint between tables has moved."""
        if not isinstance(change, dict):
            raise Unbearable("a change that is none")
        rows, new = self._rows[table], change.get("new")
        before = rows.get(name)
        if new is None:
            rows.pop(name, None)
            return before is not None
        if not isinstance(new, dict):
            raise Unbearable("a row that is none")
        after = rows[name] = row(table, new)
        if isinstance(before, Interface) and isinstance(after, Interface):
            return (before.port, before.index) != (after.port, after.index)
        return before != after

    def _join(self) -> set[PortRef]:
        """Find anew which interface is which port; the ports that have another one than before.

        Where two claim one port, the one with the lower name has it.
        """
        before = self._interface_at
        self._interface_at, self._bridge_of = {}, {}
        self.joined += 1
        for row_name, bridge in sorted(self._rows["Bridge"].items()):
            if not isinstance(bridge, Bridge) or not self._is_ours(bridge):
                continue
            if bridge.dpid is not None:
                self._bridge_of.setdefault(bridge.dpid, row_name)
            for port in self._named("Port", sorted(bridge.ports), Port):
                for name in sorted(port.interfaces):
                    found = self._rows["Interface"].get(name)
                    if bridge.dpid is not None and isinstance(found, Interface) and found.port is not None:
                        self._interface_at.setdefault(PortRef(bridge.dpid, found.port), name)
        self._port_of = {name: at for at, name in self._interface_at.items()}
        ends = before.keys() | self._interface_at.keys()
        return {at for at in ends if before.get(at) != self._interface_at.get(at)}

    def _is_ours(self, bridge: Bridge) -> bool:
        controllers = self._named("Controller", sorted(bridge.controllers), Controller)
        return any(each.listens_on == self._our_port for each in controllers)

    def _named(self, table: str, names: list[str], kind: type[R]) -> list[R]:
        rows = self._rows[table]
        return [found for name in names if isinstance(found := rows.get(name), kind)]


def _entries(value: object) -> list[tuple[str, object]]:
    if not isinstance(value, dict):
        raise Unbearable("an update that is none")
    return list(value.items())

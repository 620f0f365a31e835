"""What a switch does with LLDP, told at a glance.

LLDP comes by the ten thousand, and where a controller speaks it, the highest rule of the entry table matches
its Ethernet type alone and hands it to the controller. Then nothing else in a frame matters, and no lookup is
needed: each is a packet-in, for the reason and with the cookie that are told here. In all other cases nothing
is told, and a lookup decides.
"""

from __future__ import annotations

from controller.model.flow import EtherType, Output, ReservedPort, match
from simulator.switch.matches import encoded
from simulator.switch.tables import Tables
from simulator.switch.wire import Reason

_LLDP = encoded(match(eth_type=EtherType.LLDP))


class Glance:
    """Looks at the entry table of one switch, again only after a change of it."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._version = -1
        self._seen: tuple[int, int] | None = None

    def lldp(self) -> tuple[int, int] | None:
        """Reason and cookie of the packet-ins that LLDP becomes; None: that depends."""
        if self._version != self._tables.entry_version:
            self._version = self._tables.entry_version
            self._seen = self._look()
        return self._seen

    def _look(self) -> tuple[int, int] | None:
        rules = self._tables.rules.get(0)
        if not rules:
            return None
        highest = max(priority for priority, _ in rules)
        rule = rules.get((highest, _LLDP))
        if rule is None or sum(priority == highest for priority, _ in rules) > 1:
            return None
        done = rule.what
        only = done.actions[0] if len(done.actions) == 1 else None
        if not isinstance(only, Output) or only.port != ReservedPort.CONTROLLER:
            return None
        return None if done.goto is not None or done.meter is not None else (Reason.ACTION, rule.cookie)

"""The ports of a switch: what they say of themselves, whether they are alive, what they have counted."""

from __future__ import annotations

from controller.model.topology import DEFAULT_CAPACITY_BPS
from simulator.switch.wire import PORT_LOCAL, PORT_STRUCT

PORT_DOWN, LINK_DOWN, LIVE = 1, 1, 4
"""OFPPC_PORT_DOWN; OFPPS_LINK_DOWN and OFPPS_LIVE."""

_10_GBPS_FULL_DUPLEX, _COPPER = 1 << 6, 1 << 11


class Port:
    """One port. `carrier` is the cable's doing, `enabled` the controller's (PORT_MOD)."""

    __slots__ = (
        "capacity_bps",
        "carrier",
        "enabled",
        "mac",
        "name",
        "number",
        "rx_bytes",
        "rx_packets",
        "tx_bytes",
        "tx_dropped",
        "tx_packets",
    )

    def __init__(self, number: int, name: str, mac: int, capacity_bps: int = DEFAULT_CAPACITY_BPS) -> None:
        self.number, self.name, self.mac, self.capacity_bps = number, name, mac, capacity_bps
        self.carrier = self.enabled = True
        self.rx_packets = self.tx_packets = self.rx_bytes = self.tx_bytes = self.tx_dropped = 0

    @property
    def live(self) -> bool:
        return self.carrier and self.enabled

    def description(self) -> bytes:
        """The port as it is described to a controller (section 7.2.1)."""
        config = 0 if self.enabled else PORT_DOWN
        state = LIVE if self.live else LINK_DOWN if not self.carrier else 0
        kinds, kbps = _10_GBPS_FULL_DUPLEX | _COPPER, self.capacity_bps // 1000
        mac, name = self.mac.to_bytes(6), self.name.encode()[:15]
        return PORT_STRUCT.pack(self.number, mac, name, config, state, kinds, 0, 0, 0, kbps, 0)


def local_port(switch_name: str, mac: int) -> Port:
    """The port of the switch's own system, which every Open vSwitch describes too."""
    port = Port(PORT_LOCAL, switch_name, mac, 0)
    port.enabled = False
    return port

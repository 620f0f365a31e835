"""What discovery is told at its start: its key, its patience, its bounds.

Two times decide how quickly a fabric comes up. A port says its name at once when it comes alive, then again
after each of `hello_repeats_s` as long as nobody is known behind it, because the switch at the other end may
not listen yet. And it counts as an edge port, to which broadcasts may go, only after `settle_s`, because
until then it may turn out to be a link. Where a blueprint says what a port is for, neither is waited for.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.contract import Gateway
from controller.model.blueprint import Blueprint
from controller.model.errors import ModelError
from controller.model.identity import IpAddress, Mac

CONTROLLER_MAC = Mac(0x02_54_52_45_41_43)


@dataclass(frozen=True)
class DiscoverySettings:
    """Times are seconds. `key` signs the hellos: draw a new one at each start, or old nonces come true again.

    `link_grace_s`: for so long after a hello was heard at a port, frames from there are taken for a
    neighbour's, not a host's. `nonce_life_s`: a hello that comes later makes no link. `probe_tries`
    questions, `probe_interval_s` apart, make silence; a host adopted from rules of an earlier life is asked
    `adopt_tries` times, for a busy start must not cost it its place. Of questions that can wait
    `questions_per_s` are sent.
    """

    key: bytes = field(repr=False)
    blueprint: Blueprint | None = None
    gateway: Gateway = field(default_factory=Gateway)
    controller_mac: Mac = CONTROLLER_MAC

    lldp_interval_s: float = 5.0
    hello_repeats_s: tuple[float, ...] = (0.2, 0.3, 0.5, 1.0, 2.0)
    link_timeout_s: float = 16.0
    link_grace_s: float = 2.0
    nonce_life_s: float = 1.0
    settle_s: float = 0.6

    host_timeout_s: float = 300.0
    probe_interval_s: float = 0.25
    probe_tries: int = 3
    adopt_tries: int = 12
    questions_per_s: float = 2000.0
    refuse_for_s: float = 5.0

    max_hosts_per_port: int = 1024
    max_addresses_per_host: int = 64
    max_claims_per_port: int = 32

    def __post_init__(self) -> None:
        if len(self.key) < 16:
            raise ModelError("a key that signs has at least 16 bytes")
        if self.link_timeout_s <= self.lldp_interval_s:
            raise ModelError("a link must not age faster than it is confirmed")
        if self.probe_tries < 1 or self.adopt_tries < 1:
            raise ModelError("silence needs a question first")

    @property
    def own_macs(self) -> frozenset[Mac]:
        """The addresses that Treadle itself speaks with."""
        return frozenset((self.controller_mac, self.gateway.mac))

    @property
    def gateway_addresses(self) -> frozenset[IpAddress]:
        return frozenset(interface.ip for interface in self.gateway.interfaces)

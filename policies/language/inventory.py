"""Who there is: the names that documents may use, and the addresses that they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.model.identity import IpAddress

Addresses = tuple[IpAddress, ...]


@dataclass(frozen=True)
class Inventory:
    """Hosts by name, hosts by the port of a switch where they live (`s1:2`), and switches by name."""

    hosts: Mapping[str, Addresses] = field(default_factory=dict)
    ports: Mapping[str, Addresses] = field(default_factory=dict)
    switches: frozenset[str] = frozenset()

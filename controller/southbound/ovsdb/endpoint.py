"""Where databases listen, and what is borne from them."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from controller.model.errors import OperatorError
from controller.model.identity import IpAddress
from controller.southbound.settings import TlsSettings

_KINDS = "unix:PATH, tcp:ADDRESS:PORT or ssl:ADDRESS:PORT, with an IP address"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One database as Open vSwitch's tools name it: `unix:/var/run/openvswitch/db.sock`, `tcp:[::1]:6640`."""

    text: str

    def __post_init__(self) -> None:
        kind, _, rest = self.text.partition(":")
        if kind == "unix" and rest:
            return
        host, _, port = rest.rpartition(":")
        try:
            if kind not in ("tcp", "ssl") or not 0 < int(port) < 65536:
                raise ValueError
            ip_address(host.strip("[]"))
        except ValueError:
            raise OperatorError(f"'{self.text}' is no database", key="ovsdb", mend=f"give {_KINDS}") from None

    @property
    def is_secure(self) -> bool:
        return self.text.startswith("ssl:")

    @property
    def family(self) -> socket.AddressFamily:
        if self.text.startswith("unix:"):
            return socket.AF_UNIX
        return socket.AF_INET6 if "[" in self.text else socket.AF_INET

    @property
    def host(self) -> IpAddress | None:
        """The machine where it listens; None for this one."""
        if self.family == socket.AF_UNIX:
            return None
        found = ip_address(str(self.address[0]))
        return None if found.is_loopback else found

    @property
    def address(self) -> str | tuple[str, int]:
        """As `socket.connect` wants it."""
        rest = self.text.partition(":")[2]
        if self.family == socket.AF_UNIX:
            return rest
        host, _, port = rest.rpartition(":")
        return host.strip("[]"), int(port)


@dataclass(frozen=True, slots=True)
class OvsdbSettings:
    """Times are seconds. `our_port` is where we listen for switches: a bridge that is to find its controller
    on another port is not ours, though it may be in the same database and even have the same DPID.
    `interval_ms` 0: no port is to be watched, and what we once wrote is taken back; so for `sflow_target`,
    where switches send samples (`127.0.0.1:6343`), if it is empty.

    A cable is given `patience_s` for its sessions to come up, or is left alone for `rest_s`. A message of a
    database has at most `message_bytes`, and it holds at most `rows` of what we read: a thousand bridges.
    """

    endpoints: tuple[Endpoint, ...]
    our_port: int
    interval_ms: int = 0
    sflow_target: str = ""
    tls: TlsSettings | None = None
    patience_s: float = 6.0
    rest_s: float = 60.0
    connect_s: float = 5.0
    echo_after_s: float = 5.0
    dead_after_s: float = 15.0
    first_retry_s: float = 0.25
    longest_retry_s: float = 8.0
    message_bytes: int = 8 << 20
    unsent_bytes: int = 1 << 20
    rows: int = 100_000

    def __post_init__(self) -> None:
        if self.tls is None and any(each.is_secure for each in self.endpoints):
            problem = "a database behind ssl: needs tls_key, tls_cert and tls_ca"
            raise OperatorError(problem, key="ovsdb", mend="give all three")


def endpoints(texts: tuple[str, ...]) -> tuple[Endpoint, ...]:
    """The databases, each once. Raises `OperatorError` for what names none."""
    return tuple(Endpoint(text) for text in dict.fromkeys(texts))


def unix(path: Path) -> Endpoint:
    """The database that listens at this path."""
    return Endpoint(f"unix:{path}")

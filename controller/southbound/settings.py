"""How the real southbound listens, and how patient it is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from controller.model.errors import OperatorError
from controller.model.identity import Dpid


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """Files in PEM form: our key and certificate, and the authority that signed those of the switches."""

    key: Path
    certificate: Path
    authority: Path


@dataclass(frozen=True, slots=True)
class SouthboundSettings:
    """Times are in seconds, sizes in bytes.

    A switch that has been silent for `echo_interval_s` is asked for an echo; one that has been silent for
    `dead_after_s` is dead. `allowed` names the switches that may connect (None: any).

    No more than `in_flight_bytes` are sent that a switch is not known to have read; beyond that its commands
    wait, at most `queued_commands` of them. When none of what waits has moved for `stalled_s`, or our own
    answers to a switch that does not read come to `unsent_bytes`, it is given up.

    Of what a switch says no more than about `unheard_bytes` wait for the loop; beyond that it is not listened
    to until the loop has caught up.

    A switch is asked for the sizes of its tables when it has no more than `asked_tables`. It has no more than
    `ports` ports, which is what Open vSwitch can have, and an answer of it no more than `answer_entries` and
    `answer_bytes`: whoever claims more makes things up.
    """

    address: str = "127.0.0.1"
    port: int = 6653
    tls: TlsSettings | None = None
    allowed: frozenset[Dpid] | None = None
    echo_interval_s: float = 2.0
    dead_after_s: float = 6.0
    handshake_s: float = 10.0
    answer_s: float = 10.0
    probe_s: float = 1.0
    stalled_s: float = 10.0
    in_flight_bytes: int = 256 * 1024
    queued_commands: int = 1_000_000
    unsent_bytes: int = 1024 * 1024
    unheard_bytes: int = 256 * 1024
    asked_tables: int = 64
    ports: int = 65_536
    answer_entries: int = 1_000_000
    answer_bytes: int = 256 * 1024 * 1024
    sessions: int = 4096

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 0xFFFF:
            raise OperatorError(f"port {self.port} does not exist", mend="choose one from 1 to 65535")
        if not 0 < self.echo_interval_s < self.dead_after_s:
            raise OperatorError(
                f"an echo each {self.echo_interval_s} s cannot prove life within {self.dead_after_s} s",
                mend="make dead_after_s longer than echo_interval_s",
            )

"""Settings: what an operator may choose, from a file, the environment and flags.

Later sources win:

    built-in default  <  settings file (YAML)  <  environment (TREADLE_LISTEN)  <  flags (--listen, --set)

There is one flat list of keys; `Settings` below is that list, with types and defaults. A key that does
not exist, or a value of the wrong type, is an `OperatorError` that names the source, the line, the key,
and the nearest key that does exist."""

from __future__ import annotations

import difflib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from pathlib import Path
from typing import Any

import yaml

from controller.contract import Gateway
from controller.documents.yaml_tree import Entry, read_yaml
from controller.health.damping import Damping
from controller.model.errors import ModelError, OperatorError
from controller.model.identity import Mac, parse_mac
from controller.runtime.limits_text import limits_from

ENVIRONMENT_PREFIX = "TREADLE_"


def default_socket() -> str:
    """Where the running controller listens for the command line: one place per user."""
    root = (
        Path("/run/treadle") if os.geteuid() == 0 and Path("/run").is_dir() else Path(tempfile.gettempdir())
    )
    return str(root / f"treadle-{os.geteuid()}.sock")


def default_maintenance_file(socket: str) -> str:
    """Where what is drained is kept: beside a socket that was named, as two controllers of one machine have
    nothing in common; else where this user's state is."""
    if socket:
        return str(Path(socket).with_suffix(".maintenance.yaml"))
    if os.geteuid() == 0:
        return "/var/lib/treadle/maintenance.yaml"
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return str(Path(state) / "treadle" / "maintenance.yaml")


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting with its default. Times are seconds, rates packets a second, sizes bytes."""

    listen: str = "127.0.0.1:6653"
    socket: str = ""
    maintenance_file: str = ""
    policy_dir: str = ""
    journal: str = ""
    journal_segment_bytes: int = 16 << 20
    journal_segments: int = 64
    blueprint: str = ""
    framework: str = "os_ken"
    hub: str = ""
    log_level: str = "info"
    tls_key: str = ""
    tls_cert: str = ""
    tls_ca: str = ""
    allow: tuple[str, ...] = ()
    echo_interval_s: float = 2.0
    dead_after_s: float = 6.0
    lldp_interval_s: float = 5.0
    link_timeout_s: float = 16.0
    settle_s: float = 0.6
    max_settle_s: float = 10.0
    host_timeout_s: float = 300.0
    barrier_timeout_s: float = 5.0
    counters_interval_s: float = 5.0
    audit_interval_s: float = 60.0
    step_pause_s: float = 0.02
    damping_half_life_s: float = 15.0
    damping_suppress_above: int = 2000
    damping_reuse_below: int = 750
    damping_longest_s: float = 60.0
    punt_pps: int = 1000
    broadcast_pps: int = 100
    protection: bool = True
    limits: tuple[str, ...] = ()
    ovsdb: tuple[str, ...] = ()
    bfd_interval_ms: int = 0
    sflow: str = ""
    scheduler: str = "ours"
    elephant_share: float = 0.1
    elephant_age_s: float = 0.0
    pin_idle_s: float = 5.0
    verified_switches: int = 100
    gateway_mac: Mac = Gateway().mac
    gateways: tuple[IPv4Interface | IPv6Interface, ...] = ()

    @property
    def listen_address(self) -> tuple[str, int]:
        """Host and port of `listen`; IPv6 in brackets."""
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def sflow_address(self) -> tuple[str, int] | None:
        """Host and port of `sflow`; None where nothing is to be sampled."""
        if not self.sflow:
            return None
        host, _, port = self.sflow.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def gateway(self) -> Gateway:
        return Gateway(self.gateway_mac, self.gateways)

    @property
    def socket_path(self) -> str:
        return self.socket or default_socket()

    @property
    def maintenance_path(self) -> str:
        return self.maintenance_file or default_maintenance_file(self.socket)

    @property
    def policy_path(self) -> str:
        """The folder in which policies are kept: beside what is drained."""
        return self.policy_dir or str(Path(self.maintenance_path).with_suffix("")) + ".policies"

    @property
    def damping(self) -> Damping:
        """Raises `ModelError` where the thresholds do not go together."""
        return Damping(
            self.damping_half_life_s,
            self.damping_suppress_above,
            self.damping_reuse_below,
            self.damping_longest_s,
        )


def plain(settings: Settings) -> dict[str, Any]:
    """The settings as JSON would have them; `restored` reads them back."""
    return {key: _plain_value(value) for key, value in asdict(settings).items()}


def restored(values: Mapping[str, Any]) -> Settings:
    """The settings that `plain` made this of. Raises `OperatorError` for anything else."""
    settings = Settings()
    for key, value in values.items():
        settings = _set(settings, key, value, _Place("journal"))
    return settings


def _plain_value(value: Any) -> Any:
    return value if isinstance(value, bool | int | float | str) else [str(item) for item in value]


def load(
    file: str | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Sequence[tuple[str, str]] = (),
) -> Settings:
    """The settings from all sources; `flags` are (key, text) pairs.

    Raises `OperatorError` for what cannot be understood.
    """
    settings = Settings()
    if file:
        settings = _from_file(settings, Path(file))
    for name, text in sorted((environment or {}).items()):
        key = name.removeprefix(ENVIRONMENT_PREFIX).lower()
        if name.startswith(ENVIRONMENT_PREFIX) and key in _KEYS:
            settings = _set(settings, key, _from_text(text), _Place(f"environment variable {name}"))
    for key, text in flags:
        settings = _set(settings, key, _from_text(text), _Place("command line"))
    return _check(settings)


@dataclass(frozen=True, slots=True)
class _Place:
    source: str
    line: int | None = None


_KEYS = tuple(entry.name for entry in fields(Settings))


def _from_file(settings: Settings, path: Path) -> Settings:
    for key, entry in read_yaml(path).named():
        place = _Place(entry.file, entry.line)
        settings = _set(settings, key, _plain(entry), place)
    return settings


def _plain(entry: Entry) -> Any:
    """A value, or a list of values: settings hold nothing deeper."""
    if entry.is_listed():
        return [item.text() for item in entry.listed()]
    return _from_text(entry.text())


def _from_text(text: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, bool | int | float | list) else text


def _set(settings: Settings, key: str, value: Any, place: _Place) -> Settings:
    name = key.replace("-", "_")
    if name not in _KEYS:
        near = difflib.get_close_matches(name, _KEYS, n=1)
        mend = f"did you mean '{near[0]}'?" if near else "see 'treadle run --help'"
        raise OperatorError("is not a setting", file=place.source, line=place.line, key=key, mend=mend)
    try:
        return replace(settings, **{name: _convert(name, value)})
    except (ValueError, ModelError) as error:
        raise OperatorError(str(error), file=place.source, line=place.line, key=key) from None


def _convert(name: str, value: Any) -> Any:
    special = _CONVERT.get(name)
    if special:
        return special(value)
    default = getattr(Settings(), name)
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise ValueError(f"needs true or false, not {value!r}")
        return value
    if isinstance(default, int):
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(f"needs a whole number, not {value!r}")
        return value
    if isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"needs a number of seconds, not {value!r}")
        return float(value)
    if not isinstance(value, str):
        raise ValueError(f"needs text, not {value!r}")
    return value


def _items(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    return [part.strip() for part in str(value).split(",") if part.strip()]


def _gateways(value: Any) -> tuple[IPv4Interface | IPv6Interface, ...]:
    return tuple(ip_interface(item) for item in _items(value))


def _mac(value: Any) -> Mac:
    if isinstance(value, int):
        return Mac(value)
    return parse_mac(str(value))


def _limits(value: Any) -> tuple[str, ...]:
    limits_from(_items(value))
    return tuple(_items(value))


def _dpids(value: Any) -> tuple[str, ...]:
    for item in _items(value):
        int(item, 16)
    return tuple(_items(value))


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "gateways": _gateways,
    "gateway_mac": _mac,
    "allow": _dpids,
    "limits": _limits,
    "ovsdb": lambda value: tuple(_items(value)),
    "blueprint": str,
}
_CHOICES = {
    "framework": ("os_ken", "ryu"),
    "hub": ("", "native", "eventlet"),
    "log_level": ("debug", "info", "warning", "error"),
    "scheduler": ("ours", "ecmp", "gff", "sa"),
}


def _check(settings: Settings) -> Settings:
    """What no single value can tell: choices, ranges, and what goes together."""
    for key, choices in _CHOICES.items():
        value = getattr(settings, key)
        if value not in choices:
            raise OperatorError(f"'{value}' is none of {', '.join(filter(None, choices))}", key=key)
    for entry in fields(Settings):
        value = getattr(settings, entry.name)
        if isinstance(value, int | float) and value < 0:
            raise OperatorError(f"{value} is negative", key=entry.name)
    for key in ("echo_interval_s", "lldp_interval_s", "punt_pps", "broadcast_pps"):
        if not getattr(settings, key):
            raise OperatorError("must be more than zero", key=key)
    _check_address(settings.listen, "listen", "127.0.0.1:6653")
    _check_bfd(settings)
    _check_sflow(settings)
    if settings.dead_after_s <= settings.echo_interval_s:
        raise OperatorError("must be longer than echo_interval_s", key="dead_after_s")
    try:
        _ = settings.damping
    except ModelError as error:
        raise OperatorError(str(error), key="damping_reuse_below") from None
    given = [bool(settings.tls_key), bool(settings.tls_cert), bool(settings.tls_ca)]
    if any(given) and not all(given):
        raise OperatorError(
            "tls_key, tls_cert and tls_ca go together", key="tls_key", mend="give all three or none"
        )
    return settings


def _check_address(text: str, key: str, example: str) -> None:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise OperatorError(f"'{text}' is not HOST:PORT", key=key, mend=f"for instance {example}")


def _check_sflow(settings: Settings) -> None:
    """Sampling is set up through databases, like BFD."""
    if not 0 < settings.elephant_share <= 1:
        raise OperatorError(f"{settings.elephant_share:g} is not above 0 and at most 1", key="elephant_share")
    if not settings.sflow:
        return
    _check_address(settings.sflow, "sflow", "127.0.0.1:6343")
    if not settings.ovsdb:
        mend = "name one in ovsdb, for instance unix:/var/run/openvswitch/db.sock"
        raise OperatorError("needs a database to set sampling up in", key="sflow", mend=mend)


def _check_bfd(settings: Settings) -> None:
    """BFD is set up through databases: its interval needs one, and must be one that switches can keep."""
    if not settings.bfd_interval_ms:
        return
    if not 10 <= settings.bfd_interval_ms <= 1000:
        raise OperatorError(f"{settings.bfd_interval_ms} is not from 10 to 1000", key="bfd_interval_ms")
    if not settings.ovsdb:
        raise OperatorError(
            "needs a database to set BFD up in",
            key="bfd_interval_ms",
            mend="name one in ovsdb, for instance unix:/var/run/openvswitch/db.sock",
        )

"""Wiring: who is given what. The only module that knows every room; it decides nothing else.

settings --> engine (apps, discovery, compiler, planner)      pure, also for a replay
         --> southbound, journal, northbound                  the two ends
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.admission.app import Admission
from apps.broadcast.app import Broadcast
from apps.congestion.app import Congestion
from apps.neighbours.app import Neighbours
from apps.policy.app import Policing
from apps.routing.app import Routing
from apps.sampling.app import Sampling
from apps.verification.inspector import Verification
from apps.watching.app import Watching
from apps.wiring.app import Wiring
from controller.contract import App, FabricSettings
from controller.discovery.settings import DiscoverySettings
from controller.documents.blueprints import load_blueprint
from controller.model.blueprint import Blueprint
from controller.model.identity import Dpid
from controller.runtime.engine import Engine, Setup
from controller.runtime.limits_text import limits_from
from controller.runtime.readiness import Patience
from controller.runtime.settings import Settings, plain
from controller.southbound.ovsdb.endpoint import OvsdbSettings, endpoints
from controller.southbound.settings import SouthboundSettings, TlsSettings

_EPOCH_2020_MIN = 1_577_836_800 // 60


@dataclass(frozen=True)
class Life:
    """What differs between two starts with the same settings: when, and the key that signs LLDP."""

    started_min: int
    key: bytes

    def header(self) -> dict[str, Any]:
        return {"life": self.started_min, "key": self.key.hex()}


def new_life() -> Life:
    """A life that begins now, with a key of its own: nonces of an earlier life are worth nothing."""
    return Life(int(time.time()) // 60 - _EPOCH_2020_MIN, os.urandom(32))


def recorded_life(header: Mapping[str, Any]) -> Life:
    """The life that a journal's header speaks of."""
    return Life(int(header["life"]), bytes.fromhex(header["key"]))


def apps() -> tuple[App, ...]:
    """Every app, in the order in which they are asked."""
    first = Admission(), Policing(), Routing(), Neighbours(), Broadcast(), Wiring(), Watching()
    return (*first, Sampling(), Congestion())


def blueprint_of(settings: Settings) -> Blueprint | None:
    return load_blueprint(settings.blueprint) if settings.blueprint else None


def engine_for(
    settings: Settings, life: Life, blueprint: Blueprint | None, more_apps: tuple[App, ...] = ()
) -> Engine:
    """The engine that these settings describe; `more_apps` are asked after our own."""
    return Engine(
        Setup(
            discovery=_discovery(settings, life, blueprint),
            apps=(*apps(), *more_apps),
            fabric=_fabric(settings),
            blueprint=blueprint,
            life=life.started_min,
            patience=Patience(settings.settle_s, settings.max_settle_s),
            barrier_timeout_s=settings.barrier_timeout_s,
            counters_interval_s=settings.counters_interval_s,
            audit_interval_s=settings.audit_interval_s,
            limits=limits_from(settings.limits),
            step_pause_s=settings.step_pause_s,
            damping=settings.damping,
            inspector=Verification(),
        )
    )


def southbound_settings(settings: Settings) -> SouthboundSettings:
    host, port = settings.listen_address
    return SouthboundSettings(
        address=host,
        port=port,
        tls=_tls(settings),
        allowed=frozenset(Dpid(int(text, 16)) for text in settings.allow) or None,
        echo_interval_s=settings.echo_interval_s,
        dead_after_s=settings.dead_after_s,
    )


def ovsdb_settings(settings: Settings, sflow_target: str = "") -> OvsdbSettings:
    """`sflow_target` is where switches are to send samples. Raises `OperatorError` for a database that cannot
    be.
    """
    _, port = settings.listen_address
    databases = endpoints(settings.ovsdb)
    return OvsdbSettings(databases, port, settings.bfd_interval_ms, sflow_target, _tls(settings))


def _tls(settings: Settings) -> TlsSettings | None:
    if not settings.tls_key:
        return None
    return TlsSettings(Path(settings.tls_key), Path(settings.tls_cert), Path(settings.tls_ca))


def header_of(settings: Settings, life: Life) -> dict[str, Any]:
    """The first line of a journal: all that a replay needs to make the same engine."""
    return {**life.header(), "settings": plain(settings)}


def _fabric(settings: Settings) -> FabricSettings:
    return FabricSettings(
        gateway=settings.gateway,
        punt_pps=settings.punt_pps,
        broadcast_pps=settings.broadcast_pps,
        protection=settings.protection,
        bfd_interval_ms=settings.bfd_interval_ms,
        sampling=bool(settings.sflow),
        scheduler=settings.scheduler,
        elephant_share=settings.elephant_share,
        elephant_age_s=settings.elephant_age_s,
        pin_idle_s=settings.pin_idle_s,
        verified_switches=settings.verified_switches,
    )


def _discovery(settings: Settings, life: Life, blueprint: Blueprint | None) -> DiscoverySettings:
    return DiscoverySettings(
        key=life.key,
        lldp_interval_s=settings.lldp_interval_s,
        link_timeout_s=settings.link_timeout_s,
        settle_s=settings.settle_s,
        host_timeout_s=settings.host_timeout_s,
        gateway=settings.gateway,
        blueprint=blueprint,
    )

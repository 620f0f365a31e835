"""`treadle run`: the controller, until it is told to stop.

It stops on SIGINT and SIGTERM, leaves the switches' rules as they are (fail static), and removes its
control socket."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from controller.runtime.settings import Settings, load

if TYPE_CHECKING:
    from controller.runtime.journal import Journal
    from controller.southbound.interface import Southbound

log = logging.getLogger("treadle")

_COLLECT_AFTER = (200_000, 20, 50)
"""When the interpreter looks for circles among its objects. Ours are values, which have none: looking through
all that is known of a large fabric takes seconds, and finds nothing."""

_SWITCH_INTERVAL_S = 0.0005
"""How long a thread that computes may keep others waiting: a dead port waits for no journal line."""


def settings_from(args: argparse.Namespace) -> Settings:
    """The settings that a command line asks for. Raises `OperatorError`."""
    named = ("listen", "blueprint", "socket", "journal", "framework", "hub", "log_level")
    flags = [(key, value) for key in named if (value := getattr(args, key, None)) is not None]
    return load(args.settings, os.environ, [*_pairs(args.set or []), *flags])


def _pairs(texts: list[str]) -> list[tuple[str, str]]:
    return [(key.strip(), value.strip()) for key, _, value in (text.partition("=") for text in texts)]


def run(args: argparse.Namespace) -> int:
    """Run until a signal comes; exit status 0. Raises `OperatorError` for what cannot start."""
    settings = settings_from(args)
    logging.basicConfig(
        level=settings.log_level.upper(),
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    from controller.southbound.framework import prepare

    framework, hub = prepare(settings.framework, settings.hub or None)
    log.info("OpenFlow messages by %s on the %s hub", framework, hub)
    return _serve(settings, framework)


def _serve(settings: Settings, framework: str) -> int:
    """Put the rooms together and let them work; imported late, because the hub must be chosen first."""
    from controller.northbound.server import Server
    from controller.runtime.drainfile import DrainFile
    from controller.runtime.feed import Feed
    from controller.runtime.loop import Loop
    from controller.runtime.observation import Observation
    from controller.runtime.policybook import PolicyBook
    from controller.southbound.openflow import OpenFlowSouthbound
    from treadle.wiring import blueprint_of, engine_for, header_of, new_life, southbound_settings

    began_s = time.monotonic()
    life, blueprint, feed = new_life(), blueprint_of(settings), Feed()
    engine = engine_for(settings, life, blueprint)
    southbound: Southbound = OpenFlowSouthbound(
        southbound_settings(settings),
        on_port_down=lambda dpid, port: loop.fast_lane(dpid, port),
        framework=framework,
    )
    if settings.ovsdb:
        southbound = _with_ovsdb(southbound, settings)
    journal = _journal(settings, {**header_of(settings, life), "monotonic_s": began_s})
    drains = DrainFile(Path(settings.maintenance_path), southbound.events.put)
    policies = PolicyBook(Path(settings.policy_path), southbound.events.put)
    seen = engine, southbound, feed, journal, blueprint, settings, began_s, drains, policies
    observation = Observation(*seen)
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    gc.set_threshold(*_COLLECT_AFTER)
    loop = Loop(engine, southbound, feed, journal, observation.refresh, began_s)
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: loop.stop())
    server = Server(Path(settings.socket_path), observation)
    server.start()
    drains.begin()
    policies.begin()
    try:
        southbound.start()
        log.info("listening for switches on %s", settings.listen)
        loop.run()
    finally:
        southbound.stop()
        server.stop()
        if journal:
            journal.close()
    log.info("stopped; the switches keep their rules")
    return 0


def _with_ovsdb(southbound: Southbound, settings: Settings) -> Southbound:
    from controller.southbound.ovsdb.beside import WithOvsdb
    from controller.southbound.ovsdb.client import OvsdbClient
    from controller.southbound.sflow.collector import Collector
    from treadle.wiring import ovsdb_settings

    collector, target = None, ""
    if settings.sflow_address is not None:
        collector = Collector(settings.sflow_address, lambda: client.interfaces, southbound.events)
        target = collector.target
    client = OvsdbClient(ovsdb_settings(settings, target), southbound.events)
    return WithOvsdb(southbound, client, collector)


def _journal(settings: Settings, header: dict[str, object]) -> Journal | None:
    if not settings.journal:
        return None
    from controller.runtime.journal import Journal

    return Journal(
        Path(settings.journal),
        header,
        segment_bytes=settings.journal_segment_bytes,
        segments=settings.journal_segments,
    )

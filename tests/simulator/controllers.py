"""The real controller in a thread: engine, southbound and loop, wired as `treadle run` wires them."""

from __future__ import annotations

import threading
import time
from types import TracebackType

from controller.documents.blueprints import load_blueprint
from controller.model.blueprint import Blueprint
from controller.runtime.feed import Feed
from controller.runtime.loop import Loop
from controller.runtime.settings import Settings
from controller.southbound.openflow import OpenFlowSouthbound
from treadle.wiring import engine_for, new_life, southbound_settings

_PATIENCE_S = 20.0


class RunningController:
    """Runs until the `with` ends; `port` is where switches find it."""

    def __init__(self, fabric: str, *, told: bool = True, **settings: float) -> None:
        wanted = Settings(listen="127.0.0.1:0", **settings)  # type: ignore[arg-type]
        blueprint: Blueprint | None = load_blueprint(fabric) if told else None
        self.engine = engine_for(wanted, new_life(), blueprint)
        self.southbound = OpenFlowSouthbound(
            southbound_settings(wanted), on_port_down=lambda dpid, port: self.loop.fast_lane(dpid, port)
        )
        self.loop = Loop(self.engine, self.southbound, Feed(), None, lambda now_s: None, time.monotonic())
        self._thread = threading.Thread(target=self.loop.run, name="loop", daemon=True)

    @property
    def port(self) -> int:
        return self.southbound.port

    def __enter__(self) -> RunningController:
        self.southbound.start()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.stop()
        self._thread.join(_PATIENCE_S)
        self.southbound.stop()
        assert not self._thread.is_alive()

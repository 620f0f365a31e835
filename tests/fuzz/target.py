"""One fuzzer in one process: `python -m tests.fuzz.target NAME [libFuzzer's options and corpora]`.

    session-os_ken, session-ryu    a session of the controller's, and what a switch may say to it
    switch                         a switch of the farm, and what a controller may say to it

Given a file instead of a corpus, it is run once: that is how a finding is looked at again. The code that is
looked into is imported under the fuzzer's instruments, the framework's parser included, so that it sees which
inputs lead somewhere new. Who judges are receiving.py and orders.py, the same as in the property tests.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import atheris

_LOOKED_INTO = ["controller.southbound", "controller.model", "simulator", "os_ken.ofproto", "ryu.ofproto"]

with atheris.instrument_imports(include=_LOOKED_INTO):
    from controller.southbound.framework import load
    from tests.fuzz import inputs
    from tests.simulator.orders import obey
    from tests.southbound.receiving import at, hear


def _session(framework: str) -> Callable[[bytes], None]:
    with atheris.instrument_imports(include=_LOOKED_INTO):
        used = load(framework)

    def hear_one(data: bytes) -> None:
        if len(data) < inputs.HEAD_BYTES:
            return
        stage, stream = inputs.stage_of(data), data[inputs.HEAD_BYTES :]
        heard = hear(at(used, stage), inputs.pieces_of(data))
        if data[1]:
            assert heard.placeless == hear(at(used, stage), [stream]).placeless

    return hear_one


def _obey_one(data: bytes) -> None:
    if len(data) < inputs.HEAD_BYTES:
        return
    obeyed = obey(inputs.pieces_of(data))
    if data[1]:
        assert obeyed == obey([data[inputs.HEAD_BYTES :]])


def _flip(data: bytes, most_bytes: int) -> bytes:
    return atheris.Mutate(data, most_bytes)  # looked up at each call: `Fuzz` puts another in its place


def main(name: str, options: list[str]) -> None:
    """Fuzz for as long as libFuzzer's options say. The seeds are laid into the corpus, which comes last."""
    seeds = inputs.controller_seeds() if name == "switch" else inputs.switch_seeds()
    try_one = _obey_one if name == "switch" else _session(name.removeprefix("session-"))
    if options and Path(options[-1]).is_dir():
        for number, seed in enumerate(seeds):
            (Path(options[-1]) / f"seed-{number:04}").write_bytes(seed)
    atheris.Setup([name, *options], try_one, custom_mutator=inputs.mutator(seeds, _flip))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

"""One fuzzer in one process: `python -m tests.fuzz.target NAME [libFuzzer's options and corpora]`.

    session-os_ken, session-ryu    a session of the controller's, and what a switch may say to it
    ovsdb                          the client of a database, and what a database may say to it
    switch                         a switch of the farm, and what a controller may say to it
    stranger                       a whole controller, and what a mere host may say at a port of its fabric

Given a file instead of a corpus, it is run once: that is how a finding is looked at again. The code that is
looked into is imported under the fuzzer's instruments, the framework's parser included, so that it sees which
inputs lead somewhere new. Who judges are receiving.py, orders.py and strangers.py, the same
as in the property tests.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import atheris

_LOOKED_INTO = [
    "controller.southbound",
    "controller.discovery",
    "controller.model",
    "apps",
    "simulator",
    "os_ken.ofproto",
    "ryu.ofproto",
]

with atheris.instrument_imports(include=_LOOKED_INTO):
    from controller.southbound.framework import load
    from tests.fuzz import inputs
    from tests.runtime.strangers import meet
    from tests.simulator.orders import obey
    from tests.southbound.ovsdb import hearing
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


def _meet_one(data: bytes) -> None:
    if len(data) >= inputs.HEAD_BYTES:
        meet(inputs.frames_of(data), told=bool(data[0] & 1), table=data[1])


def _listen_one(data: bytes) -> None:
    if len(data) >= inputs.HEAD_BYTES:
        hearing.hear(inputs.pieces_of(data))


def _flip(data: bytes, most_bytes: int) -> bytes:
    return atheris.Mutate(data, most_bytes)  # looked up at each call: `Fuzz` puts another in its place


def _fuzzer(name: str) -> tuple[list[bytes], Callable[[bytes], None], inputs.Mutate]:
    """What it begins with, what is done with an input, and how another is made of it."""
    if name == "stranger":
        return inputs.stranger_seeds(), _meet_one, lambda data, most_bytes, seed: _flip(data, most_bytes)
    if name == "ovsdb":
        return inputs.database_seeds(), _listen_one, lambda data, most_bytes, seed: _flip(data, most_bytes)
    if name == "switch":
        seeds = inputs.controller_seeds()
        return seeds, _obey_one, inputs.mutator(seeds, _flip)
    seeds = inputs.switch_seeds()
    return seeds, _session(name.removeprefix("session-")), inputs.mutator(seeds, _flip)


def main(name: str, options: list[str]) -> None:
    """Fuzz for as long as libFuzzer's options say. The seeds are laid into the corpus, which comes last."""
    seeds, try_one, mutate = _fuzzer(name)
    if options and Path(options[-1]).is_dir():
        for number, seed in enumerate(seeds):
            (Path(options[-1]) / f"seed-{number:04}").write_bytes(seed)
    atheris.Setup([name, *options], try_one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

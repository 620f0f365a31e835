"""The server on a real socket: who is answered, who is refused, and that nobody can hold it up."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.model.errors import OperatorError
from controller.northbound import server as serving
from controller.northbound.client import ask, follow
from controller.northbound.server import MOST_REQUEST_BYTES, Server
from tests.northbound.surfaces import Shown, running

SHOWN = running()


@pytest.fixture
def surface() -> Shown:
    return Shown(SHOWN)


@pytest.fixture
def path(tmp_path: Path, surface: Shown) -> Iterator[Path]:
    place = tmp_path / "room" / "treadle.sock"
    server = Server(place, surface)
    server.start()
    yield place
    server.stop()


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(20)
    connection.connect(str(path))
    return connection


def _soon(holds: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + 20
    while time.monotonic() < deadline_s:
        if holds():
            return True
        time.sleep(0.02)
    return False


def _exchange(path: Path, content: bytes) -> list[Any]:
    """All that is answered to these bytes and a goodbye."""
    with _connected(path) as connection:
        connection.sendall(content)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as lines:
            return [json.loads(line) for line in lines]


def test_a_question_is_answered(path: Path) -> None:
    assert ask(path, {"do": "status"})["switches"] == 20


def test_the_latest_snapshot_is_what_is_answered(path: Path, surface: Shown) -> None:
    surface.set(running_s=99.0)
    assert ask(path, {"do": "status"})["running_s"] == 99.0


def test_one_connection_may_ask_again_and_lines_may_come_in_pieces(path: Path) -> None:
    with _connected(path) as connection, connection.makefile("rb") as lines:
        for _ in range(3):
            for piece in (b'{"do"', b': "hos', b'ts"}\n'):
                connection.sendall(piece)
            assert len(json.loads(lines.readline())["ok"]["hosts"]) == 16


@pytest.mark.parametrize("line", [b"hello", b"{", b"\xff\xfe", b"[" * 60_000, b'"x"', b"null"])
def test_nonsense_is_answered_with_an_error_and_costs_nobody_else(path: Path, line: bytes) -> None:
    replies = _exchange(path, line + b"\n" + b'{"do":"hosts"}\n')
    assert ["error" in reply for reply in replies] == [True, False]


def test_a_request_without_end_is_refused_and_ended(path: Path) -> None:
    with _connected(path) as connection:
        connection.sendall(b"x" * (MOST_REQUEST_BYTES + 1))
        with connection.makefile("rb") as lines:
            assert str(MOST_REQUEST_BYTES) in json.loads(lines.readline())["error"]
            assert lines.readline() == b""


def test_only_the_owner_may_ask(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_stopping_takes_the_socket_away_and_hangs_up_on_everybody(tmp_path: Path, surface: Shown) -> None:
    place = tmp_path / "treadle.sock"
    server = Server(place, surface)
    server.start()
    with _connected(place) as silent:
        assert ask(place, {"do": "hosts"})
        server.stop()
        assert not place.exists()
        assert silent.recv(1) == b""
    with pytest.raises(OperatorError, match=r"no controller is running.*treadle run"):
        ask(place, {"do": "hosts"})


def test_a_second_controller_at_the_same_place_is_refused_and_the_first_goes_on(
    path: Path, surface: Shown
) -> None:
    with pytest.raises(OperatorError, match="another controller listens there"):
        Server(path, surface).start()
    assert ask(path, {"do": "status"})["switches"] == 20


def test_the_socket_of_a_controller_that_was_killed_is_replaced(tmp_path: Path, surface: Shown) -> None:
    place = tmp_path / "treadle.sock"
    code = "import os, socket, sys; s = socket.socket(1); s.bind(sys.argv[1]); s.listen(); os._exit(9)"
    subprocess.run([sys.executable, "-c", code, str(place)], check=False)
    assert place.exists()
    with pytest.raises(OperatorError, match="no controller is running"):
        ask(place, {"do": "status"})
    server = Server(place, surface)
    server.start()
    assert ask(place, {"do": "status"})["switches"] == 20
    server.stop()


def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path, surface: Shown) -> None:
    place = tmp_path / "precious"
    place.write_text("data")
    with pytest.raises(OperatorError, match="not a socket"):
        Server(place, surface).start()
    assert place.read_text() == "data"


def test_a_path_that_is_too_long_or_cannot_be_made_is_told(tmp_path: Path, surface: Shown) -> None:
    with pytest.raises(OperatorError, match="bytes"):
        Server(tmp_path / ("x" * 120), surface).start()
    (tmp_path / "file").touch()
    with pytest.raises(OperatorError, match="--socket"):
        Server(tmp_path / "file" / "treadle.sock", surface).start()


def test_who_hangs_up_in_the_middle_costs_nothing(path: Path) -> None:
    for content in (b"", b'{"do":', b'{"do":"topology"}\n'):
        with _connected(path) as connection:
            connection.sendall(content)
    assert ask(path, {"do": "hosts"})


def test_too_many_at_once_are_turned_away_and_let_in_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "MOST_CLIENTS", 2)
    first, second = _connected(path), _connected(path)
    with first, second:
        for connection in (first, second):
            connection.sendall(b'{"do":"status"}\n')
            assert connection.recv(1)
        with pytest.raises(OperatorError, match="too many"):
            ask(path, {"do": "hosts"})
    assert _soon(lambda: _is_let_in(path))


def _is_let_in(path: Path) -> bool:
    try:
        return bool(ask(path, {"do": "hosts"}))
    except OperatorError:
        return False


def test_changes_reach_everybody_who_follows_in_order(path: Path, surface: Shown) -> None:
    heard: list[list[int]] = [[], []]

    def listen(number: int) -> None:
        for change in follow(path):
            heard[number].append(change["n"])
            if len(heard[number]) == 50:
                return

    threads = [threading.Thread(target=listen, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    assert _soon(lambda: len(surface.feed._subscriptions) == 3)
    for number in range(50):
        surface.feed.publish([{"t": 0.0, "kind": "test", "subject": "x", "n": number}])
    for thread in threads:
        thread.join(20)
    assert heard == [list(range(50))] * 2
    assert _soon(lambda: len(surface.feed._subscriptions) == 1)


def test_who_comes_late_can_ask_for_the_latest_changes(path: Path, surface: Shown) -> None:
    surface.feed.publish([{"t": 1.0, "kind": "link-down", "subject": "x"}])
    request = {"do": "events", "follow": False}
    assert _soon(lambda: bool(ask(path, request)["events"]))
    assert ask(path, request)["events"] == [{"t": 1.0, "kind": "link-down", "subject": "x"}]


def test_following_ends_when_the_controller_stops(tmp_path: Path, surface: Shown) -> None:
    place = tmp_path / "treadle.sock"
    server = Server(place, surface)
    server.start()
    changes = follow(place)
    surface.feed.publish([{"t": 0.0}])
    ended = threading.Event()

    def listen() -> None:
        list(changes)
        ended.set()

    thread = threading.Thread(target=listen)
    thread.start()
    assert _soon(lambda: len(surface.feed._subscriptions) == 2)
    server.stop()
    assert ended.wait(20)
    thread.join()


def test_somebody_who_is_not_allowed_is_told_so(path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    code = """if True:
        import os, sys
        from pathlib import Path
        from controller.northbound.client import ask
        os.setgroups([]), os.setgid(65534), os.setuid(65534)
        try: ask(Path(sys.argv[1]), {'do': 'hosts'})
        except Exception as error: print(type(error).__name__, error)
    """
    told = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert told.startswith("OperatorError")
    assert "Permission denied" in told

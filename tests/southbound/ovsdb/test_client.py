"""The client on real sockets: databases that come late, go, come back, and lie."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.model.blueprint import linear
from controller.model.command import Barrier, WatchPort
from controller.model.errors import OperatorError
from controller.model.event import BarrierDone, BfdChanged, Event, Incident, SwitchUp
from controller.model.identity import PortRef, port_ref
from controller.southbound.events import EventQueue
from controller.southbound.fake import FakeSouthbound
from controller.southbound.ovsdb.beside import WithOvsdb
from controller.southbound.ovsdb.book import Wish
from controller.southbound.ovsdb.client import OvsdbClient
from controller.southbound.ovsdb.endpoint import Endpoint, OvsdbSettings, endpoints, unix
from controller.southbound.ovsdb.framing import Framer
from tests.southbound.certificates import Authority
from tests.southbound.ovsdb.databases import DOWN, OUR_PORT, UP, Database

A, B = port_ref(1, 1), port_ref(2, 1)
PATIENCE_S = 20.0


class Server:
    """A database behind a socket, that says what the test makes it say."""

    def __init__(self, listener: socket.socket, secure: ssl.SSLContext | None = None) -> None:
        self._listener, self._secure = listener, secure
        listener.listen()
        listener.settimeout(PATIENCE_S)

    def accept(self) -> None:
        """Wait for the client, and for its first question."""
        self.line, _ = self._listener.accept()
        if self._secure is not None:
            self.line = self._secure.wrap_socket(self.line, server_side=True)
        self.line.settimeout(PATIENCE_S)
        self._framer = Framer(1 << 20)
        self._heard: list[dict[str, Any]] = []
        assert self.hear()["method"] == "monitor"

    def hear(self) -> dict[str, Any]:
        """What the client says next."""
        while not self._heard:
            data = self.line.recv(65536)
            if not data:
                raise ConnectionError("the client hung up")
            self._heard = self._framer.feed(data)
        return self._heard.pop(0)

    def say(self, message: dict[str, Any]) -> None:
        self.line.sendall(json.dumps(message).encode())

    def show(self, database: Database) -> None:
        self.say({"id": "monitor", "result": database.everything(), "error": None})

    def update(self, database: Database, at: PortRef) -> None:
        self.say({"method": "update", "id": None, "params": [None, database.rows(at)]})

    def flood(self) -> None:
        """Talk without end."""
        while True:
            self.line.sendall(b'{"a": "' + b"x" * 65536)

    def close(self) -> None:
        self.line.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db.sock"


def listening(path: Path) -> Server:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    return Server(listener)


@pytest.fixture
def client(path: Path) -> Iterator[OvsdbClient]:
    settings = OvsdbSettings((unix(path),), OUR_PORT, 10, first_retry_s=0.05, longest_retry_s=0.1)
    made = OvsdbClient(settings, EventQueue())
    made.start()
    yield made
    made.stop()


def told(client: OvsdbClient, holds: Callable[[Event], bool]) -> Event:
    """The next event for which this holds; others are passed over."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        for event in client.events.take(0.1, 1):
            if holds(event):
                return event
    raise AssertionError("nothing of the kind was told")


def test_a_database_that_comes_late_is_found_and_heard(path: Path, client: OvsdbClient) -> None:
    told(client, lambda event: isinstance(event, Incident) and event.kind == "ovsdb-unreachable")
    server, database = listening(path), Database(A, B)
    server.accept()
    server.show(database)
    database.maps[A]["bfd_status"] = dict(UP)
    server.update(database, A)
    assert told(client, lambda event: isinstance(event, BfdChanged)) == BfdChanged(A, True)


def test_what_is_wanted_is_written_again_where_it_was_lost(path: Path, client: OvsdbClient) -> None:
    server, database = listening(path), Database(A, B)
    client.want(A, Wish(B, 10))
    client.want(B, Wish(A, 10))
    server.accept()
    server.show(database)
    said = server.hear()
    assert said["method"] == "transact"
    server.close()  # before it is carried out
    server.accept()
    server.show(database)
    again = server.hear()
    assert again["params"] == said["params"]
    assert database.carry_out(again["params"][1:]) == {A, B}


def test_a_database_that_floods_us_is_hung_up_on_and_tried_again(path: Path, client: OvsdbClient) -> None:
    server = listening(path)
    server.accept()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        server.flood()
    found = told(client, lambda event: isinstance(event, Incident) and event.kind == "ovsdb-unbearable")
    assert str(path) in str(found)
    server.accept()
    server.show(Database(A))


def test_a_database_whose_sessions_flap_does_not_talk_the_loop_full(path: Path, client: OvsdbClient) -> None:
    """Nobody takes an event meanwhile; what is told in the end is how things are."""
    ports = [port_ref(1, number) for number in range(1, 101)]
    server, database = listening(path), Database(*ports)
    server.accept()
    server.show(database)
    for number in range(60):
        for at in ports:
            database.maps[at]["bfd_status"] = dict(DOWN if number % 2 else UP)
        server.say({"method": "update", "id": None, "params": [None, database.rows(*ports)]})
    server.say({"method": "echo", "id": "heard all", "params": []})
    while server.hear().get("id") != "heard all":
        pass
    assert client.events.qsize() <= 1200
    last: dict[PortRef, BfdChanged] = {}
    while len(last) < len(ports) or any(event.up is not False for event in last.values()):
        event = told(client, lambda event: isinstance(event, BfdChanged))
        assert isinstance(event, BfdChanged)
        last[event.at] = event


def test_a_client_that_stops_leaves_no_thread_waiting_for_a_silent_database(path: Path) -> None:
    server = listening(path)
    made = OvsdbClient(OvsdbSettings((unix(path),), OUR_PORT), EventQueue())
    made.stop()
    made = OvsdbClient(OvsdbSettings((unix(path),), OUR_PORT), EventQueue())
    made.start()
    server.accept()
    made.stop()
    with pytest.raises(ConnectionError):
        server.hear()


def test_a_database_behind_tls_is_heard(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    theirs = authority.issue("database")
    secure = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=theirs.authority)
    secure.verify_mode = ssl.CERT_REQUIRED
    secure.load_cert_chain(theirs.certificate, theirs.key)
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(listener, secure)
    where = endpoints((f"ssl:127.0.0.1:{listener.getsockname()[1]}",))
    made = OvsdbClient(OvsdbSettings(where, OUR_PORT, tls=authority.issue("controller")), EventQueue())
    made.start()
    try:
        server.accept()
        database = Database(A)
        database.maps[A]["bfd_status"] = dict(UP)
        server.show(database)
        assert told(made, lambda event: isinstance(event, BfdChanged)) == BfdChanged(A, True)
    finally:
        made.stop()


def test_beside_a_southbound_each_command_goes_where_it_belongs(path: Path) -> None:
    server, database = listening(path), Database(A, B)
    fabric = FakeSouthbound(linear(2))
    both = WithOvsdb(fabric, OvsdbClient(OvsdbSettings((unix(path),), OUR_PORT, 10), fabric.events))
    both.start()
    try:
        assert isinstance(both.events.get(timeout=PATIENCE_S), SwitchUp)
        both.send_many({A.dpid: [WatchPort(A.port, B, 10), Barrier(7)], B.dpid: [WatchPort(B.port, A, 10)]})
        assert isinstance(both.events.get(timeout=PATIENCE_S), SwitchUp)
        assert both.events.get(timeout=PATIENCE_S) == BarrierDone(A.dpid, 7)
        server.accept()
        server.show(database)
        assert database.carry_out(server.hear()["params"][1:]) == {A, B}
        assert sum(both.counters()[A.dpid].sent.values()) == 1
    finally:
        both.stop()


@pytest.mark.parametrize(
    "text", ["", "unix:", "tcp:host:1", "tcp:127.0.0.1", "tcp:127.0.0.1:0", "ptcp:6640", "tcp:127.0.0.1:x"]
)
def test_what_names_no_database_is_the_operators_mistake(text: str) -> None:
    with pytest.raises(OperatorError, match="ovsdb"):
        Endpoint(text)


def test_a_database_behind_tls_needs_the_files_for_it() -> None:
    with pytest.raises(OperatorError, match="tls_key"):
        OvsdbSettings(endpoints(("ssl:127.0.0.1:6640",)), OUR_PORT)


def test_addresses_are_as_sockets_want_them() -> None:
    assert Endpoint("tcp:[::1]:6640").address == ("::1", 6640)
    assert Endpoint("tcp:127.0.0.1:6640").address == ("127.0.0.1", 6640)
    assert Endpoint("unix:/var/run/db:x.sock").address == "/var/run/db:x.sock"

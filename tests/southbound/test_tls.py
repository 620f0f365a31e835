"""TLS as a filter, and who may speak through it."""

import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from struct import unpack_from

import pytest

from controller.model.errors import OperatorError
from controller.model.event import Incident, SwitchUp
from controller.model.identity import Dpid
from controller.southbound.openflow import OpenFlowSouthbound
from controller.southbound.settings import SouthboundSettings, TlsSettings
from tests.southbound import switch_messages as switch
from tests.southbound.certificates import Authority

PATIENCE_S = 10.0


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def southbound(authority: Authority) -> Iterator[OpenFlowSouthbound]:
    made = OpenFlowSouthbound(SouthboundSettings(port=0, tls=authority.issue("controller"), handshake_s=2.0))
    made.start()
    yield made
    made.stop()


def _connect(southbound: OpenFlowSouthbound, files: TlsSettings | None, trusted: Path) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=trusted)
    context.check_hostname = False
    if files is not None:
        context.load_cert_chain(files.certificate, files.key)
    return context.wrap_socket(socket.create_connection(("127.0.0.1", southbound.port), PATIENCE_S))


def _introduce(line: ssl.SSLSocket, dpid: int) -> None:
    line.sendall(switch.hello() + switch.features(dpid))
    heard = b""
    while not (asked := [each for each in _whole(heard) if switch.question(each) == switch.PORT_DESCRIPTION]):
        if not (data := line.recv(65536)):
            raise ConnectionError("hung up")
        heard += data
    (xid,) = unpack_from("!I", asked[0], 4)
    line.sendall(switch.multipart(switch.PORT_DESCRIPTION, switch.port(1), xid))


def _whole(stream: bytes) -> list[bytes]:
    return switch.split(stream) if stream else []


@pytest.mark.parametrize("name", ["00000000000000a1", "dpid:00000000000000A1"])
def test_a_switch_with_its_own_certificate_is_let_in(
    southbound: OpenFlowSouthbound, authority: Authority, name: str
) -> None:
    with _connect(southbound, authority.issue(name), authority.certificate) as line:
        _introduce(line, 0xA1)
        event = southbound.events.get(timeout=PATIENCE_S)
        assert isinstance(event, SwitchUp)
        assert event.dpid == Dpid(0xA1)
        line.sendall(switch.message(switch.ECHO_REQUEST, bytes(4000), xid=5))
        heard = b""
        while len(heard) < 4008:
            heard += line.recv(65536)
        assert heard == switch.message(switch.ECHO_REPLY, bytes(4000), xid=5)


@pytest.mark.parametrize("name", ["00000000000000a2", "somebody", "a1", "x00000000000000a1"])
def test_a_switch_that_claims_anothers_name_is_refused(
    southbound: OpenFlowSouthbound, authority: Authority, name: str
) -> None:
    with _connect(southbound, authority.issue(name), authority.certificate) as line:
        with pytest.raises(ConnectionError):
            _introduce(line, 0xA1)
        incident = southbound.events.get(timeout=PATIENCE_S)
        assert isinstance(incident, Incident)
        assert incident.kind == "certificate-mismatch"


def test_who_brings_no_certificate_is_refused(southbound: OpenFlowSouthbound, authority: Authority) -> None:
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        _connect(southbound, None, authority.certificate) as line,
    ):
        _introduce(line, 0xA1)
    incident = southbound.events.get(timeout=PATIENCE_S)
    assert isinstance(incident, Incident)
    assert incident.kind == "tls"


def test_a_certificate_of_another_authority_is_refused(
    southbound: OpenFlowSouthbound, authority: Authority, tmp_path: Path
) -> None:
    foreign = Authority(tmp_path, "foreign").issue("00000000000000a1")
    with (
        pytest.raises((ssl.SSLError, ConnectionError)),
        _connect(southbound, foreign, authority.certificate) as line,
    ):
        _introduce(line, 0xA1)
    incident = southbound.events.get(timeout=PATIENCE_S)
    assert isinstance(incident, Incident)
    assert incident.kind == "tls"


def test_plain_openflow_is_not_listened_to(southbound: OpenFlowSouthbound) -> None:
    with socket.create_connection(("127.0.0.1", southbound.port), PATIENCE_S) as line:
        line.sendall(switch.hello() + switch.features(0xA1))
        while line.recv(65536):
            pass
    incident = southbound.events.get(timeout=PATIENCE_S)
    assert isinstance(incident, Incident)
    assert incident.kind == "tls"


def test_a_handshake_that_never_ends_is_ended(southbound: OpenFlowSouthbound) -> None:
    with socket.create_connection(("127.0.0.1", southbound.port), PATIENCE_S) as line:
        line.sendall(b"\x16\x03\x01\x02\x00\x01")
        assert line.recv(65536) == b""
    incident = southbound.events.get(timeout=PATIENCE_S)
    assert isinstance(incident, Incident)
    assert incident.kind == "handshake"
    with pytest.raises(Empty):
        southbound.events.get_nowait()


def test_tls_below_1_2_is_refused(southbound: OpenFlowSouthbound, authority: Authority) -> None:
    files = authority.issue("00000000000000a1")
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.load_verify_locations(authority.certificate)
    old.load_cert_chain(files.certificate, files.key)
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", southbound.port), PATIENCE_S) as line,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        old.wrap_socket(line)


def test_files_that_do_not_serve_are_one_clear_line(authority: Authority, tmp_path: Path) -> None:
    files = authority.issue("controller")
    for wrong in (TlsSettings(tmp_path / "absent", files.certificate, files.authority),
                  TlsSettings(files.key, files.certificate, files.key)):  # fmt: skip
        with pytest.raises(OperatorError, match="TLS files"):
            OpenFlowSouthbound(SouthboundSettings(port=0, tls=wrong)).start()

"""Policies on a running fabric: what must pass passes, what must not does not, and no packet is lost."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.model.blueprint import fat_tree
from mininet_scenarios.lab import Lab
from tests.emulation.watch import (
    REACH_S,
    brought_up,
    eventually,
    findings,
    rules,
    settled,
    told,
)

pytestmark = pytest.mark.emulation

EXAMPLES = Path(__file__).resolve().parents[2] / "policies" / "examples"
DENY = """\
kind: access
name: h1-is-denied-h16
clauses:
  - deny: {from: h1, to: h16}
    log: true
  - deny: {from: h16, to: h1}
---
kind: expect
name: the-others-are-not
expect:
  - {from: h1, to: h16, must: not-reach}
  - {from: h2, to: h16, must: reach}
"""
SERVER = """
import socket, sys
served = socket.socket(socket.AF_INET, getattr(socket, sys.argv[1]))
served.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
served.bind((sys.argv[2], int(sys.argv[3])))
if sys.argv[1] == "SOCK_STREAM":
    served.listen()
print("ready", flush=True)
if sys.argv[1] == "SOCK_STREAM":
    served.accept()[0].sendall(b"x")
else:
    served.sendto(b"x", served.recvfrom(9)[1])
"""
CLIENT = """
import socket, sys
asked = socket.socket(socket.AF_INET, getattr(socket, sys.argv[1]))
asked.settimeout(1)
asked.connect((sys.argv[2], int(sys.argv[3])))
if sys.argv[1] == "SOCK_DGRAM":
    asked.send(b"?")
sys.exit(asked.recv(1) != b"x")
"""
_PERIOD_S = 0.002
_SETTLE_S, _FELT_S = 0.5, 0.5
"""How long to watch, and after which time a switch that has answered forwards by its rules
(docs/decisions/0006-a-barrier-is-not-felt-at-once.md)."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with brought_up(fat_tree(4)) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_in_force(lab: Lab) -> Iterator[None]:
    """Each test leaves no policy."""
    yield
    if told(lab, "policy")["version"]:
        done(lab, "rollback", "0")


def typed(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    """A command as an operator types it, beside this lab's controller."""
    command = [sys.executable, "-m", "treadle", "policy", *words, "--socket", str(lab.controller.socket_path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def done(lab: Lab, *words: str) -> str:
    """What a command prints that is carried out."""
    result = typed(lab, *words)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def entries(lab: Lab) -> list[dict[str, Any]]:
    """The history, the oldest entry first."""
    found: list[dict[str, Any]] = json.loads(done(lab, "history", "--json"))["history"]
    return found


def passes(lab: Lab, src: str, dst: str, protocol: str, port: int) -> bool:
    """Whether an application of one host is answered by one of another, over TCP or UDP."""
    address = lab.host(dst).IP()
    kind = {"tcp": "SOCK_STREAM", "udp": "SOCK_DGRAM"}[protocol]
    serve, ask = ([sys.executable, "-c", text, kind, address, str(port)] for text in (SERVER, CLIENT))
    listening = lab.host(dst).popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert listening.stdout is not None
    try:
        listening.stdout.readline()
        asking = lab.host(src).popen(ask, stderr=subprocess.DEVNULL)
        return bool(asking.wait(timeout=30) == 0)
    finally:
        listening.kill()
        listening.wait()
        listening.stdout.close()


def test_a_denied_pair_is_denied_from_one_packet_to_the_next_and_nobody_else_loses_any(
    lab: Lab, tmp_path: Path
) -> None:
    document, before = tmp_path / "deny.yaml", rules(lab)
    document.write_text(DENY)
    assert "h1 -> h16" in done(lab, "plan", str(document))
    others = lab.traffic.begin(
        [("h2", "h16"), ("h16", "h2"), ("h1", "h15"), ("h3", "h6"), ("h9", "h1")], period_s=_PERIOD_S
    )
    denied = lab.traffic.begin([("h1", "h16"), ("h16", "h1")], period_s=_PERIOD_S)
    began_s = time.monotonic()
    time.sleep(_SETTLE_S)
    done(lab, "apply", str(document), "-m", "a test")
    in_force_s = time.monotonic() + _FELT_S
    time.sleep(_SETTLE_S + _FELT_S)
    back_s = time.monotonic()
    done(lab, "rollback")
    time.sleep(_SETTLE_S)
    allowed_s = time.monotonic()
    time.sleep(_SETTLE_S)
    lab.traffic.end([*others, *denied])
    assert rules(lab) == before
    time.sleep(_SETTLE_S)
    kept = lab.traffic.window(others, since_s=began_s)
    assert {str(flow): each.lost for flow, each in kept.items() if each.lost} == {}
    shut = lab.traffic.window(denied, since_s=in_force_s, until_s=back_s)
    assert {str(flow): (each.received, each.sent > 50) for flow, each in shut.items()} == {
        str(flow): (0, True) for flow in denied
    }
    again = lab.traffic.window(denied, since_s=allowed_s)
    assert {str(flow): (each.lost, each.received > 50) for flow, each in again.items()} == {
        str(flow): (0, True) for flow in denied
    }


def test_what_is_expected_and_does_not_hold_stops_a_plan(lab: Lab, tmp_path: Path) -> None:
    document = tmp_path / "wrong.yaml"
    document.write_text(DENY.replace("{from: h2, to: h16, must: reach}", "{from: h1, to: h16, must: reach}"))
    before = rules(lab)
    result = typed(lab, "apply", str(document))
    assert result.returncode != 0
    assert "FAILS" in result.stdout
    assert "nothing was applied" in result.stderr
    assert rules(lab) == before


def test_a_canary_is_for_what_its_hosts_send_until_it_is_for_all(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "deny.yaml"
    file.write_text("kind: access\nname: two\nclauses: [deny: {from: [h1, h5], to: [h9, h16]}]\n")
    done(lab, "apply", str(file), "--only", "pod:1")
    assert eventually(lambda: not passes(lab, "h1", "h16", "tcp", 80))
    assert passes(lab, "h5", "h9", "tcp", 81)
    done(lab, "apply", str(file))
    assert eventually(lambda: not passes(lab, "h5", "h9", "tcp", 82))
    assert not passes(lab, "h1", "h16", "tcp", 83)
    assert not findings(lab, "plan-refused")


def test_a_policy_that_nobody_confirms_is_taken_back(lab: Lab, tmp_path: Path) -> None:
    document = tmp_path / "deny.yaml"
    document.write_text(DENY)
    done(lab, "apply", str(document), "--confirm-within", "2")
    assert eventually(lambda: not told(lab, "policy")["version"])
    assert eventually(
        lambda: json.loads(done(lab, "history", "--json"))["history"][-1]["state"] == "taken back"
    )
    done(lab, "apply", str(document), "--confirm-within", "600")
    done(lab, "confirm")
    assert not lab.ping("h1", "h16")


def test_a_policy_survives_a_controller_that_is_killed(lab: Lab, tmp_path: Path) -> None:
    document = tmp_path / "deny.yaml"
    document.write_text(DENY)
    done(lab, "apply", str(document))
    held = rules(lab)
    lab.stop_controller(kill=True)
    assert not lab.ping("h1", "h16")
    assert lab.ping("h2", "h16")
    lab.start_controller()
    lab.wait_until_connected()
    assert settled(lab)
    assert rules(lab) == held
    assert not lab.ping("h1", "h16")
    assert told(lab, "policy")["version"]


def test_a_saved_plan_is_refused_when_another_policy_is_in_force(lab: Lab, tmp_path: Path) -> None:
    document, saved = tmp_path / "deny.yaml", tmp_path / "plan.json"
    document.write_text(DENY)
    done(lab, "plan", str(document), "--out", str(saved))
    done(lab, "apply", str(EXAMPLES / "quarantine.yaml"))
    result = typed(lab, "apply", str(saved))
    assert result.returncode != 0
    assert "make the plan again" in result.stderr
    assert lab.ping("h1", "h16")


PASS: dict[str, list[tuple[str, str, str, int]]] = {
    "three-tier-web": [("h9", "h1", "tcp", 443), ("h1", "h6", "tcp", 8080), ("h2", "h7", "tcp", 5432)],
    "tenant-isolation": [("h1", "h9", "tcp", 80), ("h5", "h16", "udp", 53), ("h1", "h16", "udp", 53)],
    "storage-class": [("h1", "h4", "tcp", 3260), ("h9", "h8", "tcp", 2049)],
    "management-plane": [("h16", "h1", "tcp", 22), ("h9", "h1", "tcp", 80)],
    "scavenger-class": [("h1", "h9", "tcp", 873)],
    "dns-ntp-only": [("h4", "h16", "udp", 53), ("h4", "h16", "tcp", 53), ("h1", "h9", "tcp", 80)],
    "east-west-default-deny": [("h1", "h5", "tcp", 443), ("h1", "h4", "tcp", 80)],
    "quarantine": [("h16", "h7", "tcp", 80), ("h1", "h5", "tcp", 80)],
    "no-spoofed-servers": [("h1", "h16", "udp", 53)],
    "voice-first": [("h2", "h10", "udp", 17000)],
    "bulk-transfers-only": [("h1", "h9", "tcp", 5201)],
}
STOP: dict[str, list[tuple[str, str, str, int]]] = {
    "three-tier-web": [("h9", "h3", "tcp", 5432), ("h1", "h3", "tcp", 5432), ("h9", "h1", "tcp", 22)],
    "tenant-isolation": [("h1", "h5", "tcp", 80), ("h14", "h2", "udp", 53)],
    "management-plane": [("h9", "h1", "tcp", 22), ("h1", "h5", "tcp", 22)],
    "dns-ntp-only": [("h4", "h16", "tcp", 80), ("h1", "h4", "tcp", 80)],
    "east-west-default-deny": [("h1", "h5", "tcp", 80), ("h5", "h1", "tcp", 443)],
    "quarantine": [("h7", "h1", "tcp", 80), ("h1", "h7", "udp", 53)],
    "no-spoofed-servers": [("h1", "h2", "udp", 53)],
}


def test_every_example_has_traffic_that_must_pass() -> None:
    assert PASS.keys() == {path.stem for path in EXAMPLES.glob("*.yaml")}


@pytest.mark.parametrize("name", sorted(PASS))
def test_an_example_does_what_its_first_sentence_says(lab: Lab, name: str) -> None:
    done(lab, "apply", str(EXAMPLES / f"{name}.yaml"))
    assert findings(lab, "policy") == []
    for each in PASS[name]:
        assert passes(lab, *each), each
    for each in STOP.get(name, ()):
        assert not passes(lab, *each), each


@pytest.mark.parametrize(("src", "dst", "port", "tos"), [("h1", "h4", 3260, 0x68), ("h1", "h9", 873, 0x20)])
def test_packets_are_marked_where_they_enter(lab: Lab, src: str, dst: str, port: int, tos: int) -> None:
    name = "storage-class" if port == 3260 else "scavenger-class"
    done(lab, "apply", str(EXAMPLES / f"{name}.yaml"))
    with lab.traffic.listening(dst, 0x0800) as heard:
        assert passes(lab, src, dst, "tcp", port)
        source = lab.host(src).plan.address.packed
        marks = {frame[15] & 0xFC for frame in heard() if frame[26:30] == source}
    assert marks == {tos}
    assert lab.ping_all(timeout_s=REACH_S).complete

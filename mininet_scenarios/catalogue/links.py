"""Hosts that pretend to be switches: LLDP forged, replayed and relayed."""

from __future__ import annotations

import json
import time

from controller.model.identity import PortRef
from mininet_scenarios.lab import Lab
from mininet_scenarios.scenario import Report, scenario

_LLDP = 0x88CC
_LLDP_MULTICAST = bytes.fromhex("0180c200000e")
_RELAY_S = 12.0


@scenario("lldp-forgery", "A host sends LLDP, forged and replayed: no link is made of it.", topology="ring:4")
def lldp_forgery(lab: Lab) -> Report:
    """The replayed frame is a real one, caught from a cable; the forged ones are it with another port, and
    one without a key.
    """
    lab.wait_until_reachable()
    before = _links(lab)
    real = lab.traffic.capture(lab.traffic.tap(lab.blueprint.cables[0].a), _LLDP, timeout_s=30)
    assert real, "no LLDP was seen on a cable in 30 seconds"
    forged = [real[0], _changed(real[0]), _unsigned(lab.blueprint.cables[0].b)]
    for _ in range(20):
        lab.traffic.inject(lab.hosts[-1], forged)
        time.sleep(0.1)
    assert _links(lab) == before, "the links of the fabric have changed"
    assert lab.ping_all().complete, "not all pairs are reached any more"
    return {"links": len(before), "frames_sent": 60}


@scenario(
    "lldp-relay",
    "Two hosts relay LLDP to one another: no link between them.",
    topology="ring:4",
    blueprint=False,
)
def lldp_relay(lab: Lab) -> Report:
    """The controller has no blueprint to know better by; it must be enough that hosts live there."""
    lab.wait_until_reachable()
    before = _links(lab)
    with (
        lab.traffic.relay(lab.hosts[0], lab.hosts[2], _LLDP),
        lab.traffic.relay(lab.hosts[1], lab.hosts[3], _LLDP),
    ):
        time.sleep(_RELAY_S)
        during = _links(lab)
    assert during == before, "the links of the fabric have changed"
    assert lab.ping_all().complete, "not all pairs are reached any more"
    return {"links": len(before), "relayed_s": _RELAY_S}


def _links(lab: Lab) -> set[tuple[str, str]]:
    return {(link["from"], link["to"]) for link in json.loads(lab.ask("topology", "--json"))["links"]}


def _changed(frame: bytes) -> bytes:
    """The frame with one bit of its last byte but two turned: within the last thing that it says."""
    return frame[:-3] + bytes([frame[-3] ^ 1]) + frame[-2:]


def _unsigned(end: PortRef) -> bytes:
    """The LLDP frame that Ryu's topology module would send from a port (IEEE 802.1AB, clause 8)."""
    chassis, port = b"\7dpid:%016x" % end.dpid, b"\2" + end.port.to_bytes(4, "big")
    tlvs = b"".join(
        (kind << 9 | len(value)).to_bytes(2, "big") + value
        for kind, value in ((1, chassis), (2, port), (3, b"\0\x78"))
    )
    return _LLDP_MULTICAST + bytes.fromhex("020000000001") + _LLDP.to_bytes(2, "big") + tlvs + b"\0\0"

"""When is a packet said to have looped?"""

from __future__ import annotations

import struct

from bench.healing.loops import LoopDetector, probe_filter


def _probe(stream: int, number: int) -> bytes:
    return struct.pack("!II", stream, number)


def test_a_probe_that_enters_each_port_once_has_not_looped() -> None:
    detector = LoopDetector()
    for port in range(5):
        detector.see(port, _probe(0, 7))
    assert (detector.heard, detector.looped) == (5, 0)


def test_different_probes_through_one_port_have_not_looped() -> None:
    detector = LoopDetector()
    for number in range(5):
        detector.see(3, _probe(0, number))
        detector.see(3, _probe(1, number))
    assert detector.looped == 0


def test_a_probe_that_enters_a_port_again_has_looped_once_however_often_it_goes_round() -> None:
    detector = LoopDetector()
    for _ in range(4):
        for port in (1, 2, 3):
            detector.see(port, _probe(2, 9))
    assert detector.looped == 1
    assert detector.passes[_probe(2, 9)] == 9


def test_a_loop_is_seen_across_a_change_of_generations() -> None:
    detector = LoopDetector()
    detector.see(1, _probe(0, 1))
    detector.age()
    detector.see(1, _probe(0, 1))
    assert detector.looped == 1


def test_what_was_seen_two_generations_ago_is_forgotten() -> None:
    detector = LoopDetector()
    detector.see(1, _probe(0, 1))
    detector.age()
    detector.age()
    detector.see(1, _probe(0, 1))
    assert detector.looped == 0


def _run(code: bytes, frame: bytes, packet_type: int) -> int:
    """How many bytes of a frame a classic BPF program takes: the four instructions that it is made of."""
    steps = [struct.unpack_from("=HBBI", code, at) for at in range(0, len(code), 8)]
    at, value = 0, 0
    while True:
        operation, yes, no, k = steps[at]
        at += 1
        if operation == 0x06:
            return int(k)
        if operation == 0x15:
            at += yes if value == k else no
        elif k >= 0xFFFF_F000:
            value = packet_type
        else:
            value = int.from_bytes(frame[k : k + (2 if operation == 0x28 else 1)], "big")


def _frame(protocol: int = 17, port: int = 20000, ethertype: int = 0x0800) -> bytes:
    ip = bytes([0x45, *bytes(8), protocol, *bytes(10)])
    return bytes(12) + ethertype.to_bytes(2, "big") + ip + bytes(2) + port.to_bytes(2, "big") + bytes(12)


def test_the_filter_takes_probes_that_come_in_and_nothing_else() -> None:
    code, incoming, outgoing = probe_filter(), 0, 4
    assert _run(code, _frame(), incoming) > 0
    assert _run(code, _frame(), 3) > 0  # for another host: a switch's port is nobody's address
    assert _run(code, _frame(), outgoing) == 0
    assert _run(code, _frame(protocol=6), incoming) == 0
    assert _run(code, _frame(port=53), incoming) == 0
    assert _run(code, _frame(ethertype=0x0806), incoming) == 0

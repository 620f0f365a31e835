"""What a stream of probes says about the fabric."""

from __future__ import annotations

import pytest

from mininet_scenarios.prober.streams import Stream, Window

_MS = 1_000_000
_DELAY = 300_000


def _stream(lost: range = range(0), packets: int = 200, late: dict[int, int] | None = None) -> Stream:
    """One packet each millisecond from 1 s on; `late` moves the sending of packets on by so many
    nanoseconds.
    """
    stream = Stream("h1", "h2", 0, _MS)
    for number in range(packets):
        sent_ns = 1_000_000_000 + number * _MS + (late or {}).get(number, 0)
        stream.note_sent(sent_ns)
        if number not in lost:
            stream.note_received(number, sent_ns + _DELAY)
    return stream


def _all(stream: Stream, until_ms: int = 1200) -> Window:
    return stream.window(1_000_000_000, until_ms * _MS)


def test_a_healthy_stream_has_no_gap() -> None:
    window = _all(_stream())
    assert (window.sent, window.received, window.lost, window.gap_ms) == (200, 200, 0, 0.0)
    assert window.recovered
    assert window.delay_ms == pytest.approx(0.3)


def test_a_gap_is_the_time_without_delivery_less_the_period() -> None:
    window = _all(_stream(lost=range(50, 100)))
    assert window.gap_ms == pytest.approx(50.0)
    assert window.gap_from_s == pytest.approx(1.0493)
    assert window.lost == 50
    assert window.recovered


def test_a_pause_of_the_sender_is_not_a_gap_of_the_fabric() -> None:
    pause = dict.fromkeys(range(80, 200), 40 * _MS)
    assert _all(_stream(late=pause), 1300).gap_ms == pytest.approx(0.0)


def test_a_stream_that_stays_dark_has_not_recovered_and_its_gap_lasts_to_the_end() -> None:
    window = _all(_stream(lost=range(100, 200)))
    assert not window.recovered
    assert window.gap_ms == pytest.approx(1200 - 1099.3 - 1)


def test_a_stream_that_came_back_only_after_the_window_had_not_recovered_in_it() -> None:
    window = _stream(lost=range(50, 150)).window(1_000 * _MS, 1_120 * _MS)
    assert not window.recovered
    assert window.gap_ms == pytest.approx(100.0)


def test_a_packet_that_may_still_be_on_its_way_is_no_sign_of_darkness() -> None:
    assert _all(_stream(lost=range(195, 200))).recovered


def test_a_stream_that_never_arrives_has_no_gap_but_has_not_recovered() -> None:
    window = _all(_stream(lost=range(0, 200)))
    assert window.gap_ms is None
    assert not window.recovered


def test_a_gap_that_began_before_the_window_counts() -> None:
    window = _stream(lost=range(50, 100)).window(1_080 * _MS, 1_150 * _MS)
    assert window.gap_ms == pytest.approx(50.0)
    assert window.lost == 20


def test_a_gap_outside_the_window_does_not_count() -> None:
    window = _stream(lost=range(50, 100)).window(1_120 * _MS, 1_180 * _MS)
    assert (window.gap_ms, window.lost) == (0.0, 0)


def test_a_packet_twice_is_a_duplicate_and_one_overtaken_is_reordered() -> None:
    stream = Stream("h1", "h2", 0, _MS)
    for number in range(3):
        stream.note_sent(_MS * (number + 1))
    for number, at_ns in ((0, 2), (2, 4), (1, 5), (1, 6)):
        stream.note_received(number, at_ns * _MS)
    window = stream.window(0, 10 * _MS)
    assert (window.received, window.duplicates, window.reordered) == (3, 1, 1)


def test_a_number_that_was_never_sent_is_passed_over() -> None:
    stream = _stream(packets=1)
    stream.note_received(7, 2_000_000_000)
    assert _all(stream).received == 1


def test_lost_packets_are_known_by_when_they_were_sent() -> None:
    stream = _stream(lost=range(50, 60))
    assert stream.lost_ns(1_055 * _MS, 1_058 * _MS) == [1_055 * _MS, 1_056 * _MS, 1_057 * _MS]
    assert stream.lost_ns(1_060 * _MS, 1_200 * _MS) == []

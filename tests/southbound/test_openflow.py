"""The real southbound on loopback, with hand-made switches at the other end: many sessions, and those who
misbehave.
"""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from queue import Empty
from struct import unpack_from

import pytest

from controller.model.command import Barrier
from controller.model.errors import OperatorError
from controller.model.event import BarrierDone, Incident, SwitchDown, SwitchUp
from controller.model.identity import Dpid
from controller.southbound.openflow import OpenFlowSouthbound
from controller.southbound.settings import SouthboundSettings
from tests.southbound import switch_messages as switch
from tests.southbound.hanging_messages import MESSAGES
from tests.southbound.line import PATIENCE_S, Switch, next_event, running


@pytest.fixture
def southbound() -> Iterator[OpenFlowSouthbound]:
    settings = SouthboundSettings(port=0, probe_s=0.5, handshake_s=1.0, echo_interval_s=0.5, dead_after_s=60)
    with running(settings) as made:
        yield made


def test_switches_come_are_spoken_to_and_go(southbound: OpenFlowSouthbound) -> None:
    switches = [Switch(southbound.port) for _ in range(8)]
    for dpid, each in enumerate(switches, 1):
        each.introduce(dpid)
    assert {next_event(southbound, SwitchUp).dpid for _ in switches} == set(range(1, 9))
    southbound.send(Dpid(3), [Barrier(5)])
    asked = switches[2].hear(switch.BARRIER_REQUEST)
    switches[2].say(switch.message(switch.BARRIER_REPLY, xid=unpack_from("!I", asked, 4)[0]))
    assert next_event(southbound, BarrierDone) == BarrierDone(Dpid(3), 5)
    switches[4].line.close()
    assert next_event(southbound, SwitchDown) == SwitchDown(Dpid(5), "the switch hung up")
    assert southbound.counters()[Dpid(3)].sent["BARRIER_REQUEST"] == 1


def test_a_session_that_ends_leaves_no_thread_behind(southbound: OpenFlowSouthbound) -> None:
    before = threading.active_count()
    for dpid in range(1, 21):
        passer_by = Switch(southbound.port)
        passer_by.introduce(dpid)
        next_event(southbound, SwitchUp)
        passer_by.line.close()
        next_event(southbound, SwitchDown)
    assert threading.active_count() == before


def test_stopping_ends_the_thread_and_hangs_up() -> None:
    before = threading.active_count()
    southbound = OpenFlowSouthbound(SouthboundSettings(port=0))
    southbound.start()
    connected = Switch(southbound.port)
    connected.introduce(1)
    southbound.stop()
    southbound.stop()
    assert connected.is_hung_up_on()
    assert threading.active_count() == before


def test_a_switch_that_half_closes_is_gone(southbound: OpenFlowSouthbound) -> None:
    half = Switch(southbound.port)
    half.introduce(1)
    half.line.shutdown(socket.SHUT_WR)
    assert next_event(southbound, SwitchDown) == SwitchDown(Dpid(1), "the switch hung up")
    assert half.is_hung_up_on()


@pytest.mark.parametrize(
    "rubbish", [b"GET / HTTP/1.1\r\n\r\n", bytes(100), switch.hello(1, None), MESSAGES["hello-element"]]
)
def test_nonsense_costs_its_own_session_only(southbound: OpenFlowSouthbound, rubbish: bytes) -> None:
    good = Switch(southbound.port)
    good.introduce(1)
    bad = Switch(southbound.port)
    bad.say(rubbish)
    assert bad.is_hung_up_on()
    next_event(southbound, Incident)
    good.say(switch.message(switch.ECHO_REQUEST, b"me too?"))
    assert good.hear(switch.ECHO_REPLY)[8:] == b"me too?"


def test_the_same_nonsense_is_reported_once_and_counted_always(southbound: OpenFlowSouthbound) -> None:
    for _ in range(5):
        bad = Switch(southbound.port)
        bad.say(bytes(8))
        assert bad.is_hung_up_on()
    assert southbound.incidents["malformed"] == 5
    assert southbound.events.qsize() == 1


def test_a_connection_that_says_nothing_is_ended(southbound: OpenFlowSouthbound) -> None:
    assert Switch(southbound.port).is_hung_up_on()
    incident = next_event(southbound, Incident)
    assert incident.kind == "handshake"


def test_a_live_switch_keeps_its_name_against_a_newcomer(southbound: OpenFlowSouthbound) -> None:
    holder, newcomer = Switch(southbound.port), Switch(southbound.port)
    holder.introduce(7)
    next_event(southbound, SwitchUp)
    newcomer.say(switch.hello(), switch.features(7))
    holder.hear(switch.ECHO_REQUEST)
    holder.say(switch.message(switch.ECHO_REPLY))
    incident = next_event(southbound, Incident)
    assert incident.kind == "duplicate-dpid"
    for end in (holder, newcomer):
        assert end.address in incident.text
    assert newcomer.is_hung_up_on()
    holder.say(switch.message(switch.ECHO_REQUEST, b"still mine"))
    assert holder.hear(switch.ECHO_REPLY)[8:] == b"still mine"


def test_each_name_that_is_claimed_twice_is_reported(southbound: OpenFlowSouthbound) -> None:
    holders = {dpid: Switch(southbound.port) for dpid in (7, 8)}
    for dpid, holder in holders.items():
        holder.introduce(dpid)
        next_event(southbound, SwitchUp)
        impostor = Switch(southbound.port)
        impostor.say(switch.hello(), switch.features(dpid))
        holder.hear(switch.ECHO_REQUEST)
        holder.say(switch.message(switch.ECHO_REPLY))
        assert f"{dpid:016x}" in next_event(southbound, Incident).subject


def test_a_newcomer_takes_over_from_a_connection_that_no_longer_answers(
    southbound: OpenFlowSouthbound,
) -> None:
    dead, newcomer = Switch(southbound.port), Switch(southbound.port)
    dead.introduce(7)
    next_event(southbound, SwitchUp)
    newcomer.introduce(7)
    next_event(southbound, SwitchDown)
    up = next_event(southbound, SwitchUp)
    assert up.address == newcomer.address


def test_an_auxiliary_connection_is_refused(southbound: OpenFlowSouthbound) -> None:
    auxiliary = Switch(southbound.port)
    auxiliary.say(switch.hello(), switch.features(7, auxiliary=1))
    assert auxiliary.is_hung_up_on()


def test_a_switch_can_be_hung_up_on(southbound: OpenFlowSouthbound) -> None:
    connected = Switch(southbound.port)
    connected.introduce(9)
    next_event(southbound, SwitchUp)
    southbound.disconnect(Dpid(9), "no answer to a barrier")
    assert next_event(southbound, SwitchDown) == SwitchDown(Dpid(9), "no answer to a barrier")
    assert connected.is_hung_up_on()


def test_only_allowed_switches_may_connect() -> None:
    with running(SouthboundSettings(port=0, allowed=frozenset({Dpid(1)}))) as southbound:
        Switch(southbound.port).introduce(1)
        next_event(southbound, SwitchUp)
        stranger = Switch(southbound.port)
        stranger.say(switch.hello(), switch.features(2))
        assert stranger.is_hung_up_on()
        incident = next_event(southbound, Incident)
        assert incident.kind == "not-allowed"


def test_a_name_that_is_refused_is_not_remembered() -> None:
    with running(SouthboundSettings(port=0, allowed=frozenset({Dpid(1)}))) as southbound:
        allowed = Switch(southbound.port)
        allowed.introduce(1)
        next_event(southbound, SwitchUp)
        for dpid in range(2, 12):
            stranger = Switch(southbound.port)
            stranger.say(switch.hello(), switch.features(dpid))
            assert stranger.is_hung_up_on()
        assert _is_soon(lambda: len(southbound._connections) == 1)
        assert set(southbound.counters()) == {Dpid(1)}


def test_what_an_impostor_says_is_not_counted_as_the_switchs(southbound: OpenFlowSouthbound) -> None:
    holder, newcomer = Switch(southbound.port), Switch(southbound.port)
    holder.introduce(7)
    next_event(southbound, SwitchUp)
    newcomer.say(switch.hello(), switch.features(7))
    holder.hear(switch.ECHO_REQUEST)
    holder.say(switch.message(switch.ECHO_REPLY))
    assert newcomer.is_hung_up_on()
    assert _is_soon(lambda: len(southbound._connections) == 1)
    assert southbound.counters()[Dpid(7)].received["HELLO"] == 1


def test_of_switches_that_come_and_go_only_the_latest_are_remembered() -> None:
    with running(SouthboundSettings(port=0, sessions=3)) as southbound:
        for dpid in range(1, 9):
            passer_by = Switch(southbound.port)
            passer_by.introduce(dpid)
            next_event(southbound, SwitchUp)
            passer_by.line.close()
            next_event(southbound, SwitchDown)
            assert _is_soon(lambda: not southbound._connections)
        assert set(southbound.counters()) == {6, 7, 8}


def _is_soon(what: Callable[[], bool]) -> bool:
    deadline_s = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > deadline_s:
            return False
        time.sleep(0.01)
    return True


def test_commands_for_a_switch_that_is_not_there_are_counted(southbound: OpenFlowSouthbound) -> None:
    southbound.send(Dpid(77), [Barrier(1), Barrier(2)])
    assert southbound.commands_dropped == 2


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OperatorError, match=f"127.0.0.1 port {port}"):
            OpenFlowSouthbound(SouthboundSettings(port=port)).start()


def test_no_events_are_left_when_nothing_happens(southbound: OpenFlowSouthbound) -> None:
    connected = Switch(southbound.port)
    connected.introduce(1)
    next_event(southbound, SwitchUp)
    connected.hear(switch.ECHO_REQUEST)
    with pytest.raises(Empty):
        southbound.events.get_nowait()

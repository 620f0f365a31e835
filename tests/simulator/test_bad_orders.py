"""Whatever a controller says to a switch of the farm is obeyed, refused or hung up on, and the switch lives.

What must follow is judged in orders.py.
"""

from struct import pack, pack_into

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.flow import (
    TO_CONTROLLER,
    Bucket,
    DecrementTtl,
    FlowRule,
    Group,
    GroupKind,
    ToGroup,
    match,
)
from controller.model.identity import Dpid
from controller.southbound.decode.frames import frame_in
from simulator.switch.instructions import encoded_actions
from simulator.switch.wire import ANY_GROUP, ANY_PORT, BUCKET, GROUP_MOD_BODY, HEADER, Type, message
from tests.searching import examples
from tests.simulator.orders import FRAME, TOLD, messages_said, obey
from tests.simulator.talking import flow_mod, flow_mod_bytes, group_mod, packet_out
from tests.southbound.hearsay import lies
from tests.southbound.patience import patience
from tests.southbound.streams import pieces

_orders = st.sampled_from(TOLD)
_lies = lies(_orders)


def _with_length(order: bytes, length: int) -> bytes:
    changed = bytearray(order)
    pack_into("!H", changed, 2, length & 0xFFFF)
    return bytes(changed)


_false_lengths = st.builds(
    lambda order, off: _with_length(order, max(0, len(order) + off)), _orders, st.integers(-60, 60)
)
_flipped = st.builds(
    lambda order, at, value: order[: at % len(order)] + bytes((value,)) + order[at % len(order) + 1 :],
    _orders,
    st.integers(0, 500),
    st.integers(0, 255),
)
_noise = st.builds(message, st.integers(0, 35), st.integers(0, 99), st.binary(max_size=120))
_anything = st.one_of(_orders, _lies, _lies, _flipped, _false_lengths, _noise, st.binary(max_size=100))
_streams = st.lists(_anything, max_size=6).map(b"".join)


def test_what_a_controller_says_truly_is_told_in_every_kind() -> None:
    kinds = {order[1] for order in TOLD}
    assert kinds >= {Type.FLOW_MOD, Type.GROUP_MOD, Type.METER_MOD, Type.PACKET_OUT, Type.BARRIER_REQUEST}
    assert {order[9] for order in TOLD if order[1] == Type.MULTIPART_REQUEST} == set(range(14))
    held = [obey([b"".join(TOLD[at::7])]).held for at in range(7)]
    assert all(map(sum, zip(*held, strict=True)))  # some rules, groups and meters are taken


@settings(max_examples=examples(500), deadline=None)
@given(stream=_streams)
def test_whatever_a_switch_is_told_it_lives(stream: bytes) -> None:
    with patience(stream):
        obey([stream])


@settings(max_examples=examples(500), deadline=None)
@given(lie=_lies)
def test_one_lie_is_refused_or_obeyed_and_the_next_order_is_heard(lie: bytes) -> None:
    with patience(lie):
        obeyed = obey([lie + message(Type.BARRIER_REQUEST, 1234)])
    if not obeyed.hung_up:
        assert messages_said(obeyed)[-1] == message(Type.BARRIER_REPLY, 1234)


@settings(max_examples=examples(200), deadline=None)
@given(stream=_streams, cuts=st.lists(st.integers(1, 600), max_size=8))
def test_orders_mean_the_same_however_they_are_cut(stream: bytes, cuts: list[int]) -> None:
    assert obey(pieces(stream, cuts)) == obey([stream])


@settings(max_examples=examples(200), deadline=None)
@given(order=_orders, length=st.integers(0, 7))
def test_a_header_that_is_too_short_ends_the_line(order: bytes, length: int) -> None:
    assert obey([order + HEADER.pack(4, 2, length, 1) + order]).hung_up


# --- what was found so, and stays found ---------------------------------------------------------------------

ANYWHERE = pack("!HH4x", 1, 4)
OUT = pack("!HHIH6x", 0, 16, 1, 0)


def _rule_of(order_bytes: int) -> bytes:
    """A FLOW_MOD of this length, with as many actions as that takes."""
    actions = OUT * ((order_bytes - 64) // 16)
    return flow_mod_bytes(ANYWHERE, pack("!HH4x", 4, 8 + len(actions)) + actions)


def _group_of(order_bytes: int) -> bytes:
    actions = encoded_actions((DecrementTtl(),)) * ((order_bytes - 32) // 8)
    bucket = BUCKET.pack(BUCKET.size + len(actions), 0, ANY_PORT, ANY_GROUP) + actions
    return message(Type.GROUP_MOD, 1, GROUP_MOD_BODY.pack(0, 0, 5) + bucket)


@pytest.mark.parametrize("order_bytes", [65_504, 65_520, 65_528])
def test_what_is_too_long_to_be_told_again_is_not_taken(order_bytes: int) -> None:
    for order in (_rule_of(order_bytes), _group_of(order_bytes)):
        obeyed = obey([order])
        refused = [said[1] for said in messages_said(obeyed)] == [Type.ERROR]
        assert sum(obeyed.held) == (not refused)
        assert refused is (len(order) > 65_519 if order[1] == Type.FLOW_MOD else len(order) > 65_527)


@pytest.mark.parametrize("frame_bytes", [65_493, 65_495])
def test_a_frame_that_is_longer_than_a_packet_in_is_handed_up_as_far_as_it_goes(frame_bytes: int) -> None:
    (said,) = messages_said(obey([packet_out(bytes(frame_bytes), TO_CONTROLLER, in_port=1)]))
    heard = frame_in(Dpid(1), said, 8, len(said))
    assert heard is not None
    assert len(heard.data) == min(frame_bytes, 0xFFFF - 42)


def test_a_set_field_with_padding_to_spare_is_refused() -> None:
    """Open vSwitch takes it and tells it again without; our own strict reader would not take it back."""
    set_field = pack("!HHHBB6s", 25, 24, 0x8000, 3 << 1, 6, bytes(6)) + bytes(10)
    (said,) = messages_said(obey([flow_mod_bytes(ANYWHERE, pack("!HH4x", 4, 32) + set_field)]))
    assert said[1] == Type.ERROR


def test_groups_that_multiply_do_not_hold_the_switch() -> None:
    many = tuple(Bucket((ToGroup(1),)) for _ in range(40))
    with patience("forty to the eighth"):
        obey([group_mod(Group(1, GroupKind.ALL, many)) + packet_out(FRAME, ToGroup(1), in_port=1)])


@pytest.mark.parametrize("kind", list(Type), ids=lambda kind: kind.name)
def test_a_message_that_is_too_short_borrows_nothing_from_the_next(kind: Type) -> None:
    """Otherwise what is said depends on how the network has cut the stream."""
    after = flow_mod_bytes(ANYWHERE, b"") + message(Type.BARRIER_REQUEST, 9)
    for length in range(8, 64):
        short = HEADER.pack(4, kind, length, 7) + bytes(length - 8)
        assert obey([short + after]) == obey([short, after])


@pytest.mark.parametrize(("kind", "length"), [(1, 0), (1, 3), (1, 400), (0, 4)])
def test_a_question_about_rules_with_a_false_match_is_refused(kind: int, length: int) -> None:
    body = pack("!B3xII4xQQHH4x", 0xFF, ANY_PORT, ANY_GROUP, 0, 0, kind, length)
    (said,) = messages_said(obey([message(Type.MULTIPART_REQUEST, 1, pack("!HH4x", 1, 0) + body)]))
    assert said[1] == Type.ERROR


def test_a_match_does_not_reach_into_the_next_message() -> None:
    order = flow_mod(FlowRule(0, 1, match(in_port=3)))
    obeyed = obey([order[:2] + (52).to_bytes(2) + order[4:]])
    assert messages_said(obeyed)[0][1] == Type.ERROR
    assert obeyed.held == (0, 0, 0)


def test_an_action_that_is_not_padded_is_refused() -> None:
    unpadded = pack("!HHHBB6s", 25, 14, 0x8000, 3 << 1, 6, bytes(6))
    (said,) = messages_said(obey([flow_mod_bytes(ANYWHERE, pack("!HH4x", 4, 8 + 14) + unpadded)]))
    assert said[1] == Type.ERROR

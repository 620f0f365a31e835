"""Match fields: brought into one form, or refused for the reason that OpenFlow names."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.flow import Field, Match
from simulator.switch import matches
from simulator.switch.matches import accepted, decoded, encoded
from simulator.switch.wire import Error, Refusal
from tests.searching import examples
from tests.simulator.talking import FAR_END, OF
from tests.southbound import strategies as model


def _fields_of(raw: bytes) -> bytes:
    """The fields of a match structure without its type, length and padding."""
    return raw[4 : int.from_bytes(raw[2:4])]


def term(number: int, body: bytes, *, masked: bool = False, oxm_class: int = 0x8000) -> bytes:
    return oxm_class.to_bytes(2) + bytes((number << 1 | masked, len(body))) + body


IPV4 = term(5, b"\x08\0")


@settings(max_examples=examples(300))
@given(model.matches())
def test_every_match_of_the_model_comes_back_from_its_bytes(match: Match) -> None:
    assert decoded(accepted(encoded(match))) == match


@settings(max_examples=examples(200))
@given(model.matches(), st.randoms(use_true_random=False))
def test_the_order_of_free_fields_makes_no_other_match(match: Match, chance: random.Random) -> None:
    free = [Field.IN_PORT, Field.METADATA, Field.ETH_DST, Field.ETH_SRC, Field.VLAN_VID]
    first = [encoded(Match((each,))) for each in match.terms if each.field in free]
    rest = encoded(Match(tuple(each for each in match.terms if each.field not in free)))
    chance.shuffle(first)
    assert accepted(b"".join(first) + rest) == encoded(match)


def test_a_full_mask_is_no_mask_and_an_empty_one_no_term() -> None:
    masked = term(12, bytes((10, 0, 0, 1, 255, 255, 255, 255)), masked=True)
    assert accepted(IPV4 + masked) == IPV4 + term(12, bytes((10, 0, 0, 1)))
    assert accepted(IPV4 + term(12, bytes(8), masked=True)) == IPV4


@pytest.mark.parametrize(
    ("raw", "error"),
    [
        (b"\x80\0\x0a", Error.BAD_MATCH_LEN),
        (term(5, b"\x08"), Error.BAD_FIELD),
        (term(5, b"\x08\0")[:-1], Error.BAD_MATCH_LEN),
        (term(1, bytes(4)), Error.BAD_FIELD),
        (term(5, b"\x08\0", oxm_class=1), Error.BAD_FIELD),
        (term(5, b"\x08\0\xff\xff", masked=True), None),
        (term(5, b"\x08\0\xff\0", masked=True), Error.BAD_MASK),
        (IPV4 + term(12, bytes((10, 0, 0, 1, 255, 0, 0, 0)), masked=True), Error.BAD_WILDCARDS),
        (term(7, b"\x08"), Error.BAD_VALUE),
        (term(12, bytes(4)), Error.BAD_PREREQ),
        (term(12, bytes(4)) + IPV4, Error.BAD_PREREQ),
        (IPV4 + IPV4, Error.DUPLICATE_FIELD),
        (IPV4 + term(27, bytes(16)), Error.BAD_PREREQ),
    ],
)
def test_what_cannot_be_matched_is_refused_for_its_reason(raw: bytes, error: Error | None) -> None:
    if error is None:
        assert accepted(raw) == IPV4
    else:
        with pytest.raises(Refusal) as refusal:
            accepted(raw)
        assert refusal.value.error is error


@settings(max_examples=examples(300))
@given(model.matches(), st.data())
def test_a_shape_that_was_learned_lets_nothing_through_that_is_wrong(
    match: Match, data: st.DataObject
) -> None:
    raw = encoded(match)
    accepted(raw)
    if not raw:
        return
    at, bit = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 7))
    altered = raw[:at] + bytes((raw[at] ^ 1 << bit,)) + raw[at + 1 :]
    learned = _verdict(altered)
    matches._shapes.clear()
    matches._canonical.clear()
    assert learned == _verdict(altered)


def _verdict(raw: bytes) -> bytes | Error:
    try:
        return accepted(raw)
    except Refusal as refusal:
        return refusal.error


def test_the_frameworks_own_matches_are_understood() -> None:
    said = OF.OFPMatch(in_port=3, eth_type=0x800, ipv4_dst=("10.1.0.0", "255.255.0.0"))
    raw = bytearray()
    said.serialize(raw, 0)
    assert FAR_END is not None
    match = decoded(accepted(_fields_of(bytes(raw))))
    assert [(each.field, each.value) for each in match] == [
        (Field.IN_PORT, 3),
        (Field.ETH_TYPE, 0x800),
        (Field.IPV4_DST, 0x0A010000),
    ]

"""What `decode` reads straight from the bytes is what guard and framework read, of truths and of lies."""

from importlib.util import find_spec
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.model.command import SetRule
from controller.model.flow import Field, FlowRule, Match, Term
from controller.southbound import wire
from controller.southbound.decode import UNSPEAKABLE, programs
from controller.southbound.decode.layouts import Layouts
from controller.southbound.decode.matches import match_of
from controller.southbound.encode import encode
from controller.southbound.encode.matches import match_bytes
from controller.southbound.framework import load
from controller.southbound.guard import Malformed
from tests.searching import examples
from tests.southbound import strategies as model
from tests.southbound import switch_messages as switch
from tests.southbound.hearsay import TRUTHFUL, lies
from tests.southbound.readings import MALFORMED, READ, READ_PARTS, is_read, ours, theirs

installed = [name for name in ("os_ken", "ryu") if find_spec(name)]
on_each_framework = pytest.mark.parametrize("framework", installed)

SPOKEN = [message for message in TRUTHFUL if is_read(message)]


def test_a_truth_of_each_kind_is_tried() -> None:
    kinds = {message[1] for message in SPOKEN}
    parts = {message[9] for message in SPOKEN if message[1] == wire.MULTIPART_REPLY}
    assert kinds == READ | {wire.MULTIPART_REPLY}
    assert parts == READ_PARTS


@on_each_framework
def test_truths_are_read_alike(framework: str) -> None:
    for message in SPOKEN:
        read = ours(load(framework), message)
        assert read not in (None, MALFORMED), message.hex()
        assert read == theirs(load(framework), message), message.hex()


@on_each_framework
@settings(max_examples=examples(1500), deadline=None)
@given(message=lies(st.sampled_from(SPOKEN)))
def test_lies_are_read_alike_or_refused_by_both(framework: str, message: bytes) -> None:
    if not is_read(message):
        return
    read, expected = ours(load(framework), message), theirs(load(framework), message)
    if expected is not None:  # else the framework has stumbled over what the guard passed; we need not
        assert read == expected


@on_each_framework
@settings(max_examples=examples(400), deadline=None)
@given(kind=st.sampled_from(sorted(READ)), body=st.binary(max_size=120))
def test_noise_is_read_alike_or_refused_by_both(framework: str, kind: int, body: bytes) -> None:
    message = switch.message(kind, body)
    read, expected = ours(load(framework), message), theirs(load(framework), message)
    if expected is not None:
        assert read == expected


@on_each_framework
@settings(max_examples=examples(400), deadline=None)
@given(part=st.sampled_from(sorted(READ_PARTS)), body=st.binary(max_size=200))
def test_noise_in_an_answer_is_read_alike_or_refused_by_both(framework: str, part: int, body: bytes) -> None:
    message = switch.multipart(part, body)
    read, expected = ours(load(framework), message), theirs(load(framework), message)
    if expected is not None:
        assert read == expected


# --- layouts: what is remembered of one match must not change the next --------------------------------------


@settings(max_examples=examples(400), deadline=None)
@given(first=model.matches(), second=model.matches())
def test_a_match_is_the_same_whatever_was_read_before(first: Match, second: Match) -> None:
    layouts, terms = Layouts(), _terms(second)
    layouts.learn(_terms(first), first)
    read = layouts.read(terms)
    assert read in (None, second)
    assert match_of(terms) == second


@settings(max_examples=examples(400), deadline=None)
@given(known=model.matches(), noise=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), max_size=3))
def test_a_layout_reads_what_field_by_field_would_be_read(known: Match, noise: list[tuple[int, int]]) -> None:
    terms = bytearray(_terms(known))
    for at, value in noise:
        if at < len(terms):
            terms[at] = value
    layouts = Layouts()
    layouts.learn(_terms(known), known)
    read = layouts.read(bytes(terms))
    if read is not None:
        assert read == Match(read.terms)  # the checks that were left out
        assert read.order == Match(read.terms).order
        assert match_of(bytes(terms)) == read


def test_an_empty_mask_is_not_read_by_layout() -> None:
    known = Match((Term(Field.ETH_DST, 0x010000000000, 0x010000000000),))
    layouts = Layouts()
    layouts.learn(_terms(known), known)
    assert layouts.read(_terms(known)[:10] + bytes(6)) is None


def _terms(wanted: Match) -> bytes:
    encoded = match_bytes(wanted)
    return encoded[4 : int.from_bytes(encoded[2:4])]


# --- what the model cannot say ------------------------------------------------------------------------------


def _entry(match: bytes, instructions: bytes) -> bytes:
    padded = pack("!HH", 1, 4 + len(match)) + match
    padded += bytes(-len(padded) % 8)
    flow_mod = encode(SetRule(FlowRule(1, 5)), 1)[:48] + padded + instructions
    (cut,) = programs.rule_entries(switch.flow_entry(flow_mod), 0, len(switch.flow_entry(flow_mod)))
    return cut


def test_a_rule_that_does_what_cannot_be_said_keeps_its_place() -> None:
    write = pack("!HHIHHIH6x", wire.WRITE_ACTIONS, 24, 0, wire.OUTPUT, 16, 3, 0)
    rule = programs.rule_of(_entry(b"", write))
    assert rule is not None
    assert rule.key == FlowRule(1, 5).key
    assert rule.actions == (UNSPEAKABLE,)


@pytest.mark.parametrize(
    "match",
    ["8000440400000001", "ffff00080000232000000001", "00010004c0a80001", "80000108000000010000000f"],
    ids=["mpls label", "experimenter's", "nicira's", "masked in_port"],
)
def test_a_rule_whose_place_cannot_be_said_is_left_out(match: str) -> None:
    assert programs.rule_of(_entry(bytes.fromhex(match), b"")) is None


def test_a_match_field_of_a_wrong_length_is_malformed() -> None:
    entry = _entry(bytes.fromhex("80000003000001"), b"")
    with pytest.raises(Malformed):
        programs.rule_of(entry)

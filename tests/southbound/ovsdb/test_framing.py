"""A stream cut into objects, whatever its pieces, and within bounds."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.southbound.ovsdb.framing import Framer, Unbearable
from tests.searching import examples

TEXTS = st.text(alphabet='ab"\\{}[]é\n\U0001f600', max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.lists(st.dictionaries(TEXTS, VALUES, max_size=3), max_size=4)


def said(framer: Framer, stream: bytes, sizes: list[int]) -> list[dict[str, Any]]:
    found, at = [], 0
    for size in [*sizes, len(stream)]:
        found += framer.feed(stream[at : at + size])
        at += size
    return found


@given(OBJECTS, st.lists(st.integers(1, 9), max_size=30), st.booleans())
@settings(max_examples=examples(300), deadline=None)
def test_objects_come_out_as_they_were_said_whatever_the_pieces(
    objects: list[dict[str, Any]], sizes: list[int], ascii_only: bool
) -> None:
    stream = b" \n".join(json.dumps(each, ensure_ascii=ascii_only).encode() for each in objects)
    assert said(Framer(10_000), stream, sizes) == objects
    assert said(Framer(10_000), stream, [1] * len(stream)) == objects


def test_braces_and_quotes_within_strings_do_not_count() -> None:
    assert Framer(100).feed(rb'{"a}": "\\\"}{"}{"b": 1}') == [{"a}": '\\"}{'}, {"b": 1}]


@pytest.mark.parametrize(
    "stream",
    [
        b'{"a": "' + b"x" * 200,
        b'{"a": "' + b"x" * 200 + b'"}',
        b" " * 200,
        b'{"a":' + b"[" * 100,
        b"]",
        b"[1, 2]",
        b'{"a": nonsense}',
        b'{"a": 1' + b"0" * 5000 + b"}",
        b'{"\xff": 1}',
    ],
    ids=[
        "endless",
        "too long",
        "silence",
        "deep",
        "closing",
        "no object",
        "no JSON",
        "long number",
        "no text",
    ],
)
def test_what_cannot_be_borne_is_refused(stream: bytes) -> None:
    with pytest.raises(Unbearable):
        Framer(10_000 if b"0000" in stream else 150).feed(stream)


@given(st.binary(max_size=200))
@settings(max_examples=examples(300), deadline=None)
def test_any_bytes_are_understood_or_refused(stream: bytes) -> None:
    with suppress(Unbearable):
        assert all(isinstance(each, dict) for each in Framer(100).feed(stream))

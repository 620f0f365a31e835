"""A flow's match is exactly its packets, and says which flow it is."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given

from controller.dataplane.pinned import flow_match, flow_of
from controller.model.demand import FlowKey
from controller.model.flow import Field, Match, MatchValue, match
from tests.southbound.strategies import flow_keys, matches


def flow(src: str, dst: str, protocol: int, *ports: int) -> FlowKey:
    return FlowKey(ip_address(src), ip_address(dst), protocol, *ports)


@pytest.mark.parametrize(
    ("key", "fields"),
    [
        (flow("10.0.0.1", "10.0.0.2", 6, 1, 2), "ETH_TYPE IP_PROTO IPV4_SRC IPV4_DST TCP_SRC TCP_DST"),
        (flow("10.0.0.1", "10.0.0.2", 17, 0, 2), "ETH_TYPE IP_PROTO IPV4_SRC IPV4_DST UDP_SRC UDP_DST"),
        (flow("10.0.0.1", "10.0.0.2", 1), "ETH_TYPE IP_PROTO IPV4_SRC IPV4_DST"),
        (flow("fd00::1", "fd00::2", 6, 1, 2), "ETH_TYPE IP_PROTO TCP_SRC TCP_DST IPV6_SRC IPV6_DST"),
        (flow("fd00::1", "fd00::2", 58), "ETH_TYPE IP_PROTO IPV6_SRC IPV6_DST"),
    ],
    ids=str,
)
def test_a_flow_is_matched_by_what_tells_it_apart(key: FlowKey, fields: str) -> None:
    where = flow_match(key)
    assert where is not None
    assert [term.field.name for term in where] == fields.split()
    assert all(term.mask == term.field.full_mask for term in where)


def test_ports_that_openflow_cannot_match_leave_a_flow_without_a_match() -> None:
    assert flow_match(flow("10.0.0.1", "10.0.0.2", 132, 1, 2)) is None
    assert flow_match(flow("10.0.0.1", "10.0.0.2", 132)) is not None
    assert flow_match(flow("10.0.0.1", "10.0.0.2", 256)) is None


@given(flow_keys)
def test_a_match_tells_its_flow(key: FlowKey) -> None:
    where = flow_match(key)
    assert where is not None
    assert flow_of(where) == key


@given(matches())
def test_a_match_that_tells_a_flow_is_that_flows(where: Match) -> None:
    key = flow_of(where)
    assert key is None or flow_match(key) == where


def test_a_match_on_less_or_more_than_a_flow_tells_none() -> None:
    whole = flow_match(flow("10.0.0.1", "10.0.0.2", 6, 1, 2))
    assert whole is not None
    conditions: dict[str, MatchValue] = {term.field.name.lower(): term.value for term in whole}
    assert flow_of(match(**conditions, in_port=1)) is None
    assert flow_of(match(**{**conditions, "ipv4_dst": (0x0A000000, 0xFFFFFF00)})) is None
    for left_out in (Field.TCP_DST, Field.IPV4_SRC):
        assert flow_of(match(**{k: v for k, v in conditions.items() if k != left_out.name.lower()})) is None

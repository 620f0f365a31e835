"""Rules, groups, meters and commands for hypothesis: all that the model can express, and nothing else."""

from typing import TypeVar

from hypothesis import strategies as st

from controller.model.command import (
    AddGroup,
    AddMeter,
    Barrier,
    Command,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyGroup,
    ModifyMeter,
    SendFrame,
    SetRule,
)
from controller.model.demand import FlowKey
from controller.model.flow import (
    TO_CONTROLLER,
    Action,
    Bucket,
    DecrementTtl,
    EtherType,
    Field,
    FlowRule,
    Group,
    GroupKind,
    IpProtocol,
    Match,
    Meter,
    MeterUnit,
    Output,
    ReservedPort,
    SetField,
    Term,
    ToGroup,
)
from controller.model.identity import IpAddress

T = TypeVar("T")
_ANYWHERE = (Field.IN_PORT, Field.METADATA, Field.ETH_DST, Field.ETH_SRC, Field.VLAN_VID)
_IP = (Field.IP_DSCP, Field.IP_ECN)
_TRANSPORT = {
    IpProtocol.TCP: (Field.TCP_SRC, Field.TCP_DST),
    IpProtocol.UDP: (Field.UDP_SRC, Field.UDP_DST),
}
_ADDRESSES = {
    EtherType.IPV4: (Field.IPV4_SRC, Field.IPV4_DST),
    EtherType.IPV6: (Field.IPV6_SRC, Field.IPV6_DST),
}
_ICMP = {
    EtherType.IPV4: (IpProtocol.ICMP, (Field.ICMPV4_TYPE, Field.ICMPV4_CODE)),
    EtherType.IPV6: (IpProtocol.ICMPV6, (Field.ICMPV6_TYPE, Field.ICMPV6_CODE)),
}


def _flow_keys(
    addresses: st.SearchStrategy[IpAddress], others: tuple[int, ...]
) -> st.SearchStrategy[FlowKey]:
    ports = st.integers(0, 0xFFFF)
    told = st.builds(FlowKey, addresses, addresses, st.sampled_from([6, 17]), ports, ports)
    return st.one_of(told, st.builds(FlowKey, addresses, addresses, st.sampled_from(others)))


flow_keys: st.SearchStrategy[FlowKey] = st.one_of(
    _flow_keys(st.ip_addresses(v=4), (1, 89, 132, 255)), _flow_keys(st.ip_addresses(v=6), (0, 58, 132))
)
"""Flows that OpenFlow 1.3 can match."""


def _exactly(field: Field, value: int) -> Term:
    return Term(field, value, field.full_mask)


@st.composite
def terms(draw: st.DrawFn, field: Field) -> Term:
    """A condition on this field, masked where that is allowed."""
    full = field.full_mask
    mask = draw(st.integers(1, full)) if field.maskable and draw(st.booleans()) else full
    return Term(field, draw(st.integers(0, full)) & mask, mask)


@st.composite
def matches(draw: st.DrawFn) -> Match:
    """A match with its prerequisites, from any corner of the fields."""
    fields = list(draw(st.sets(st.sampled_from(_ANYWHERE))))
    fixed: list[Term] = []
    kind = draw(st.sampled_from([None, EtherType.ARP, EtherType.IPV4, EtherType.IPV6]))
    if kind is not None:
        fixed.append(_exactly(Field.ETH_TYPE, kind))
    if kind is EtherType.ARP:
        fields += draw(st.sets(st.sampled_from((Field.ARP_OP, Field.ARP_SPA, Field.ARP_TPA))))
    elif kind is not None:
        protocol, of_protocol = draw(st.sampled_from([*_TRANSPORT.items(), _ICMP[kind], (None, ())]))
        fields += draw(st.sets(st.sampled_from(_ADDRESSES[kind] + _IP)))
        if protocol is not None:
            fixed.append(_exactly(Field.IP_PROTO, protocol))
            fields += draw(st.sets(st.sampled_from(of_protocol)))
    chosen = fixed + [draw(terms(field)) for field in fields]
    return Match(tuple(sorted(chosen, key=lambda term: term.field.number)))


_settable = [field for field in Field if field not in (Field.IN_PORT, Field.METADATA)]
set_fields = st.sampled_from(_settable).flatmap(
    lambda field: st.builds(SetField, st.just(field), st.integers(0, field.full_mask))
)
_ports = st.integers(1, 0xFFFFFF00) | st.sampled_from((ReservedPort.IN_PORT, ReservedPort.ALL)).map(int)
actions: st.SearchStrategy[Action] = st.one_of(
    st.builds(Output, _ports),
    st.just(TO_CONTROLLER),
    st.builds(ToGroup, st.integers(0, 0xFFFFFF00)),
    set_fields,
    st.just(DecrementTtl()),
)
action_lists = st.lists(actions, max_size=4).map(tuple)


@st.composite
def rules(draw: st.DrawFn) -> FlowRule:
    table = draw(st.integers(0, 254))
    goto = draw(st.none() | st.integers(table + 1, 254)) if table < 254 else None
    return FlowRule(
        table,
        draw(st.integers(0, 0xFFFF)),
        draw(matches()),
        draw(action_lists),
        goto,
        draw(st.none() | st.integers(1, 0xFFFF0000)),
        draw(st.integers(0, 0xFFFF)),
        draw(st.integers(0, 0xFFFF)),
        draw(st.integers(0, (1 << 64) - 1)),
    )


_buckets = st.builds(Bucket, action_lists, st.integers(1, 0xFFFF), st.none() | st.integers(1, 0xFFFFFF00))
groups = st.builds(
    Group,
    st.integers(0, 0xFFFFFF00),
    st.sampled_from(GroupKind),
    st.lists(_buckets, max_size=5).map(tuple),
)
meters = st.builds(
    Meter,
    st.integers(1, 0xFFFF0000),
    st.integers(1, 0xFFFFFFFF),
    st.sampled_from(MeterUnit),
    st.integers(0, 0xFFFFFFFF),
)

commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(SetRule, rules()),
    st.builds(DeleteRule, rules()),
    st.builds(AddGroup, groups),
    st.builds(ModifyGroup, groups),
    st.builds(DeleteGroup, st.integers(0, 0xFFFFFF00)),
    st.builds(AddMeter, meters),
    st.builds(ModifyMeter, meters),
    st.builds(DeleteMeter, st.integers(1, 0xFFFF0000)),
    st.builds(Barrier, st.integers(0, 1 << 40)),
    st.builds(
        SendFrame,
        st.binary(max_size=200),
        action_lists.filter(bool),  # without an action the frameworks write a packet-out over its own frame
        _ports | st.just(int(ReservedPort.CONTROLLER)),
    ),
)
"""Every command that is exactly one message."""

"""Rules, groups, meters and packets as text: the language of `ovs-ofctl` and `ovs-appctl ofproto/trace`, with
tables by name.

    table=routes priority=1048,ip,nw_dst=10.0.0.0/24 actions=group:1

is what `ovs-ofctl dump-flows --names` shows of a rule, so that what we say and what a switch says can be laid
side by side. With `names=False` tables are numbers, and `ovs-ofctl` itself reads the text (`ovs-ofctl
add-flows`, `add-groups`, `add-meter`). The order is fixed: tables up, priorities down, matches by field
number; golden tests depend on it.

Left out: cookies and timeouts of zero, as there they say nothing; counters, which a program has none of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address

from controller.dataplane.pipeline import Table
from controller.model.command import (
    AddGroup,
    AddMeter,
    Barrier,
    DeleteGroup,
    DeleteMeter,
    DeleteRule,
    ModifyGroup,
    ModifyMeter,
    ProgramCommand,
    SetRule,
)
from controller.model.flow import (
    Action,
    Bucket,
    EtherType,
    Field,
    FlowRule,
    Group,
    GroupKind,
    IpProtocol,
    Match,
    Meter,
    Output,
    ReservedPort,
    SetField,
    Term,
    ToGroup,
)
from controller.model.identity import mac_text
from controller.model.packet import Packet
from controller.model.program import SwitchProgram

_NAME: dict[Field, str] = {
    Field.IN_PORT: "in_port",
    Field.METADATA: "metadata",
    Field.ETH_DST: "dl_dst",
    Field.ETH_SRC: "dl_src",
    Field.ETH_TYPE: "dl_type",
    Field.VLAN_VID: "vlan_tci",
    Field.VLAN_PCP: "dl_vlan_pcp",
    Field.IP_DSCP: "nw_tos",
    Field.IP_ECN: "nw_ecn",
    Field.IP_PROTO: "nw_proto",
    Field.IPV4_SRC: "nw_src",
    Field.IPV4_DST: "nw_dst",
    Field.TCP_SRC: "tp_src",
    Field.TCP_DST: "tp_dst",
    Field.UDP_SRC: "tp_src",
    Field.UDP_DST: "tp_dst",
    Field.ICMPV4_TYPE: "icmp_type",
    Field.ICMPV4_CODE: "icmp_code",
    Field.ARP_OP: "arp_op",
    Field.ARP_SPA: "arp_spa",
    Field.ARP_TPA: "arp_tpa",
    Field.IPV6_SRC: "ipv6_src",
    Field.IPV6_DST: "ipv6_dst",
    Field.ICMPV6_TYPE: "icmp_type",
    Field.ICMPV6_CODE: "icmp_code",
}
"""The names of `ovs-ofctl` (ovs-fields(7)) for matches."""

_SET_NAME: dict[Field, str] = {
    **_NAME,
    Field.ETH_DST: "eth_dst",
    Field.ETH_SRC: "eth_src",
    Field.IPV4_SRC: "ip_src",
    Field.IPV4_DST: "ip_dst",
    Field.VLAN_VID: "vlan_vid",
    Field.IP_DSCP: "ip_dscp",
    Field.TCP_SRC: "tcp_src",
    Field.TCP_DST: "tcp_dst",
    Field.UDP_SRC: "udp_src",
    Field.UDP_DST: "udp_dst",
}
"""The names for `set_field`, where the older ones are not taken."""

_PACKET_NAME: dict[Field, str] = {
    **_NAME,
    Field.TCP_SRC: "tcp_src",
    Field.TCP_DST: "tcp_dst",
    Field.UDP_SRC: "udp_src",
    Field.UDP_DST: "udp_dst",
    Field.ICMPV6_TYPE: "icmpv6_type",
    Field.ICMPV6_CODE: "icmpv6_code",
}
"""The names for the fields of a packet: `ofproto/trace` takes `tp_src` for TCP's and `icmp_type` for version
4's."""

_MACS = (Field.ETH_DST, Field.ETH_SRC)
_IPV4 = (Field.IPV4_SRC, Field.IPV4_DST, Field.ARP_SPA, Field.ARP_TPA)
_IPV6 = (Field.IPV6_SRC, Field.IPV6_DST)

_SHORTHAND: dict[tuple[int, int | None], str] = {
    (EtherType.IPV4, None): "ip",
    (EtherType.IPV6, None): "ipv6",
    (EtherType.ARP, None): "arp",
    (EtherType.IPV4, IpProtocol.ICMP): "icmp",
    (EtherType.IPV4, IpProtocol.TCP): "tcp",
    (EtherType.IPV4, IpProtocol.UDP): "udp",
    (EtherType.IPV6, IpProtocol.TCP): "tcp6",
    (EtherType.IPV6, IpProtocol.UDP): "udp6",
    (EtherType.IPV6, IpProtocol.ICMPV6): "icmp6",
}
"""One word for an Ethernet type, or for an Ethernet type and an IP protocol."""

_PORT_NAME: dict[int, str] = {
    ReservedPort.IN_PORT: "IN_PORT",
    ReservedPort.ALL: "ALL",
    ReservedPort.LOCAL: "LOCAL",
    ReservedPort.ANY: "(what we have no words for)",
}
_GROUP_KIND = {
    GroupKind.ALL: "all",
    GroupKind.SELECT: "select",
    GroupKind.INDIRECT: "indirect",
    GroupKind.FAST_FAILOVER: "fast_failover",
}


def rule_text(rule: FlowRule, *, names: bool = True, cookie: bool = False) -> str:
    """The rule as one line; `names`: tables by name; `cookie`: with its cookie in front."""
    head = [f"cookie={rule.cookie:#x}"] if cookie else []
    head.append(f"table={_table(rule.table, names)}")
    head += [f"{key}_timeout={seconds}" for key, seconds in _timeouts(rule)]
    conditions = ",".join([f"priority={rule.priority}", *_conditions(rule.match)])
    return f"{' '.join(head)} {conditions} actions={actions_text(rule, names=names)}"


def _timeouts(rule: FlowRule) -> Iterator[tuple[str, int]]:
    if rule.idle_timeout_s:
        yield "idle", rule.idle_timeout_s
    if rule.hard_timeout_s:
        yield "hard", rule.hard_timeout_s


def actions_text(rule: FlowRule, *, names: bool = True) -> str:
    """What the rule does: meter, actions, next table; `drop` when nothing."""
    done = [] if rule.meter is None else [f"meter:{rule.meter}"]
    done += [action_text(action) for action in rule.actions]
    done += [] if rule.goto is None else [f"goto_table:{_table(rule.goto, names)}"]
    return ",".join(done) or "drop"


def action_text(action: Action) -> str:
    """One action, as it stands after `actions=`."""
    if isinstance(action, Output):
        if action.port == ReservedPort.CONTROLLER:
            return f"CONTROLLER:{action.max_len}"
        return _PORT_NAME.get(action.port, f"output:{action.port}")
    if isinstance(action, ToGroup):
        return f"group:{action.group_id}"
    if isinstance(action, SetField):
        return f"set_field:{_number(action.field, action.value)}->{_SET_NAME[action.field]}"
    return "dec_ttl"


def match_text(match: Match) -> str:
    """The conditions alone; `*` for the match that accepts everything."""
    return ",".join(_conditions(match)) or "*"


def group_text(group: Group) -> str:
    """The group as one line, as `ovs-ofctl add-group` reads it."""
    buckets = [f"bucket={_bucket(bucket, group.kind)}" for bucket in group.buckets]
    return ",".join([f"group_id={group.group_id}", f"type={_GROUP_KIND[group.kind]}", *buckets])


def meter_text(meter: Meter) -> str:
    """The meter as one line, as `ovs-ofctl add-meter` reads it."""
    burst = f" burst_size={meter.burst}" if meter.burst else ""
    flags = f"{meter.unit.value}{' burst' if meter.burst else ''}"
    return f"meter={meter.meter_id} {flags} bands=type=drop rate={meter.rate}{burst}"


def command_text(command: ProgramCommand) -> str:
    """What a switch is told, in a few words."""
    match command:
        case SetRule(rule):
            return f"set {rule_text(rule)}"
        case DeleteRule(rule):
            return f"delete {rule_text(rule)}"
        case AddGroup(group):
            return f"add {group_text(group)}"
        case ModifyGroup(group):
            return f"modify {group_text(group)}"
        case DeleteGroup(number):
            return f"delete group_id={number}"
        case AddMeter(meter):
            return f"add {meter_text(meter)}"
        case ModifyMeter(meter):
            return f"modify {meter_text(meter)}"
        case DeleteMeter(number):
            return f"delete meter={number}"
        case Barrier():
            return "barrier"


def render_program(program: SwitchProgram, *, names: bool = True, cookie: bool = False) -> str:
    """The whole program: meters, groups, then rules table by table, highest priority first; a line each."""
    lines = [meter_text(meter) for _, meter in sorted(program.meters.items())]
    lines += [group_text(group) for _, group in sorted(program.groups.items())]
    for table in sorted({rule.table for rule in program.rules.values()}):
        lines += [rule_text(rule, names=names, cookie=cookie) for rule in program.table(table)]
    return "".join(f"{line}\n" for line in lines)


def flow_text(packet: Packet, in_port: int) -> str:
    """The packet as `ovs-appctl ofproto/trace BRIDGE FLOW` reads it."""
    return f"in_port={in_port},{packet_text(packet)}"


def packet_text(packet: Packet) -> str:
    """The header of a packet, the kind first: `udp,dl_src=...,nw_dst=...,udp_dst=53,nw_ttl=64`."""
    present = [(field, value) for field, value in packet.fields if field is not Field.IN_PORT]
    terms = [Term(field, value, field.full_mask) for field, value in present]
    conditions = list(_terms(terms, _PACKET_NAME))
    if packet.ttl is not None:
        conditions.append(f"nw_ttl={packet.ttl}")
    return ",".join(conditions)


# --- parts --------------------------------------------------------------------------------------------------


def _table(number: int, names: bool) -> str:
    return Table(number).name.lower() if names and number in Table._value2member_map_ else str(number)


def _conditions(match: Match) -> Iterator[str]:
    return _terms(list(match.terms))


def _terms(terms: list[Term], names: Mapping[Field, str] = _NAME) -> Iterator[str]:
    """The conditions, the kind of packet first, in one word where there is one."""
    exact = {term.field: term.value for term in terms}
    eth_type, protocol = exact.get(Field.ETH_TYPE), exact.get(Field.IP_PROTO)
    said: set[Field] = set()
    if eth_type is not None:
        both = _SHORTHAND.get((eth_type, protocol)) if protocol is not None else None
        word = both or _SHORTHAND.get((eth_type, None))
        if word is not None:
            yield word
            said = {Field.ETH_TYPE, Field.IP_PROTO} if both else {Field.ETH_TYPE}
    yield from (f"{names[term.field]}={_value(term)}" for term in terms if term.field not in said)


def _value(term: Term) -> str:
    full = term.field.full_mask
    if term.field is Field.IP_DSCP:
        return str(term.value << 2)  # nw_tos is the whole byte, of which DSCP is the upper six bits
    if term.mask == full:
        return _number(term.field, term.value)
    if term.field in (*_IPV4, *_IPV6):
        size = full - term.mask + 1
        if size & (size - 1) == 0:
            return f"{_number(term.field, term.value)}/{term.field.bits - size.bit_length() + 1}"
    return f"{_number(term.field, term.value)}/{_number(term.field, term.mask)}"


def _number(field: Field, value: int) -> str:
    if field in _MACS:
        return mac_text(value)
    if field in _IPV4:
        return str(IPv4Address(value))
    if field in _IPV6:
        return str(IPv6Address(value))
    if field in (Field.ETH_TYPE, Field.METADATA, Field.VLAN_VID):
        return f"{value:#x}"
    return str(value)


def _bucket(bucket: Bucket, kind: GroupKind) -> str:
    parts = [f"weight:{bucket.weight}"] if kind is GroupKind.SELECT else []
    parts += [f"watch_port:{bucket.watch_port}"] if bucket.watch_port is not None else []
    actions = ",".join(action_text(action) for action in bucket.actions) or "drop"
    return ",".join([*parts, f"actions={actions}"])

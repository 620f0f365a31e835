"""The framework's messages to values of the model: the long way round, and the oracle of the short one.

`controller/southbound/decode` reads bytes; this reads what the framework has read. Both must come to the same
values, on each framework: tests/southbound/test_decode.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from controller.dataplane.pinned import flow_of
from controller.model.errors import ModelError
from controller.model.flow import (
    Action,
    Bucket,
    DecrementTtl,
    Field,
    FlowRule,
    Group,
    GroupKind,
    Match,
    Meter,
    MeterUnit,
    Output,
    ReservedPort,
    SetField,
    Term,
    ToGroup,
)
from controller.model.identity import PortNo, parse_mac
from controller.model.topology import DEFAULT_CAPACITY_BPS, Port
from controller.model.traffic import FlowCount, PortCounters
from controller.southbound.decode import UNSPEAKABLE
from controller.southbound.framework import Framework

_FIELD_BY_NUMBER = {field.number: field for field in Field}
_OXM_CLASS = 0x8000


class Inexpressible(ModelError):
    """The model has no word for what a switch holds."""


# --- rules --------------------------------------------------------------------------------------------------


def rule(framework: Framework, entry: Any) -> FlowRule:
    """A rule from one entry of flow statistics, or from a message that installs one.

    Raises `Inexpressible` when its place (table, priority, match) cannot be said.
    """
    where = match(framework, entry.match)
    try:
        meter, actions, goto = _instructions(framework, entry.instructions)
    except Inexpressible:
        meter, actions, goto = None, (UNSPEAKABLE,), None
    return FlowRule(
        table=entry.table_id,
        priority=entry.priority,
        match=where,
        actions=actions,
        goto=goto,
        meter=meter,
        idle_timeout_s=entry.idle_timeout,
        hard_timeout_s=entry.hard_timeout,
        cookie=entry.cookie,
    )


def match(framework: Framework, wanted: Any) -> Match:
    """A match; raises `Inexpressible` for a field, mask or combination that the model does not know."""
    terms = [_term(framework, name, value) for name, value in wanted.items()]
    try:
        return Match(tuple(sorted(terms, key=lambda term: term.field.number)))
    except Inexpressible:
        raise
    except ModelError as error:
        raise Inexpressible(str(error)) from None


def _term(framework: Framework, name: str, spelled: Any) -> Term:
    number, value, mask = framework.constants.oxm_from_user(name, spelled)
    field = (
        _FIELD_BY_NUMBER.get(number & 0x7F) if isinstance(number, int) and number >> 7 == _OXM_CLASS else None
    )
    if field is None:
        raise Inexpressible(f"match field {name}")
    bits = field.full_mask if mask is None else int.from_bytes(mask) & field.full_mask
    return Term(field, int.from_bytes(value) & bits, bits)


def _instructions(
    framework: Framework, wanted: list[Any]
) -> tuple[int | None, tuple[Action, ...], int | None]:
    constants = framework.constants
    meter: int | None = None
    goto: int | None = None
    actions: tuple[Action, ...] = ()
    for each in wanted:
        if each.type == constants.OFPIT_METER:
            meter = each.meter_id
        elif each.type == constants.OFPIT_APPLY_ACTIONS:
            actions = tuple(action(framework, one) for one in each.actions)
        elif each.type == constants.OFPIT_GOTO_TABLE:
            goto = each.table_id
        else:
            raise Inexpressible(f"instruction {each.type}")
    return meter, actions, goto


def action(framework: Framework, wanted: Any) -> Action:
    """One action; raises `Inexpressible` for one that the model does not have."""
    translate = _ACTIONS.get(type(wanted).__name__)
    if translate is None:
        raise Inexpressible(f"action {type(wanted).__name__}")
    return translate(framework, wanted)


def _output(framework: Framework, wanted: Any) -> Action:
    # A length limit means something only on the way to the controller; switches report it differently
    # elsewhere.
    to_controller = wanted.port == ReservedPort.CONTROLLER
    return Output(wanted.port, wanted.max_len if to_controller else 0)


def _set_field(framework: Framework, wanted: Any) -> Action:
    term = _term(framework, wanted.key, wanted.value)
    if term.mask != term.field.full_mask:
        raise Inexpressible("a set-field with a mask")
    return SetField(term.field, term.value)


_ACTIONS: dict[str, Callable[[Framework, Any], Action]] = {
    "OFPActionOutput": _output,
    "OFPActionGroup": lambda framework, wanted: ToGroup(wanted.group_id),
    "OFPActionSetField": _set_field,
    "OFPActionDecNwTtl": lambda framework, wanted: DecrementTtl(),
}


# --- groups and meters --------------------------------------------------------------------------------------


def group(framework: Framework, entry: Any) -> Group:
    """A group from one entry of a group description, or from a message that installs one.

    A bucket that the model does not have words for reads as `UNSPEAKABLE`, so that the group can be replaced.
    Raises `Inexpressible` for a type of group that OpenFlow 1.3 does not have.
    """
    kind = _kind(entry.type)
    buckets = tuple(_bucket(framework, each, kind) for each in entry.buckets)
    return Group(entry.group_id, kind, buckets)


def _kind(number: int) -> GroupKind:
    try:
        return GroupKind(number)
    except ValueError:
        raise Inexpressible(f"group type {number}") from None


def _bucket(framework: Framework, entry: Any, kind: GroupKind) -> Bucket:
    constants = framework.constants
    try:
        actions = tuple(action(framework, each) for each in entry.actions)
    except Inexpressible:
        actions = (UNSPEAKABLE,)
    watched = None if entry.watch_port == constants.OFPP_ANY else entry.watch_port
    if kind is GroupKind.SELECT and entry.weight < 1:
        return Bucket((UNSPEAKABLE,), 1, watched)
    return Bucket(actions, entry.weight, watched)


def meter(framework: Framework, entry: Any) -> Meter:
    """A meter from one entry of a meter configuration, or from a message that installs one.

    Raises `Inexpressible` unless it has exactly one band, and that band drops.
    """
    constants = framework.constants
    if len(entry.bands) != 1 or entry.bands[0].type != constants.OFPMBT_DROP:
        raise Inexpressible(f"meter {entry.meter_id}: not one band that drops")
    band = entry.bands[0]
    unit = MeterUnit.PKTPS if entry.flags & constants.OFPMF_PKTPS else MeterUnit.KBPS
    burst = band.burst_size if entry.flags & constants.OFPMF_BURST else 0
    return Meter(entry.meter_id, band.rate, unit, burst)


# --- ports and counters -------------------------------------------------------------------------------------


def port(framework: Framework, entry: Any) -> Port | None:
    """A port as its switch describes it, or None for a reserved one such as the switch's own host (LOCAL)."""
    constants = framework.constants
    if not 0 < entry.port_no <= constants.OFPP_MAX:
        return None
    down = entry.config & constants.OFPPC_PORT_DOWN or entry.state & constants.OFPPS_LINK_DOWN
    return Port(
        number=PortNo(entry.port_no),
        name=entry.name.decode("utf-8", "replace"),
        mac=parse_mac(entry.hw_addr),
        live=not down,
        capacity_bps=entry.curr_speed * 1000 or DEFAULT_CAPACITY_BPS,
    )


_ABSENT = 0xFFFFFFFFFFFFFFFF  # a counter that the switch does not keep (OpenFlow 1.3.5, section 7.3.5)


def port_counters(entry: Any) -> PortCounters:
    """The counters of one port; those that the switch does not keep read as zero."""
    kept = {
        name: 0 if (value := getattr(entry, name)) == _ABSENT else value
        for name in (
            "rx_packets",
            "tx_packets",
            "rx_bytes",
            "tx_bytes",
            "rx_dropped",
            "tx_dropped",
            "rx_errors",
            "tx_errors",
        )
    }
    return PortCounters(port=PortNo(entry.port_no), **kept, alive_s=entry.duration_sec)


def flow_count(framework: Framework, entry: Any) -> FlowCount | None:
    """What a rule about one flow has counted; None for any other rule, and where nothing is counted."""
    try:
        key = flow_of(match(framework, entry.match))
    except ModelError:
        return None
    if key is None or _ABSENT in (entry.packet_count, entry.byte_count):
        return None
    return FlowCount(key, entry.packet_count, entry.byte_count)


# --- errors -------------------------------------------------------------------------------------------------


def error(framework: Framework, message: Any) -> tuple[int, int, str]:
    """Type and code of an error message, and both in OpenFlow's words: `FLOW_MOD_FAILED TABLE_FULL`."""
    constants, kind = framework.constants, message.type
    if kind == constants.OFPET_EXPERIMENTER:
        return kind, message.exp_type, f"EXPERIMENTER {message.experimenter:#x}"
    words = constants.ofp_error_type_to_str(kind), constants.ofp_error_code_to_str(kind, message.code)
    return kind, message.code, " ".join(word.split("(")[0].split("_", 1)[-1] for word in words)

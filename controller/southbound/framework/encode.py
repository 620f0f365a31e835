"""Commands to bytes, through the framework's own message classes.

This is the slow way, fifty microseconds and more a rule: for questions, of which there are few, and as the
oracle of the fast one (`southbound/encode`), which must give the same bytes. `bench/programming.py` measures
the two side by side.

Each command is one message, but for `ReadProgram`, which is three questions. The framework's classes want
match fields in their own spelling ('ipv4_dst', '10.0.0.0'); they offer the translation from field number
and bytes, and so there is no table of fields here.

A rule's instructions stand in one order, meter, actions, next table, which is the order in which a switch
carries them out (OpenFlow 1.3.5, section 5.9) and the only one that Open vSwitch takes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import singledispatch
from typing import Any

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
    ReadCounters,
    ReadFlowCounters,
    ReadProgram,
    SendFrame,
    SetRule,
)
from controller.model.flow import (
    Action,
    Bucket,
    Cookie,
    DecrementTtl,
    Field,
    FlowRule,
    Group,
    Match,
    Meter,
    MeterUnit,
    Output,
    SetField,
    ToGroup,
)
from controller.southbound.framework import Framework

_OXM_CLASS = 0x8000  # OFPXMC_OPENFLOW_BASIC
NO_BUFFER = 0xFFFFFFFF

Build = Callable[[Framework], Any]


def framework_encode(
    framework: Framework, command: Command, next_xid: Callable[[], int]
) -> list[tuple[int, bytes]]:
    """The messages of a command, each with the transaction that it carries, in the order of sending."""
    built = []
    for message in messages(command, framework):
        message.xid = next_xid()
        message.serialize()
        built.append((message.xid, bytes(message.buf)))
    return built


@singledispatch
def messages(command: Command, framework: Framework) -> list[Any]:
    """The framework's message objects for a command, not yet serialised."""
    raise TypeError(f"{type(command).__name__} is not a command")


# --- rules --------------------------------------------------------------------------------------------------


@messages.register
def _(command: SetRule, framework: Framework) -> list[Any]:
    return [
        _flow_mod(
            framework, command.rule, framework.constants.OFPFC_ADD, instructions(framework, command.rule)
        )
    ]


@messages.register
def _(command: DeleteRule, framework: Framework) -> list[Any]:
    return [_flow_mod(framework, command.rule, framework.constants.OFPFC_DELETE_STRICT, [])]


def _flow_mod(framework: Framework, rule: FlowRule, verb: int, what: list[Any]) -> Any:
    constants = framework.constants
    return framework.messages.OFPFlowMod(
        framework.switch,
        cookie=rule.cookie if verb == constants.OFPFC_ADD else 0,
        table_id=rule.table,
        command=verb,
        idle_timeout=rule.idle_timeout_s,
        hard_timeout=rule.hard_timeout_s,
        priority=rule.priority,
        buffer_id=NO_BUFFER,
        out_port=constants.OFPP_ANY,
        out_group=constants.OFPG_ANY,
        match=match(framework, rule.match),
        instructions=what,
    )


def match(framework: Framework, wanted: Match) -> Any:
    """The framework's match; the terms are in the model's order, which satisfies prerequisites."""
    ordered = [field(framework, term.field, term.value, term.mask) for term in wanted]
    return framework.messages.OFPMatch(_ordered_fields=ordered)


def field(framework: Framework, of: Field, value: int, mask: int | None = None) -> tuple[str, Any]:
    """The framework's spelling of a field with its value, and its mask unless that is full."""
    size = (of.bits + 7) // 8
    mask_bytes = None if mask is None or mask == of.full_mask else mask.to_bytes(size)
    spelled: tuple[str, Any] = framework.constants.oxm_to_user(
        _OXM_CLASS << 7 | of.number, value.to_bytes(size), mask_bytes
    )
    return spelled


def instructions(framework: Framework, rule: FlowRule) -> list[Any]:
    """What the rule does, in the framework's classes."""
    of, wanted = framework.messages, []
    if rule.meter is not None:
        wanted.append(of.OFPInstructionMeter(rule.meter))
    if rule.actions:
        applied = [action(framework, each) for each in rule.actions]
        wanted.append(of.OFPInstructionActions(framework.constants.OFPIT_APPLY_ACTIONS, applied))
    if rule.goto is not None:
        wanted.append(of.OFPInstructionGotoTable(rule.goto))
    return wanted


def action(framework: Framework, wanted: Action) -> Any:
    """One action in the framework's classes."""
    of = framework.messages
    match wanted:
        case Output(port, max_len):
            return of.OFPActionOutput(int(port), max_len)
        case ToGroup(group_id):
            return of.OFPActionGroup(group_id)
        case SetField(target, value):
            return of.OFPActionSetField(**dict([field(framework, target, value)]))
        case DecrementTtl():
            return of.OFPActionDecNwTtl()


# --- groups and meters --------------------------------------------------------------------------------------


@messages.register
def _(command: AddGroup, framework: Framework) -> list[Any]:
    return [_group_mod(framework, command.group, framework.constants.OFPGC_ADD)]


@messages.register
def _(command: ModifyGroup, framework: Framework) -> list[Any]:
    return [_group_mod(framework, command.group, framework.constants.OFPGC_MODIFY)]


@messages.register
def _(command: DeleteGroup, framework: Framework) -> list[Any]:
    verb = framework.constants.OFPGC_DELETE
    return [framework.messages.OFPGroupMod(framework.switch, verb, 0, command.group_id, [])]


def _group_mod(framework: Framework, group: Group, verb: int) -> Any:
    buckets = [_bucket(framework, bucket) for bucket in group.buckets]
    return framework.messages.OFPGroupMod(framework.switch, verb, group.kind.value, group.group_id, buckets)


def _bucket(framework: Framework, bucket: Bucket) -> Any:
    constants = framework.constants
    return framework.messages.OFPBucket(
        weight=bucket.weight,
        watch_port=constants.OFPP_ANY if bucket.watch_port is None else bucket.watch_port,
        watch_group=constants.OFPG_ANY,
        actions=[action(framework, each) for each in bucket.actions],
    )


@messages.register
def _(command: AddMeter, framework: Framework) -> list[Any]:
    return [_meter_mod(framework, command.meter, framework.constants.OFPMC_ADD)]


@messages.register
def _(command: ModifyMeter, framework: Framework) -> list[Any]:
    return [_meter_mod(framework, command.meter, framework.constants.OFPMC_MODIFY)]


@messages.register
def _(command: DeleteMeter, framework: Framework) -> list[Any]:
    verb = framework.constants.OFPMC_DELETE
    return [framework.messages.OFPMeterMod(framework.switch, verb, 0, command.meter_id, [])]


def _meter_mod(framework: Framework, meter: Meter, verb: int) -> Any:
    constants = framework.constants
    flags = constants.OFPMF_KBPS if meter.unit is MeterUnit.KBPS else constants.OFPMF_PKTPS
    if meter.burst:  # without the flag Open vSwitch ignores the burst
        flags |= constants.OFPMF_BURST
    band = framework.messages.OFPMeterBandDrop(rate=meter.rate, burst_size=meter.burst)
    return framework.messages.OFPMeterMod(framework.switch, verb, flags, meter.meter_id, [band])


# --- frames, barriers, questions ----------------------------------------------------------------------------


@messages.register
def _(command: SendFrame, framework: Framework) -> list[Any]:
    actions = [action(framework, each) for each in command.actions]
    return [
        framework.messages.OFPPacketOut(
            framework.switch, NO_BUFFER, int(command.in_port), actions, data=command.data
        )
    ]


@messages.register
def _(command: Barrier, framework: Framework) -> list[Any]:
    return [framework.messages.OFPBarrierRequest(framework.switch)]


@messages.register
def _(command: ReadProgram, framework: Framework) -> list[Any]:
    of, constants, switch = framework.messages, framework.constants, framework.switch
    anything = of.OFPMatch()
    return [
        of.OFPFlowStatsRequest(
            switch, 0, constants.OFPTT_ALL, constants.OFPP_ANY, constants.OFPG_ANY, 0, 0, anything
        ),
        of.OFPGroupDescStatsRequest(switch, 0),
        of.OFPMeterConfigStatsRequest(switch, 0, constants.OFPM_ALL),
    ]


_OWNER_OF_COOKIE = 0xFFF0_0000_0000_0000


@messages.register
def _(command: ReadFlowCounters, framework: Framework) -> list[Any]:
    of, constants = framework.messages, framework.constants
    return [
        of.OFPFlowStatsRequest(
            framework.switch,
            0,
            int(command.table),
            constants.OFPP_ANY,
            constants.OFPG_ANY,
            Cookie(command.owner).pack(),
            _OWNER_OF_COOKIE,
            of.OFPMatch(),
        )
    ]


@messages.register
def _(command: ReadCounters, framework: Framework) -> list[Any]:
    of, every = framework.messages, framework.constants
    return [
        of.OFPPortStatsRequest(framework.switch, 0, every.OFPP_ANY),
        of.OFPQueueStatsRequest(framework.switch, 0, every.OFPP_ANY, every.OFPQ_ALL),
    ]

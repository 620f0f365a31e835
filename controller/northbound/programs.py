"""Answers about one switch's program: its rules by table, its groups and meters, as the switch has confirmed
them."""

from __future__ import annotations

from controller.dataplane.pinned import flow_of
from controller.dataplane.pipeline import PURPOSE, Table
from controller.dataplane.render import group_text, meter_text, rule_text
from controller.model.flow import Cookie, FlowRule, Output
from controller.model.identity import dpid_text
from controller.model.program import EMPTY_PROGRAM, SwitchProgram
from controller.northbound.names import Names
from controller.northbound.shown import Json
from controller.northbound.surface import Snapshot


def rules(snapshot: Snapshot, switch: str) -> Json:
    """All that a switch holds, in ovs-ofctl's text. Raises `OperatorError` for a switch that is not known."""
    names = Names(snapshot.topology, snapshot.blueprint)
    dpid = names.find_switch(switch)
    program = snapshot.installed.get(dpid, EMPTY_PROGRAM)
    return {
        "switch": names.switch(dpid),
        "dpid": dpid_text(dpid),
        "connected": dpid in snapshot.connected,
        "tables": [_table(number, program) for number in _tables(program)],
        "groups": [
            {"group": number, "text": group_text(group)} for number, group in sorted(program.groups.items())
        ],
        "meters": [
            {"meter": number, "text": meter_text(meter)} for number, meter in sorted(program.meters.items())
        ],
    }


def _tables(program: SwitchProgram) -> list[int]:
    """The pipeline's tables, and whatever others the switch has rules in."""
    return sorted({int(table) for table in Table} | {rule.table for rule in program.rules.values()})


def _table(number: int, program: SwitchProgram) -> Json:
    table = Table(number) if number in set(Table) else None
    return {
        "table": number,
        "name": table.name.lower() if table is not None else None,
        "purpose": PURPOSE[table] if table is not None else None,
        "rules": [_rule(rule, program) for rule in program.table(number)],
    }


def _rule(rule: FlowRule, program: SwitchProgram) -> Json:
    cookie = Cookie.unpack(rule.cookie)
    shown: Json = {
        "priority": rule.priority,
        "owner": rule.owner.name.lower() if rule.owner else None,
        "life": cookie.life if cookie else None,
        "text": rule_text(rule),
    }
    flow = flow_of(rule.match) if rule.table == Table.PINS else None
    if flow is not None:
        shown |= {"flow": str(flow), "ports": _in_turn(rule, program)}
    return shown


def _in_turn(rule: FlowRule, program: SwitchProgram) -> list[int]:
    """The ports that a pin tries, one after the other."""
    groups = (program.groups[number] for number in rule.groups if number in program.groups)
    buckets = (bucket for group in groups for bucket in group.buckets)
    return [action.port for bucket in buckets for action in bucket.actions if isinstance(action, Output)]

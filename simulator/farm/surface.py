"""What can be asked of a running farm: one JSON object asks, one answers.

    {"do": "status"}                        the farm in numbers, with the times of its milestones
    {"do": "counters"}                      of each switch; with "switch": "s1", of that one
    {"do": "mark"}                          from now on count anew what is changed
    {"do": "since"}                         what has been changed since the mark, and where
    {"do": "happen", "event": {...}}        an event, as in a script but without its time, happens now
    {"do": "history"}                       events that have happened, with their times
    {"do": "tables", "switch": "s1"}        what a switch holds, in the words of ovs-ofctl
    {"do": "snapshot", "to": "/some/file"}  write what all switches hold to a file, for a proof
    {"do": "stop"}

An answer is `{"ok": ...}` or `{"error": "one line"}`. All times are seconds of CLOCK_MONOTONIC, which every
process of the machine reads alike.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from controller.dataplane.render import render_program
from controller.model.errors import OperatorError, TreadleError
from simulator.fabric.snapshot import of_fabric
from simulator.farm.script import parse_event
from simulator.switch.counters import Counters
from simulator.switch.switch import Switch
from simulator.switch.wire import Type

if TYPE_CHECKING:
    from simulator.farm.farm import Farm

Json = dict[str, Any]


def answer(farm: Farm, request: Any) -> Json:
    """The answer to a request; never raises for what it says."""
    if not isinstance(request, dict) or request.get("do") not in _ANSWERS:
        return {"error": f'a request is an object with "do", one of {", ".join(_ANSWERS)}'}
    try:
        return {"ok": _ANSWERS[request["do"]](farm, request)}
    except (TreadleError, OSError) as error:
        return {"error": str(error)}


def status(farm: Farm) -> Json:
    """The farm in numbers."""
    switches = list(farm.fabric.switches.values())
    counters = [switch.counters for switch in switches]
    return {
        "fabric": farm.fabric.blueprint.name,
        "now_s": farm.now_s,
        "began_s": farm.began_s,
        "switches": len(switches),
        "ready": farm.ready,
        "hosts": len(farm.fabric.hosts),
        "hosts_heard": sum(host.announced for host in farm.fabric.hosts.values()),
        "rules": sum(len(switch.tables) for switch in switches),
        "groups": sum(len(switch.tables.groups.held) for switch in switches),
        "meters": sum(len(switch.tables.meters.held) for switch in switches),
        "refused": sum(each.refused for each in counters),
        "repeated": sum(switch.tables.repeated for switch in switches),
        "packet_ins_lost": sum(each.packet_ins_lost for each in counters),
        "storms": farm.fabric.storms,
        "events": len(farm.history),
        "received": _by_type([each.received for each in counters]),
        "sent": _by_type([each.sent for each in counters]),
        **milestones(counters),
    }


def milestones(counters: list[Counters]) -> Json:
    """When the first, the last or the latest switch got there. A last is None until all of them have."""
    return {
        "first_connected_s": _first(each.connected_s for each in counters),
        "last_connected_s": _last([each.connected_s for each in counters]),
        "last_ready_s": _last([each.ready_s for each in counters]),
        "first_frame_s": _first(each.first_frame_s for each in counters),
        "latest_frame_s": _latest(each.last_frame_s for each in counters),
        "first_change_s": _first(each.first_change_s for each in counters),
        "latest_change_s": _latest(each.last_change_s for each in counters),
        "latest_barrier_s": _latest(each.last_barrier_s for each in counters),
        "latest_byte_s": _latest(each.last_byte_s for each in counters),
    }


def since(farm: Farm) -> Json:
    """What has been changed since the mark."""
    touched = {}
    for dpid, switch in farm.fabric.switches.items():
        before = farm.marked.get(dpid)
        change = _change(switch, before) if before is not None else None
        if change is not None:
            touched[switch.name] = change
    return {
        "marked_s": farm.marked_s,
        "now_s": farm.now_s,
        "switches": len(touched),
        **{key: sum(each[key] for each in touched.values()) for key in _COUNTED},
        "first_s": _first(each["first_s"] for each in touched.values()),
        "last_s": _latest(each["last_s"] for each in touched.values()),
        "last_barrier_s": _latest(each["last_barrier_s"] for each in touched.values()),
        "touched": touched,
    }


_COUNTED = ("flow_mods", "group_mods", "meter_mods", "repeated", "refused")


def tally(switch: Switch) -> tuple[int, ...]:
    """What `since` counts, as of now."""
    received = switch.counters.received
    return (
        received[Type.FLOW_MOD],
        received[Type.GROUP_MOD],
        received[Type.METER_MOD],
        switch.tables.repeated,
        switch.counters.refused,
    )


def _change(switch: Switch, before: tuple[int, ...]) -> Json | None:
    change = {key: now - old for key, now, old in zip(_COUNTED, tally(switch), before, strict=True)}
    if not any(change.values()):
        return None
    counters = switch.counters
    times = {
        "first_s": counters.first_change_s,
        "last_s": counters.last_change_s,
        "last_barrier_s": counters.last_barrier_s,
    }
    return {**change, **times}


def _mark(farm: Farm, request: Json) -> Json:
    farm.mark()
    return {"marked_s": farm.marked_s}


def _counters(farm: Farm, request: Json) -> Json:
    chosen = farm.fabric.switches.values() if request.get("switch") is None else [_switch(farm, request)]
    return {switch.name: switch.counters.as_dict() for switch in chosen}


def _happen(farm: Farm, request: Json) -> Json:
    event = parse_event(json.dumps(request.get("event")), farm.fabric.blueprint)
    return {"at_s": farm.happen(event)}


def _history(farm: Farm, request: Json) -> Json:
    return {"events": [{"at_s": at_s, "event": repr(event)} for at_s, event in farm.history]}


def _tables(farm: Farm, request: Json) -> Json:
    return {"text": render_program(_switch(farm, request).tables.program())}


def _snapshot(farm: Farm, request: Json) -> Json:
    if not isinstance(request.get("to"), str):
        raise OperatorError("'snapshot' needs the path of a file in \"to\"")
    taken = of_fabric(farm.fabric)
    return {"at_s": taken.at_s, "rules": taken.rules, "bytes": taken.write(Path(request["to"]))}


def _stop(farm: Farm, request: Json) -> Json:
    farm.stopping = True
    return {}


def _switch(farm: Farm, request: Json) -> Switch:
    known = farm.fabric.blueprint.switch_by_name
    name = request.get("switch")
    if not isinstance(name, str) or name not in known:
        raise OperatorError(f"there is no switch '{name}'")
    return farm.fabric.switches[known[name].dpid]


_ANSWERS: dict[str, Callable[[Farm, Json], Json]] = {
    "status": lambda farm, request: status(farm),
    "counters": _counters,
    "mark": _mark,
    "since": lambda farm, request: since(farm),
    "happen": _happen,
    "history": _history,
    "tables": _tables,
    "snapshot": _snapshot,
    "stop": _stop,
}


def _first(times: Iterable[float | None]) -> float | None:
    return min((time_s for time_s in times if time_s is not None), default=None)


def _latest(times: Iterable[float | None]) -> float | None:
    return max((time_s for time_s in times if time_s is not None), default=None)


def _last(times: list[float | None]) -> float | None:
    return None if None in times else _latest(times)


def _by_type(all_counted: list[list[int]]) -> dict[str, int]:
    sums = map(sum, zip(*all_counted, strict=True))
    return {kind.name: total for kind, total in zip(Type, sums, strict=True) if total}

"""Values as JSON and back: how the journal writes events and commands.

Any frozen dataclass of the model is written as `{"ClassName": {field: value}}`, fields that hold their
default left out; an enum member as `{"EnumName": "MEMBER"}`; bytes as `{"hex": "..."}`. Everything else
is JSON's own. Tuples come back as tuples, because the model has no lists. `decode(encode(x)) == x` for
every event and command."""

from __future__ import annotations

import dataclasses
import inspect
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, IntEnum
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import ModuleType, NoneType
from typing import Any

from controller.model import command, demand, event, flow, health, identity, program, topology, traffic
from controller.model.errors import ModelError

_MODULES: tuple[ModuleType, ...] = (
    command,
    demand,
    event,
    flow,
    health,
    identity,
    program,
    topology,
    traffic,
)


def encode(value: Any) -> str:
    """The value as JSON text without spaces; the same value gives the same text.

    Written straight into text: a start of a large fabric puts a hundred thousand commands into a journal, and
    an intermediate tree of dictionaries would cost four times as much.
    """
    return _writer(type(value))(value)


Writer = Callable[[Any], str]


_known: dict[type, Writer] = {}


def _writer(kind: type) -> Writer:
    """How values of exactly this type are written."""
    writer = _known.get(kind)
    if writer is None:
        writer = _known[kind] = _new_writer(kind)
    return writer


def _new_writer(kind: type) -> Writer:
    for wanted, writer in _WRITERS:
        if issubclass(kind, wanted):
            return writer
    if dataclasses.is_dataclass(kind):
        return _fields_writer(kind)
    raise ModelError(f"{kind.__name__} has no place in a journal")


def _fields_writer(kind: type) -> Writer:
    """The fields that do not hold their default, in the order of declaration."""
    opening, names = f'{{"{kind.__name__}":{{', [entry for entry in dataclasses.fields(kind) if entry.init]
    plan = [(entry.name, f'"{entry.name}":', entry.default) for entry in names]

    def write(value: Any) -> str:
        written = [
            key + _writer(type(held))(held)
            for name, key, default in plan
            if (held := getattr(value, name)) is not default and held != default
        ]
        return opening + ",".join(written) + "}}"

    return write


def _list(items: Iterable[Any]) -> str:
    return "[" + ",".join([_writer(type(item))(item) for item in items]) + "]"


def _map(value: Mapping[Any, Any]) -> str:
    return '{"map":' + _list(value.items()) + "}"


def _parts(key: demand.FlowKey) -> tuple[str | int, ...]:
    return str(key.src), str(key.dst), key.protocol, key.src_port, key.dst_port


def _sample_parts(sample: traffic.FlowSample) -> tuple[Any, ...]:
    entered = sample.entered
    return entered.dpid, entered.port, sample.left, *_parts(sample.key), sample.frame_bytes, sample.one_in


def _flow_sample(parts: Sequence[Any]) -> traffic.FlowSample:
    dpid, port, left, *key, frame_bytes, one_in = parts
    entered = identity.PortRef(identity.Dpid(dpid), identity.PortNo(port))
    return traffic.FlowSample(entered, left, _flow_key(key), frame_bytes, one_in)


def _flow_key(parts: Sequence[Any]) -> demand.FlowKey:
    src, dst, *rest = parts
    return demand.FlowKey(ip_address(src), ip_address(dst), *rest)


_WRITERS: tuple[tuple[type, Writer], ...] = (
    (IntEnum, lambda value: str(int(value))),
    (NoneType, lambda value: "null"),
    (bool, lambda value: "true" if value else "false"),
    (int, int.__repr__),
    (float, json.dumps),
    (str, json.dumps),
    (bytes, lambda value: f'{{"hex":"{value.hex()}"}}'),
    (Enum, lambda value: f'{{"{type(value).__name__}":"{value.name}"}}'),
    (flow.Term, lambda term: f'{{"Term":["{term.field.name}",{int(term.value)},{term.mask}]}}'),
    (identity.PortRef, lambda at: f'{{"PortRef":[{at.dpid},{at.port}]}}'),
    (traffic.PortCounters, lambda counters: f'{{"PortCounters":[{",".join(map(str, counters))}]}}'),
    (traffic.FlowCount, lambda count: f'{{"FlowCount":{_list((*_parts(count.key), *count[1:]))}}}'),
    (traffic.FlowSample, lambda sample: f'{{"FlowSample":{_list(_sample_parts(sample))}}}'),
    (demand.FlowKey, lambda key: f'{{"FlowKey":{_list(_parts(key))}}}'),
    (Mapping, _map),
    (IPv4Address, lambda value: f'{{"ip":"{value}"}}'),
    (IPv6Address, lambda value: f'{{"ip":"{value}"}}'),
    (tuple, _list),
    (list, _list),
    (frozenset, lambda value: '{"set":' + _list(sorted(value)) + "}"),
)
"""The first that fits counts."""


def decode(data: Any) -> Any:
    """The value that `encode` made this of; raises `ModelError` for anything else."""
    if isinstance(data, list):
        return tuple(decode(item) for item in data)
    if not isinstance(data, dict):
        return data
    if len(data) != 1:
        raise ModelError("a journal value has one tag")
    ((tag, body),) = data.items()
    special = _DECODERS.get(tag)
    if special:
        return special(body)
    made = _types().get(tag)
    if made is None:
        raise ModelError(f"'{tag}' is not a kind of value that a journal holds")
    if issubclass(made, Enum):
        return made[body]
    return made(**{name: decode(item) for name, item in body.items()})


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "hex": bytes.fromhex,
    "ip": ip_address,
    "map": lambda body: {decode(key): decode(item) for key, item in body},
    "set": lambda body: frozenset(decode(item) for item in body),
    "PortRef": lambda body: identity.PortRef(*body),
    "FlowKey": _flow_key,
    "FlowSample": _flow_sample,
    "FlowCount": lambda body: traffic.FlowCount(_flow_key(body[:5]), *body[5:]),
    "PortCounters": lambda body: traffic.PortCounters(*body),
    "Term": lambda body: flow.Term(flow.Field[body[0]], body[1], body[2]),
}


@cache
def _types() -> dict[str, type]:
    found: dict[str, type] = {}
    for module in _MODULES:
        for name, member in inspect.getmembers(module, inspect.isclass):
            if dataclasses.is_dataclass(member) or issubclass(member, Enum):
                found[name] = member
    return found

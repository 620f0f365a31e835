"""Values as JSON and back: how the journal writes events and commands.

Any frozen dataclass of the model is written as `{"ClassName": {field: value}}`, fields that hold their
default left out; an enum member as `{"EnumName": "MEMBER"}`; bytes as `{"hex": "..."}`. Everything else
is JSON's own. Tuples come back as tuples, because the model has no lists. `decode(encode(x)) == x` for
every event and command."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from enum import Enum, IntEnum
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import ModuleType
from typing import Any

from controller.model import command, event, flow, identity, program, topology, traffic
from controller.model.errors import ModelError

_MODULES: tuple[ModuleType, ...] = (command, event, flow, identity, program, topology, traffic)


def encode(value: Any) -> Any:
    """The value as something that `json.dumps` can write."""
    if isinstance(value, IntEnum):
        return int(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, Enum):
        return {type(value).__name__: value.name}
    if isinstance(value, flow.Term):
        return {"Term": [value.field.name, value.value, value.mask]}
    if dataclasses.is_dataclass(value):
        return {type(value).__name__: _fields(value)}
    if isinstance(value, Mapping):
        return {"map": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, IPv4Address | IPv6Address):
        return {"ip": str(value)}
    if isinstance(value, tuple | list):
        return [encode(item) for item in value]
    if isinstance(value, frozenset):
        return {"set": [encode(item) for item in sorted(value)]}
    raise ModelError(f"{type(value).__name__} has no place in a journal")


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


def _fields(value: Any) -> dict[str, Any]:
    out = {}
    for entry in dataclasses.fields(value):
        held = getattr(value, entry.name)
        if not entry.init or (entry.default is not dataclasses.MISSING and held == entry.default):
            continue
        out[entry.name] = encode(held)
    return out


_DECODERS: dict[str, Callable[[Any], Any]] = {
    "hex": bytes.fromhex,
    "ip": ip_address,
    "map": lambda body: {decode(key): decode(item) for key, item in body},
    "set": lambda body: frozenset(decode(item) for item in body),
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

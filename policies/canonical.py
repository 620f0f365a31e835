"""A policy as JSON and back, always the same text for the same policy.

This is how a policy travels: every name is resolved, so that who gets it needs to know no inventory, and two
policies that say the same have the same version, which is a digest of it.

    {"Policy": {"access": [{"Access": {"document": {"Document": {"name": "web", ...}}, "clauses": [...]}}]}}

A value is written under the name of its type, fields that hold their default left out.
"""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Mapping
from enum import Enum
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from controller.model.errors import ModelError
from policies import policy as documents
from policies import predicate
from policies.policy import Policy

VERSION_DIGITS = 12


def version_of(policy: Policy) -> str:
    """The digest of what a policy says, wherever it was written."""
    nameless = dataclasses.replace(policy, version="")
    return hashlib.sha256(_text(_placeless(_plain(nameless))).encode()).hexdigest()[:VERSION_DIGITS]


def _placeless(plain: Any) -> Any:
    """The same without file and line of what was written."""
    if isinstance(plain, list):
        return [_placeless(item) for item in plain]
    if not isinstance(plain, dict):
        return plain
    if plain.keys() == {"Document"}:
        return {"Document": plain["Document"].get("name", "")}
    return {key: _placeless(item) for key, item in plain.items()}


def with_version(policy: Policy) -> Policy:
    """The same policy, which knows its version."""
    return dataclasses.replace(policy, version=version_of(policy))


def write(policy: Policy) -> str:
    """The policy as one line of JSON."""
    return _text(_plain(policy))


def read(text: str) -> Policy:
    """The policy that `write` made this of. Raises `ModelError` for anything else."""
    try:
        found = _value(json.loads(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ModelError(f"this is no policy: {error}") from None
    if not isinstance(found, Policy):
        raise ModelError("this is no policy")
    return found


def _text(plain: Any) -> str:
    return json.dumps(plain, separators=(",", ":"), sort_keys=True)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return {type(value).__name__: value.name}
    if isinstance(value, IPv4Address | IPv6Address):
        return {"ip": str(value)}
    if isinstance(value, IPv4Network | IPv6Network):
        return {"net": str(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        held = ((entry, getattr(value, entry.name)) for entry in dataclasses.fields(value))
        said = {entry.name: _plain(each) for entry, each in held if each != entry.default}
        return {type(value).__name__: said}
    return value


def _value(plain: Any) -> Any:
    if isinstance(plain, list):
        return tuple(_value(item) for item in plain)
    if not isinstance(plain, dict):
        return plain
    ((tag, body),) = plain.items()
    if tag == "ip":
        return ip_address(body)
    if tag == "net":
        return ip_network(body)
    made = _types()[tag]
    if issubclass(made, Enum):
        return made[body]
    return made(**{name: _value(item) for name, item in body.items()})


@cache
def _types() -> Mapping[str, type]:
    found: dict[str, type] = {}
    for module in (documents, predicate):
        for name, member in inspect.getmembers(module, inspect.isclass):
            if dataclasses.is_dataclass(member) or issubclass(member, Enum):
                found[name] = member
    return found

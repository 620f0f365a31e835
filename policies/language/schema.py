"""The language as a JSON Schema (draft 2020-12), so that editors complete and check what is written.

It is made of the same tables of keys that the reader uses (kinds.py, conditions.py), and says of each key
what it may hold and what it is for. Names of hosts and groups it cannot know: `treadle policy validate` does.

    # yaml-language-server: $schema=policy.schema.json
"""

from __future__ import annotations

from typing import Any

from policies.language.conditions import KEYS as CONDITION
from policies.language.conditions import PROTOCOLS
from policies.language.kinds import CLAUSE, COMMON, DSCP, EXPECTATION, KEYS
from policies.policy import MOST_PRECEDENCE, Must
from policies.predicate import LARGEST_PORT

Json = dict[str, Any]
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def _one_or_many(item: Json) -> Json:
    return {"anyOf": [item, {"type": "array", "items": item, "minItems": 1}]}


def _numbers(most: int) -> Json:
    pattern = {"type": "string", "pattern": r"^\d+( *- *\d+)?$"}
    return _one_or_many({"anyOf": [{"type": "integer", "minimum": 0, "maximum": most}, pattern]})


_TEXT: Json = {"type": "string"}
_MEMBERS = _one_or_many(_TEXT)
_CONDITION_REF: Json = {"$ref": "#/$defs/condition"}
_WHOLE_RATE: Json = {"type": "integer", "minimum": 1}
_RATE: Json = {"anyOf": [_WHOLE_RATE, {"type": "string", "pattern": r"^\d+(\.\d+)? *[KMG]?$"}]}
_EFFECT: Json = {"enum": ["allow", "deny"]}
_NAMED_MEMBERS: Json = {"type": "object", "additionalProperties": _MEMBERS, "minProperties": 1}

_VALUES: dict[str, Json] = {
    "kind": {"enum": sorted(KEYS)},
    "name": _TEXT | {"description": "the name of this document, and of no other"},
    "version": {"description": "for whoever keeps the file", "type": ["string", "number"]},
    "about": _TEXT | {"description": "a sentence for people"},
    "precedence": {
        "type": "integer",
        "minimum": 0,
        "maximum": MOST_PRECEDENCE,
        "description": "of documents that disagree the higher one decides; equal ones must not disagree",
    },
    "from": _MEMBERS | {"description": "a group, host, port, prefix or label that it comes from"},
    "to": _MEMBERS | {"description": "a group, host, port, prefix or label that it goes to"},
    "protocol": {"anyOf": [{"enum": sorted(PROTOCOLS)}, {"type": "integer", "minimum": 0, "maximum": 255}]},
    "ports": _numbers(LARGEST_PORT) | {"description": "of the destination: 80, 8000-8099, or a list"},
    "source-ports": _numbers(LARGEST_PORT),
    "icmp-type": _numbers(255),
    "all": {"type": "array", "items": _CONDITION_REF, "minItems": 1},
    "any": {"type": "array", "items": _CONDITION_REF, "minItems": 1},
    "not": _CONDITION_REF,
    "allow": _CONDITION_REF,
    "deny": _CONDITION_REF,
    "log": {"type": "boolean", "description": "show what is denied to the controller"},
    "replies": {"type": "boolean", "description": "whether answers are allowed too (usually they are)"},
    "clauses": {"type": "array", "items": {"$ref": "#/$defs/clause"}},
    "default": _EFFECT | {"description": "for all other packets between the groups in 'between'"},
    "between": _MEMBERS,
    "groups": _NAMED_MEMBERS,
    "labels": _NAMED_MEMBERS,
    "tenants": _NAMED_MEMBERS | {"minProperties": 2},
    "shared": _MEMBERS | {"description": "what all tenants reach, and what reaches them"},
    "dscp": {"anyOf": [{"enum": sorted(DSCP)}, {"type": "integer", "minimum": 0, "maximum": 63}]},
    "rate": _RATE | {"description": "bit/s, as in 20M: what is more is dropped where it enters"},
    "elephant-share": {"type": "number", "minimum": 0, "maximum": 1},
    "elephant-age": {"type": "number", "minimum": 0, "description": "seconds"},
    "expect": {"type": "array", "items": {"$ref": "#/$defs/expectation"}, "minItems": 1},
    "must": {"enum": [each.value for each in Must]},
    "through": _MEMBERS | {"description": "switches, in this order"},
    "survives": {"type": "integer", "minimum": 0, "maximum": 2, "description": "links that may be down"},
    "most-hops": {"type": "integer", "minimum": 1, "description": "switches on the way"},
}
_NEEDED = {
    "groups": ["groups"],
    "labels": ["labels"],
    "access": ["clauses"],
    "tenants": ["tenants"],
    "expect": ["expect"],
}


def schema() -> Json:
    """The schema of one document."""
    return {
        "$schema": DIALECT,
        "title": "a document of a Treadle policy",
        "oneOf": [{"$ref": f"#/$defs/{kind}"} for kind in sorted(KEYS)],
        "$defs": {
            "condition": _object(CONDITION),
            "clause": _object(CLAUSE) | {"oneOf": [{"required": ["allow"]}, {"required": ["deny"]}]},
            "expectation": _object(EXPECTATION, ["from", "to", "must"]),
            **{kind: _document(kind) for kind in sorted(KEYS)},
        },
    }


def _document(kind: str) -> Json:
    made = _object((*COMMON, *KEYS[kind]), ["kind", "name", *_NEEDED.get(kind, [])])
    made["properties"]["kind"] = {"const": kind}
    return made


def _object(keys: tuple[str, ...], needed: list[str] | None = None) -> Json:
    made: Json = {
        "type": "object",
        "properties": {key: _VALUES[key] for key in keys},
        "additionalProperties": False,
    }
    return made | ({"required": needed} if needed else {})

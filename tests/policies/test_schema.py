"""The schema agrees with the reader: what it refuses the reader refuses, and all examples pass."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from policies.language.schema import schema
from policies.language.templates import TEMPLATES

EXAMPLES = Path(__file__).resolve().parents[2] / "policies" / "examples"
TEXTS = [*TEMPLATES.values(), *(path.read_text() for path in sorted(EXAMPLES.glob("*.yaml")))]
DOCUMENTS = [document for text in TEXTS for document in yaml.safe_load_all(text)]


def is_valid(document: Any) -> bool:
    return bool(jsonschema.Draft202012Validator(schema()).is_valid(document))


def test_it_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda each: each["name"])
def test_every_example_and_template_is_valid(document: Any) -> None:
    assert is_valid(document)


@pytest.mark.parametrize(
    "document",
    [
        {"kind": "acces", "name": "a"},
        {"kind": "access", "clauses": []},
        {"kind": "access", "name": "a", "clauses": [{"allow": {}, "deny": {}}]},
        {"kind": "access", "name": "a", "clauses": [{"deny": {"form": "h1"}}]},
        {"kind": "access", "name": "a", "clauses": [], "precedence": 1001},
        {"kind": "access", "name": "a", "clauses": [{"deny": {"ports": 70_000}}]},
        {"kind": "service", "name": "a", "dscp": "AF44"},
        {"kind": "tenants", "name": "a", "tenants": {"one": "h1"}},
        {"kind": "expect", "name": "a", "expect": [{"from": "h1", "to": "h2", "must": "rech"}]},
    ],
)
def test_what_the_reader_refuses_is_not_valid(document: Any) -> None:
    assert not is_valid(document)

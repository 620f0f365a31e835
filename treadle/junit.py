"""JUnit's XML, as continuous integration reads it: a test case for each expectation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree


def junit(name: str, judged: Sequence[dict[str, Any]]) -> str:
    """The report of some expectations (`treadle.policy_plan.judgement_json`)."""
    failures = sum(not each["holds"] for each in judged)
    suite = ElementTree.Element(
        "testsuite", name=name, tests=str(len(judged)), failures=str(failures), errors="0"
    )
    for each in judged:
        title = f"{each['document']} {each['must']}"
        case = ElementTree.SubElement(suite, "testcase", classname=name, name=title)
        if not each["holds"]:
            ElementTree.SubElement(case, "failure", message=each["counterexample"] or "")
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"

"""Policies: what is in force and was, and the requests that change it.

    {"do": "policy"}                     what is in force, whether switches hold it, and all before
    {"do": "policy", "number": 3}        with that entry's policy and documents
    {"do": "policy-apply", "policy": "...", "version": "...", "base": "...", "who": ..., "why": ...,
     "when": ..., "documents": {"web.yaml": "..."}, "confirm_within_s": 60}
    {"do": "policy-confirm"}

What a policy means is for who asks to find out: here it is a text that is kept and handed to the loop. It is
refused if another one is in force than the one that it was meant to replace.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from controller.model.errors import OperatorError
from controller.northbound.answers import failure
from controller.northbound.shown import Json
from controller.northbound.surface import Applied, Surface

_TEXTS = ("policy", "version", "base", "who", "when", "why")


def policy(surface: Surface, request: Any) -> Json:
    """What is in force, and the book. Never raises."""
    snapshot = surface.snapshot()
    try:
        book, number = surface.policies(), request.get("number")
        shown: Json = {
            "version": snapshot.policy_version,
            "policy": snapshot.policy,
            "settled": snapshot.idle,
            "confirm_within_s": None
            if snapshot.policy_due_s is None
            else round(snapshot.policy_due_s - snapshot.now_s, 1),
            "history": [asdict(record) for record in book.records()],
        }
        if number is not None:
            record = next((each for each in book.records() if each.number == number), None)
            if record is None:
                raise OperatorError(
                    f"there is no policy number {number}", mend="see 'treadle policy history'"
                )
            shown["entry"] = {
                **asdict(record),
                "policy": book.resolved(record),
                "documents": book.documents(record),
            }
    except OperatorError as error:
        return failure(str(error))
    return {"ok": shown}


def apply(surface: Surface, request: Any) -> Json:
    """Let a policy be in force; its entry in the book. Never raises."""
    texts = {name: request.get(name) for name in _TEXTS}
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    documents, wait_s = request.get("documents", {}), request.get("confirm_within_s")
    if wrong or not isinstance(documents, dict) or not (wait_s is None or isinstance(wait_s, int | float)):
        return failure(
            f"'policy-apply' needs texts {', '.join(_TEXTS)}, documents by name, and seconds or null"
        )
    try:
        applied = Applied(**texts, documents=documents, confirm_within_s=wait_s)
        return {"ok": asdict(surface.apply_policy(applied))}
    except OperatorError as error:
        return failure(str(error))


def confirm(surface: Surface, _request: Any) -> Json:
    """Let the policy on trial stay. Never raises."""
    try:
        return {"ok": asdict(surface.confirm_policy())}
    except OperatorError as error:
        return failure(str(error))

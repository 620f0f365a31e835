"""`treadle policy`: written in YAML, proven before it is applied, rolled back in one step.

Everything that needs thought is worked out here, in the process of who asks; the controller is given a policy
with all names resolved, and keeps it. Exit status: 0 fine; 1 something does not hold, or is wrong; 2 the
command line.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from controller.documents.blueprints import load_blueprint
from controller.model.errors import OperatorError
from policies.canary import staged
from policies.canonical import read, write
from policies.compile.rules import Compiled
from policies.expectations import Ground
from policies.language.load import Problems, files_of, read_policy
from policies.language.schema import schema as document_schema
from policies.language.templates import TEMPLATES
from policies.policy import EMPTY, Policy
from treadle.commands.asking import asked, print_json, socket_path
from treadle.ground import Fabric, inventory_of, planned, running
from treadle.junit import junit
from treadle.offline import program_of
from treadle.policy_plan import PolicyPlan, judgement_json
from treadle.policy_report import documents_table, plan_text
from treadle.scope import hosts_of
from treadle.tables import console, count, table

Json = dict[str, Any]
_POLL_S = 0.1


# --- reading ------------------------------------------------------------------------------------------------


def new(args: argparse.Namespace) -> int:
    """A commented example of a kind."""
    print(TEMPLATES[args.kind], end="")
    return 0


def schema(args: argparse.Namespace) -> int:
    """The JSON Schema of documents."""
    print_json(document_schema())
    return 0


def validate(args: argparse.Namespace) -> int:
    """All problems of some documents, a line each."""
    try:
        policy = read_policy(_paths(args), inventory_of(_fabric(args)))
    except Problems as problems:
        if args.json:
            print_json({"problems": [_problem(each) for each in problems.found]})
        else:
            print(problems, file=sys.stderr)
        return 1
    if args.json:
        print_json({"problems": [], "version": policy.version})
    else:
        documents = len(documents_table(policy))
        print(f"{count(documents, 'document')} and nothing wrong with them; version {policy.version}")
    return 0


def show(args: argparse.Namespace) -> int:
    """The documents, or those in force."""
    policy = read_policy(_paths(args), inventory_of(_fabric(args))) if args.path else _in_force(args)
    rows = documents_table(policy)
    if args.json:
        print_json({"version": policy.version, "documents": rows})
        return 0
    console().print(
        table(("name", "kind", "precedence", "says", "where"), [list(row.values()) for row in rows])
    )
    print(f"version {policy.version or 'none'}")
    return 0


# --- planning and applying ----------------------------------------------------------------------------------


def plan(args: argparse.Namespace) -> int:
    """What would be different. Exit status 1: an expectation does not hold."""
    made = _planned(args)
    if args.out:
        saved = {**made.as_json(), "documents": _documents(args)}
        Path(args.out).write_text(json.dumps(saved, indent=2) + "\n", encoding="utf-8")
    _print_plan(args, made)
    return 0 if made.is_sound else 1


def apply(args: argparse.Namespace) -> int:
    """Plan, and put in force if all that is expected holds."""
    saved = _saved(args)
    made = _planned(args) if saved is None else None
    if made is not None:
        _print_plan(args, made)
        if not made.is_sound:
            problem = "an expectation does not hold: nothing was applied"
            raise OperatorError(problem, mend="mend the documents, or what is expected")
        saved = {**made.as_json(), "documents": _documents(args)}
    assert saved is not None
    return _put_in_force(args, saved, args.message or "")


def rollback(args: argparse.Namespace) -> int:
    """Put an earlier policy in force again: the one before, or the one with a number."""
    book = asked(args, "policy")
    number = _one_before(book["history"]) if args.number is None else args.number
    saved: Json = {"base": book["version"], "version": "", "policy": "", "documents": {}}
    if number:
        entry = asked(args, "policy", number=number)["entry"]
        saved |= {key: entry[key] for key in ("version", "policy", "documents")}
    return _put_in_force(args, saved, args.message or f"roll back to number {number}")


def _one_before(history: Sequence[Json]) -> int:
    """The number of the entry that the one in force has replaced; 0 where that was no policy at all."""
    standing = [entry for entry in history if entry["state"] != "taken back"]
    if not standing:
        raise OperatorError("no policy is in force: there is nothing to roll back")
    replaced = standing[-1].get("replaces", "")
    earlier = [entry["number"] for entry in standing[:-1] if entry["version"] == replaced]
    return int(earlier[-1]) if replaced and earlier else 0


def confirm(args: argparse.Namespace) -> int:
    """Let the policy that waits for it stay."""
    kept = asked(args, "policy-confirm")
    if args.json:
        print_json(kept)
    else:
        print(f"policy {kept['version']} stays")
    return 0


def _planned(args: argparse.Namespace) -> PolicyPlan:
    fabric = _fabric(args)
    before = EMPTY if args.topology else _in_force(args)
    after = read_policy(_paths(args), inventory_of(fabric))
    if args.only:
        after = staged(before, after, hosts_of(fabric, args.only))
    return PolicyPlan(fabric, before, after)


def _saved(args: argparse.Namespace) -> Json | None:
    """A plan that was written by `plan --out`, if that is what was named."""
    paths = [Path(each) for each in args.path]
    if len(paths) != 1 or paths[0].suffix != ".json":
        return None
    try:
        saved: Json = json.loads(paths[0].read_text(encoding="utf-8"))
        fabric, sound = saved["fabric"], saved["sound"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise OperatorError(f"is no plan: {error}", file=str(paths[0])) from None
    if not sound:
        raise OperatorError(
            "an expectation of this plan does not hold: nothing was applied", file=str(paths[0])
        )
    if running(socket_path(args)).digest != fabric:
        problem = "the fabric, or its hosts, are others than those that the plan was made for"
        raise OperatorError(problem, mend="make the plan again", file=str(paths[0]))
    return saved


def _put_in_force(args: argparse.Namespace, saved: Json, why: str) -> int:
    """Hand it to the controller, and wait until the switches hold it."""
    entry = asked(
        args,
        "policy-apply",
        policy=saved["policy"],
        version=saved["version"],
        base=saved["base"],
        documents=saved["documents"],
        who=getpass.getuser(),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        why=why,
        confirm_within_s=args.confirm_within,
    )
    deadline_s = time.monotonic() + args.timeout
    while time.monotonic() < deadline_s:
        now = asked(args, "policy")
        if now["version"] != saved["version"]:
            mine: Json = next((each for each in now["history"] if each["number"] == entry["number"]), {})
            if mine.get("state") == "taken back":
                print(f"policy {saved['version']} was taken back: {mine['because']}", file=sys.stderr)
                return 1
        elif now["settled"]:
            return _done(args, entry, now)
        time.sleep(_POLL_S)
    print(f"the switches have not confirmed it within {args.timeout:g} s; it is in force", file=sys.stderr)
    return 1


def _done(args: argparse.Namespace, entry: Json, now: Json) -> int:
    if args.json:
        print_json({"entry": entry, "version": now["version"]})
        return 0
    print(f"policy {now['version'] or 'none'} is in force (number {entry['number']})")
    if now["confirm_within_s"] is not None:
        print(f"it is taken back in {now['confirm_within_s']:g} s unless 'treadle policy confirm' is said")
    return 0


def _print_plan(args: argparse.Namespace, made: PolicyPlan) -> None:
    if args.json and getattr(args, "code", "").endswith(":plan"):
        print_json(made.as_json())
    elif not args.json:
        for line in plan_text(made, rules=getattr(args, "rules", False)):
            print(line)


# --- the book -----------------------------------------------------------------------------------------------


def history(args: argparse.Namespace) -> int:
    """Who put what in force, when, and why."""
    book = asked(args, "policy")
    if args.json:
        print_json({"version": book["version"], "history": book["history"]})
        return 0
    columns = ("number", "version", "when", "who", "state", "why")
    rows = [[entry.get(name, "") for name in columns] for entry in book["history"]]
    console().print(table(columns, rows, right=frozenset(("number",))))
    return 0


def diff(args: argparse.Namespace) -> int:
    """How two entries of the book differ: documents as text, or what they do."""
    fabric = _fabric(args)
    one, other = (_entry(args, number) for number in (args.one, args.other))
    made = PolicyPlan(fabric, one, other)
    if args.json:
        print_json(made.as_json())
        return 0
    for line in plan_text(made, rules=args.rules):
        print(line)
    return 0


def _entry(args: argparse.Namespace, number: int) -> Policy:
    if number == 0:
        return EMPTY
    text = asked(args, "policy", number=number)["entry"]["policy"]
    return read(text) if text else EMPTY


# --- testing ------------------------------------------------------------------------------------------------


def test(args: argparse.Namespace) -> int:
    """Judge all expectations on a blueprint: no switch, no root, no controller."""
    return _judged(args, 0, switches=False, seconds=0.0)


def check(args: argparse.Namespace) -> int:
    """The same under the failure of any so many links or switches."""
    return _judged(args, args.failures, switches=not args.links_only, seconds=args.seconds)


def _judged(args: argparse.Namespace, failures: int, *, switches: bool, seconds: float) -> int:
    fabric = _fabric(args)
    policy = read_policy(_paths(args), inventory_of(fabric)) if args.path else _in_force(args)
    wanted = [replace(each, survives=max(each.survives, failures)) for each in policy.expectations]
    text = write(policy)
    ground = Ground(Compiled(policy), fabric.topology, fabric.switches, lambda shown: program_of(shown, text))
    until_s = time.monotonic() + seconds
    judged = ground.judge(wanted, switches=switches, enough=lambda: time.monotonic() >= until_s)
    found = [judgement_json(each) for each in judged]
    if args.junit:
        Path(args.junit).write_text(junit("treadle policy", found), encoding="utf-8")
    held = sum(each["holds"] for each in found)
    if args.json:
        print_json({"version": policy.version, "expectations": found})
    else:
        for each in found:
            mark = "holds" if each["holds"] else "FAILS"
            pairs = count(each["pairs"], "pair")
            sampled = each["holds"] and each["cases"] < each["of_cases"]
            cases = count(each["cases"], "case") + (f" of {each['of_cases']:,} (a sample)" if sampled else "")
            print(f"{mark}  {each['document']}: {each['must']}, {pairs}, {cases}")
            if each["counterexample"]:
                print(f"       {each['counterexample']}")
        print(f"{held} of {count(len(found), 'expectation')} hold")
    return 0 if held == len(found) else 1


# --- what is asked ------------------------------------------------------------------------------------------


def _paths(args: argparse.Namespace) -> list[Path]:
    return [Path(each) for each in args.path]


def _documents(args: argparse.Namespace) -> dict[str, str]:
    """The documents as they were written, by file name; two files of one name keep both."""
    found: dict[str, str] = {}
    for number, path in enumerate(files_of(_paths(args))):
        name = path.name if path.name not in found else f"{number}-{path.name}"
        found[name] = path.read_text(encoding="utf-8")
    return found


def _fabric(args: argparse.Namespace) -> Fabric:
    """The blueprint that was named, or what the running controller sees."""
    return planned(load_blueprint(args.topology)) if args.topology else running(socket_path(args))


def _in_force(args: argparse.Namespace) -> Policy:
    if args.topology:
        return EMPTY
    text = asked(args, "policy")["policy"]
    return read(text) if text else EMPTY


def _problem(error: OperatorError) -> Json:
    return {
        "file": error.file,
        "line": error.line,
        "key": error.key,
        "problem": error.problem,
        "mend": error.mend,
    }

"""`make fuzz`: search both ends of the control channel, and what hosts may say across it, for bytes that they
cannot bear, for a stated time.

Each target (target.py) has its share of the time in a process of its own, one after the other; before that it
takes some ten seconds to begin, in which the code is put under instruments. What it has learnt stays in
`out/fuzz/corpus/`, and the next run goes on from there. A finding is the input that made it, under
`out/fuzz/`, and the line that shows it again; `out/fuzz/report.json` says how many inputs were tried.
Ends with 1 when anything was found.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

OUT = Path("out/fuzz")
TARGETS = ("session-os_ken", "session-ryu", "ovsdb", "switch", "stranger")
_LONGEST_INPUT_BYTES, _PATIENCE_S, _MEMORY_MIB = 4096, 5, 1500
_TRIED = re.compile(r"stat::number_of_executed_units:\s*(\d+)")
_SAVED = re.compile(r"Test unit written to (\S+)")
_COVERED = re.compile(r"cov: (\d+)")


@dataclass(frozen=True)
class Search:
    """What came of one target: inputs tried, places in the code reached, findings (files)."""

    target: str
    seconds: int
    inputs: int
    covered: int
    findings: tuple[str, ...]


def search(target: str, seconds: int) -> Search:
    """Fuzz one target for so long."""
    corpus = OUT / "corpus" / target
    corpus.mkdir(parents=True, exist_ok=True)
    options = [
        f"-max_total_time={seconds}",
        f"-max_len={_LONGEST_INPUT_BYTES}",
        f"-timeout={_PATIENCE_S}",
        f"-rss_limit_mb={_MEMORY_MIB}",
        f"-artifact_prefix={OUT}/{target}-",
        "-len_control=0",
        "-print_final_stats=1",
    ]
    command = [sys.executable, "-W", "ignore", "-m", "tests.fuzz.target", target, *options, str(corpus)]
    run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    log = run.stdout.decode(errors="replace")
    (OUT / f"{target}.log").write_text(log)
    findings = tuple(_SAVED.findall(log))
    if run.returncode and not findings:
        raise SystemExit(f"the fuzzer of {target} did not run: see {OUT}/{target}.log")
    return Search(target, seconds, _last(_TRIED, log), _last(_COVERED, log), findings)


def _last(pattern: re.Pattern[str], log: str) -> int:
    found = pattern.findall(log)
    return int(found[-1]) if found else 0


def main() -> int:
    """Divide the time, search, tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together, once begun")
    parser.add_argument("--target", action="append", choices=TARGETS, help="this one alone; may be repeated")
    asked = parser.parse_args()
    targets = asked.target or list(TARGETS)
    searches = []
    for target in targets:
        done = search(target, max(1, asked.seconds // len(targets)))
        searches.append(done)
        found = f"{len(done.findings)} found" if done.findings else "nothing found"
        print(
            f"{target:16} {done.seconds:4} s {done.inputs:10,} inputs {done.covered:6,} places   {found}",
            flush=True,
        )
        for finding in done.findings:
            print(f"    {sys.executable} -m tests.fuzz.target {target} {finding}")
    print(f"{sum(each.inputs for each in searches):,} inputs tried")
    (OUT / "report.json").write_text(json.dumps([asdict(each) for each in searches], indent=2) + "\n")
    return int(any(each.findings for each in searches))


if __name__ == "__main__":
    sys.exit(main())

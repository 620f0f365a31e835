"""Plain Mininet builds our topologies, with the system's own interpreter.

By Mininet's class and not by its command `mn`: when `mn` fails it removes every emulated link and kills every
host on the machine, of whatever lab. Switches get a prefix, because plain Mininet has no id in its names.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.emulation

_HERE = Path(__file__).resolve().parent
_TOPOLOGIES = _HERE.parents[1] / "mininet_scenarios" / "topologies.py"
_SYSTEM_PYTHON = "/usr/bin/python3"


def _system_python_has_mininet() -> bool:
    asked = [_SYSTEM_PYTHON, "-c", "import mininet.net"]
    return (
        Path(_SYSTEM_PYTHON).exists()
        and subprocess.run(asked, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not _system_python_has_mininet(), reason="the system's Python has no Mininet: make setup")
def test_plain_mininet_builds_a_blueprint_that_carries_tcp() -> None:
    command = [_SYSTEM_PYTHON, str(_HERE / "plain_mininet.py"), str(_TOPOLOGIES), f"p{os.getpid() % 10000}x"]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "dropped": 0.0,
        "tcp": True,
        "ports": [1, 2],
        "silent": ["1", "1"],
        "protocols": "[OpenFlow13]",
    }

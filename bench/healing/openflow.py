"""Peers that are OpenFlow controllers: the commands that start them on a lab.

    stp      the framework's sample: a learning switch under IEEE 802.1D spanning tree
             (ryu.app.simple_switch_stp_13)
    faucet   Faucet with stacking, which is how it runs fabrics with loops

They live in an environment of their own, `out/peers/venv`, made by `make bench-peers`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from controller.model.errors import OperatorError
from mininet_scenarios.controller import ControllerCommand

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / "out/peers/venv/bin/python"

_RYU = (
    "import eventlet.wsgi as wsgi; "
    "wsgi.ALREADY_HANDLED = getattr(wsgi, 'ALREADY_HANDLED', object()); "
    "import sys; from ryu.cmd.manager import main; main(sys.argv[1:])"
)
"""Ryu 4.34 wants a name that newer eventlets have no more."""


def spanning_tree() -> ControllerCommand:
    """The framework's spanning-tree sample switch. Raises `OperatorError` when it is not installed."""
    words = ("--ofp-tcp-listen-port", "{port}", "ryu.app.simple_switch_stp_13")
    return (_python("ryu"), "-c", _RYU, *words)


def faucet() -> ControllerCommand:
    """Faucet. Raises `OperatorError` when it is not installed."""
    places = ("{blueprint}", "{directory}", "{port}")
    return (sys.executable, "-m", "bench.healing.stacking", _python("faucet"), *places)


def _python(package: str) -> str:
    """The interpreter of the peers. Raises `OperatorError`, with the mend."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if not PYTHON.exists() or not (PYTHON.parents[1] / f"lib/{version}/site-packages" / package).is_dir():
        raise OperatorError(f"{package} is not installed for the bench", mend="make bench-peers")
    return str(PYTHON)

"""What the asking commands share: where the controller's socket is, and printing JSON."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from controller.northbound.client import ask
from controller.runtime.settings import ENVIRONMENT_PREFIX, default_socket


def socket_path(args: argparse.Namespace) -> Path:
    """The flag, the environment, or the place where a controller of this user is."""
    return Path(args.socket or os.environ.get(f"{ENVIRONMENT_PREFIX}SOCKET") or default_socket())


def asked(args: argparse.Namespace, do: str, **details: Any) -> dict[str, Any]:
    """The running controller's answer. Raises `OperatorError`."""
    return ask(socket_path(args), {"do": do, **details})


def print_json(value: Any) -> None:
    """JSON for people and programs: indented, in a stated order."""
    print(json.dumps(value, indent=2))

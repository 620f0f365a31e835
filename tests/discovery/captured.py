"""Frames that real hosts and switches have sent, by name (`captured_frames.txt` tells which)."""

from __future__ import annotations

from pathlib import Path


def _load() -> dict[str, bytes]:
    digits: dict[str, str] = {}
    name = ""
    for line in Path(__file__).with_name("captured_frames.txt").read_text().splitlines():
        if line.startswith(" "):
            digits[name] += line.strip()
        elif line and not line.startswith("#"):
            name = line
            digits[name] = ""
    return {name: bytes.fromhex(text) for name, text in digits.items()}


CAPTURED = _load()

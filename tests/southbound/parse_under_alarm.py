"""Run with a framework's name: feed its bare parser every hanging message, and print what became of each.

Each message is parsed in a child process that the kernel ends after a twentieth of a second of processor
time: no `except:` of the framework can swallow that, and what a looping parser has allocated goes with the
child.
"""

import importlib
import json
import os
import signal
import sys
from collections.abc import Callable

from tests.southbound.hanging_messages import FRAMES, MESSAGES

_PATIENCE_S = 0.05  # of processor time: fifty times what a message of this size takes


def _outcome(parse: Callable[[bytes], object], data: bytes) -> str:
    child = os.fork()
    if child == 0:
        signal.setitimer(signal.ITIMER_VIRTUAL, _PATIENCE_S)
        try:
            parse(data)
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return "hung" if os.WTERMSIG(status) == signal.SIGVTALRM else f"signal {os.WTERMSIG(status)}"
    return "refused" if os.WEXITSTATUS(status) else "parsed"


def main(name: str) -> None:
    """Print a JSON object: message by message `hung`, `refused` (an exception) or `parsed`."""
    switch = importlib.import_module(f"{name}.ofproto.ofproto_protocol").ProtocolDesc(version=4)
    packets = importlib.import_module(f"{name}.lib.packet.packet")

    def message(data: bytes) -> None:
        switch.ofproto_parser.msg_parser(switch, data[0], data[1], len(data), 1, data)

    outcomes = {each: _outcome(message, data) for each, data in MESSAGES.items()}
    outcomes |= {each: _outcome(packets.Packet, data) for each, data in FRAMES.items()}
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(sys.argv[1])

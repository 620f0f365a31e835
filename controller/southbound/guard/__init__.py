"""The guard: nothing reaches the framework's parser before every length in it has been checked.

The message parsers of Ryu and os-ken trust the lengths that a switch sends. A structure that claims to be
zero bytes long never ends: the loop that walks it stands still, and with it the controller (the family of
CVE-2024-34483 to 34489; one such message is a HELLO of sixteen bytes, before any handshake). So each
message is walked first, here, along a description of OpenFlow 1.3:

    bytes --framing--> one message --openflow13.check--> the framework's parser

- `framing` cuts the stream into messages and bounds what is buffered;
- `shapes` are the words of the description: fixed, opaque, sequence, many, sized, variant;
- `openflow13` is the description: every message that a switch may send, down to the last action.

The promise: for a message that passes, each loop of the framework's parser advances, and by as much as the
guard has seen. What is left out is meaning: a port number may still be absurd, and that is for `decode` to
judge. What arrives often is read by `decode` alone, which believes no length either; of that the guard is
the yardstick.
"""

from controller.southbound.guard.framing import Framer, Message
from controller.southbound.guard.openflow13 import check
from controller.southbound.guard.shapes import Malformed

__all__ = ["Framer", "Malformed", "Message", "check"]

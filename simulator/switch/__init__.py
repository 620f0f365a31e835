"""One OpenFlow 1.3 switch, as a state machine over bytes.

    wire           numbers and layouts of the protocol, and how a request is refused
    matches        match fields: checked, brought into one form, decoded when somebody asks
    instructions   instructions and actions, likewise
    tables         flow tables: add, modify, delete
    selection      which rules a message is about
    groups         groups and meters
    ports          ports with their state and counters
    profile        what a switch can do, and how it behaves
    counters       what it counts of its conversation
    features       what it says that it can
    statistics     what it says that it holds and has counted
    glance         what becomes of LLDP, without a lookup
    messages       what is done with each message
    switch         the conversation

Bytes are kept as bytes: thousands of switches with a hundred rules each are told most rules in the same
words, so that what was once checked is recognised by one look into a dictionary.
"""

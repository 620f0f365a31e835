"""sFlow: what switches show of the frames that pass, one in so many.

    decode      a datagram (sFlow version 5, sflow.org, July 2004) -> samples, every length bounded first
    collector   the one thread and its socket: datagrams -> `FlowsSampled` for the loop, a few times a second

That a switch samples, how often, and to whom it sends, is set up through OVSDB (ovsdb/sampling.py). A sample
names ports by the numbers that the switch's machine gives its interfaces; which port that is, its database
says.

Of what sFlow can tell only packet samples with a raw header are read; counters are asked for over OpenFlow.
Datagrams are as trustworthy as who can send to the collector's address, which is loopback unless the operator
says otherwise: a sample that names an interface which no database knows is counted and passed over.
"""

"""The lab: fabrics of real Open vSwitch switches and Linux hosts on one machine, and scenarios that are
played on them.

    names -> state -> daemons -> build -> lab -> scenario -> catalogue
                                   |       |
                              Mininet      controller (a process of its own), prober (a process of its own)

The only importer of Mininet. A lab is built from a blueprint, has a short id that prefixes everything it
puts on the machine, and leaves nothing behind: not after an exception, not after Ctrl-C, and not after a
kill, because the next lab (or `treadle lab clean`) removes what belongs to owners that are dead.
"""

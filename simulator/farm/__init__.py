"""A fabric behind real TCP connections to a real controller.

    line        one switch's connection: bytes moved without ever blocking
    lines       all of them: opened in bursts, tended, opened again
    clock       what is to be done later
    farm        a fabric behind its lines, in one thread
    events      what can happen to a fabric, as values
    script      events read from YAML
    surface     what can be asked of a running farm
    control     the socket on which it is asked
    running     a farm in a thread of this process
    process     a farm in a process of its own
    cli         `treadle farm`, with its arguments

One process plays a thousand switches because they share everything that is alike: what was once understood of
a message is understood for all.
"""

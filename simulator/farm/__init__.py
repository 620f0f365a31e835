"""A fabric behind real TCP connections to a real controller.

line        one switch's connection: bytes moved without ever blocking
farm        all lines in one thread: epoll, timers, patience
events      what can happen to a fabric, as values
script      events read from YAML
snapshot    what all switches hold at one moment, as bytes
surface     what can be asked of a running farm
running     a farm in a thread of this process
process     a farm in a process of its own, asked over a socket
cli         `treadle farm`
"""

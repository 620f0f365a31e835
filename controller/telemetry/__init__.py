"""Telemetry: what is measured of the traffic, as values.

    samples of frames  -->  flows        which flows there are, how large, and how sure that is
    flows              -->  elephants    those that are worth a path of their own
    flows, loads       -->  histories    what they were before, in series of bounded size

Pure: times come in, nothing is asked. What ports carry is worked out from their counters (runtime/loads.py).
"""

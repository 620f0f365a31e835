"""How long is it dark when something dies: ours and the peers', the same cuts, the same probes.

    modes       what is measured, as data: who forwards, what dies, is the controller alive
    subject     a fabric under test, whoever runs it: break, mend, count, probe
    routed/     a peer: a routed fabric with FRR
    openflow    peers that are OpenFlow controllers: spanning tree, Faucet
    crossing    which flows cross a cable, by counters, however packets are forwarded
    failures    what dies: a cable, one direction of a cable, a switch
    procedure   one failure: probe, break, wait, mend, wait, count
    result      the figures of a mode
    draining    traffic leaves before the thing is touched
    churn       two hundred changes under full-mesh probes
    loops       an observer on all cables: does a packet come by twice?
    report      the JSON, written after every mode, and the ratios
    plots       the distribution of gaps

A gap is the time without a delivery on one flow of probes at 1 kHz that is known to cross what dies, less the
sender's own pause. `make bench-healing` runs it all; `python -m bench.healing --help` tells how to run parts.
"""

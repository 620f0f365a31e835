"""Traffic as a fluid: what flows get on fabrics that no laptop can emulate, and what a scheduler makes of it.

    fabric + transfers + scheduler + trouble  -->  simulate  -->  rates, completion times

    sharing      max-min fair rates, kept up while flows come, go and move
    underway     the transfers in progress: how much has been carried, which ends next
    forwarding   which path a flow takes: its pin, or the hash of the equal-cost next hops
    metering     what the controller is told: flows and loads, exactly or sampled
    control      the apps that decide, when they are asked, and when their word takes effect
    placing      any solver of controller/placement as an app
    simulation   the calendar, and the turn of events
    transfer, sizes, arrivals  who sends to whom, how much, and when
    results, report            what came of it

Time is virtual: nothing here reads a clock, and all chance has an explicit seed, so that the same request
gives the same answer to the last bit.

A fluid knows neither packets nor queues. TCP is taken to share links max-min fairly and at once: there is no
slow start, no loss and no round-trip time, so that short flows look better than they are, under any scheduler
alike. That is what makes 8,192 hosts a matter of a second; `treadle lab` measures the rest.
"""

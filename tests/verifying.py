"""What becomes of one packet, as a proof over all packets has it, and as following it tells."""

from __future__ import annotations

from controller.dataplane.trace import Disposition, trace
from controller.model.identity import PortRef
from controller.model.packet import Packet
from controller.model.topology import Host
from controller.verification.network import Fates, Network, destinations

_SAME = {
    Disposition.DENIED: "denied",
    Disposition.TO_CONTROLLER: "told",
    Disposition.NO_RULE: "wrong",
    Disposition.BLACKHOLE: "wrong",
    Disposition.LOOP: "loop",
}


def proven(network: Network, probe: Packet, at: PortRef) -> set[str]:
    """By the proof; that it may go in a circle is not among it."""
    fields = probe.as_mapping()
    by_name = zip(Fates._fields, network.fates(at), strict=True)
    return {name for name, some in by_name if network.headers.holds(some, fields)}


def followed(network: Network, probe: Packet, at: PortRef) -> set[str]:
    """By following it through the same program."""
    ground, found = network.ground, set[str]()
    for hop in trace(network.program, ground.peer, probe, at, dead=ground.dead).hops:
        for branch in hop.branches:
            if branch.out in ground.dead and branch.out in ground.hosts:
                found.add("denied")
            elif branch.disposition is Disposition.DELIVERED:
                assert branch.out is not None
                hosts = ground.hosts.get(branch.out, ())
                found.add("right" if any(_is_for(branch.packet, host) for host in hosts) else "wrong")
            elif branch.disposition is not None:
                found.add(_SAME[branch.disposition])
    return found


def _is_for(seen: Packet, host: Host) -> bool:
    fields = seen.as_mapping()
    return any(
        all(fields.get(field, -1) & mask == value for field, value, mask in wanted.terms)
        for wanted in destinations(host)
    )

"""Run by the system's interpreter: python3 plain_mininet.py TOPOLOGIES PREFIX.

Builds two switches in a row with plain Mininet, and prints what was seen, as one line of JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mininet.net import Mininet
from mininet.node import OVSSwitch

_FILE, _PREFIX = sys.argv[1:3]
sys.argv = ["mn", "--custom", _FILE]
customs: dict[str, Any] = {}
exec(Path(_FILE).read_text(), customs, customs)  # what `mn --custom` does

plan = customs["plans"].linear(2)
switches = tuple(replace(switch, name=f"{_PREFIX}{switch.dpid}") for switch in plan.switches)
topo = customs["BlueprintTopo"](replace(plan, switches=switches))
net: Any = Mininet(topo=topo, switch=partial(OVSSwitch, datapath="user"), controller=None)
try:
    net.start()
    for switch in net.switches:
        switch.dpctl("add-flow", "-O", "OpenFlow13", "actions=NORMAL")
    first = net.switches[0]
    cables = [intf.name for intf in first.intfList() if intf.name != "lo"]
    net["h2"].cmd("iperf3 -s -1 -D; sleep 0.5")
    seen = {
        "dropped": net.pingAll(timeout="2"),
        "tcp": "receiver" in net["h1"].cmd("iperf3 -t 1 -c 10.0.0.2"),
        "ports": sorted(port for port in first.intfs if port),
        "silent": [
            Path(f"/proc/sys/net/ipv6/conf/{name}/disable_ipv6").read_text().strip() for name in cables
        ],
        "protocols": first.cmd(f"ovs-vsctl get Bridge {first} protocols").strip(),
    }
finally:
    net.stop()
print(json.dumps(seen))

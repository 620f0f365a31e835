"""A commented example of each kind of document, ready to be changed: `treadle policy new KIND`.

They are written for a k=4 fat tree, whose hosts are h1 ... h16, and all of them are tried by the tests.
"""

from __future__ import annotations

TEMPLATES: dict[str, str] = {
    "groups": """\
# Names for endpoints. A member is a prefix, an address, a host, a port of a switch (whoever lives there),
# another group, or everybody with a label.
kind: groups
name: tiers
groups:
  web: [10.0.0.0/24, h3]
  db: [s5:1, 10.1.1.0/24]
  servers: [web, db]
""",
    "labels": """\
# Labels of hosts: a group may have 'label:public' as a member.
kind: labels
name: roles
labels:
  h1: [public, web]
  h2: public
""",
    "access": """\
# Who may speak to whom. Clauses are asked in their order, the first that fits decides; the answers to what is
# allowed are allowed too, unless 'replies: false' is said. A packet of which no document speaks passes.
kind: access
name: web-to-db
precedence: 100            # where documents disagree the higher one decides; equal ones must not disagree
clauses:
  - allow: {from: 10.0.0.0/16, to: 10.1.0.0/16, protocol: tcp, ports: [5432, 8000-8099]}
  - allow: {from: 10.0.0.0/16, to: 10.1.0.0/16, protocol: icmp}
  - deny: {to: 10.1.0.0/16, not: {from: 10.1.0.0/16}}
    log: true              # what is denied is shown to the controller, as much as it can bear
# default: deny            # for all other packets between the groups that are named here:
# between: [10.0.0.0/16, 10.1.0.0/16]
""",
    "tenants": """\
# Tenants do not reach each other; what is shared is reached by all. Addresses must not overlap.
kind: tenants
name: customers
precedence: 200
tenants:
  red: [h1, h2]
  blue: [h5, h6]
shared: [h16]
""",
    "service": """\
# A class of service for some packets, given to them where they enter.
kind: service
name: backup
from: 10.2.0.0/16
protocol: tcp
ports: [873]
dscp: CS1                  # a name (EF, AF41, CS1 ...) or a number
rate: 20M                  # what is more is dropped, at each switch where it enters
""",
    "engineering": """\
# Which flows may be given paths of their own, and from when on they are large.
kind: engineering
name: bulk-only
protocol: tcp
elephant-share: 0.1
elephant-age: 0.2
""",
    "expect": """\
# What must be true, whatever the other documents say. No plan is applied in which something is not.
kind: expect
name: what-we-promised
expect:
  - {from: h1, to: h16, must: reach, survives: 1}
  - {from: h2, to: h15, protocol: tcp, ports: 22, must: reach, most-hops: 5}
""",
}

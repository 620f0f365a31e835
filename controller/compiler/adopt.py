"""Adoption: what a switch holds tells a controller that has just started who lives there.

The inverse of the host rules (compiler/routes.py): a rule of the routes table that writes a MAC as
destination and outputs, for one whole address, is a host of this switch. So a restarted controller knows
every host before the first of them has spoken, and its first plan withdraws none of their rules. Only rules
with our cookie are believed. What a host's address has twice, for packets and for ARP, is read once: ARP says
nothing that the other does not.

What was adopted is a memory and not an observation: discovery probes it like any host that has been silent.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from controller.dataplane.pipeline import Table
from controller.model.flow import Field, FlowRule, Match, Output, Owner, SetField
from controller.model.identity import Dpid, Mac, PortNo, PortRef
from controller.model.program import SwitchProgram
from controller.model.routing import Address, Endpoint, endpoint_order

_FAMILY_FIELDS = (Field.ETH_DST, Field.IPV4_DST, Field.IPV6_DST)


def endpoints(dpid: Dpid, program: SwitchProgram) -> tuple[Endpoint, ...]:
    """The endpoints that the routes table of this switch delivers to, sorted (`endpoint_order`)."""
    found = (_endpoint(dpid, rule) for rule in program.table(Table.ROUTES) if rule.owner is Owner.ROUTES)
    return tuple(sorted((endpoint for endpoint in found if endpoint is not None), key=endpoint_order))


def _endpoint(dpid: Dpid, rule: FlowRule) -> Endpoint | None:
    address = _whole_address(rule.match)
    match rule.actions:
        case (SetField(field=Field.ETH_DST, value=mac), Output(port=port)) if address is not None:
            return Endpoint(address, PortRef(dpid, PortNo(port)), Mac(mac))
        case _:
            return None


def _whole_address(wanted: Match) -> Address | None:
    """The one destination address that the match is about, if it is about one."""
    terms = [term for term in wanted if term.field in _FAMILY_FIELDS]
    if len(terms) != 1 or terms[0].mask != terms[0].field.full_mask:
        return None
    number = terms[0].value
    if terms[0].field is Field.ETH_DST:
        return Mac(number)
    return IPv4Address(number) if terms[0].field is Field.IPV4_DST else IPv6Address(number)

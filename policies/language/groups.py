"""Groups of endpoints: names that stand for prefixes.

    kind: groups
    groups:
      web: [10.0.0.0/24, h7]            # prefixes, addresses, hosts
      edge: [s1:3]                      # whoever lives at a port
      front: [web, label:public]        # other groups, labels

A member is looked for in this order: `label:NAME`, a group, a host, a switch port, an address or prefix. A
group must not be empty, nor hold itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_network

from controller.documents.yaml_tree import Entry
from controller.model.errors import OperatorError
from controller.model.identity import IpAddress
from policies.language.inventory import Inventory
from policies.predicate import Prefix

_LABEL = "label:"


@dataclass
class Groups:
    """The groups of all documents, resolved when they are asked for."""

    inventory: Inventory
    members: dict[str, list[Entry]] = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    """By label the hosts that have it."""
    _known: dict[str, tuple[Prefix, ...]] = field(default_factory=dict)

    def add(self, name: Entry, label: str, members: list[Entry]) -> None:
        """A group was written. Raises `OperatorError` for one that is there already, or has no members."""
        if label in self.members:
            first = self.members[label][0]
            raise name.wrong(f"a group of this name stands in {first.file}:{first.line} already")
        if not members:
            raise name.wrong("has no members", "give it prefixes, hosts, ports or other groups")
        self.members[label] = members

    def label(self, host: str, entry: Entry) -> None:
        """A host has these labels. Raises `OperatorError` for a host that there is not."""
        if host not in self.inventory.hosts:
            raise entry.wrong(f"there is no host '{host}'", nearest(host, self.inventory.hosts))
        for each in entry.listed() if entry.is_listed() else [entry]:
            self.labels.setdefault(each.text(), []).append(host)

    def check(self) -> Iterator[OperatorError]:
        """What is wrong with groups, also with those that nobody uses."""
        for name in self.members:
            try:
                self.prefixes(name, self.members[name][0])
            except OperatorError as error:
                yield error

    def of(self, entry: Entry) -> tuple[Prefix, ...]:
        """The prefixes of what stands where endpoints are named: one, or a list of them."""
        entries = entry.listed() if entry.is_listed() else [entry]
        if not entries:
            raise entry.wrong("names nobody", "name a group, a host, a port or a prefix")
        return merged(prefix for each in entries for prefix in self.member(each))

    def prefixes(self, name: str, asked: Entry, within: tuple[str, ...] = ()) -> tuple[Prefix, ...]:
        """The prefixes of a group. `within` are the groups that are being resolved."""
        if name in within:
            raise asked.wrong(f"group '{name}' holds itself: {' -> '.join((*within, name))}")
        known = self._known.get(name)
        if known is None:
            self._known[name] = ()  # what is wrong with it is told once
            members = [self.member(each, (*within, name)) for each in self.members[name]]
            known = self._known[name] = merged(prefix for some in members for prefix in some)
        return known

    def member(self, entry: Entry, within: tuple[str, ...] = ()) -> tuple[Prefix, ...]:
        """The prefixes of one member. Raises `OperatorError`."""
        text = entry.text()
        if text.startswith(_LABEL):
            return self._labelled(entry, text.removeprefix(_LABEL).strip())
        if text in self.members:
            return self.prefixes(text, entry, within)
        found = self.inventory.hosts.get(text) or self.inventory.ports.get(text)
        if found:
            return tuple(_single(address) for address in found)
        if text in self.inventory.hosts or text in self.inventory.ports:
            raise entry.wrong(f"'{text}' has no address")
        return (self._prefix(entry, text),)

    def _labelled(self, entry: Entry, label: str) -> tuple[Prefix, ...]:
        hosts = self.labels.get(label)
        if not hosts:
            raise entry.wrong(f"no host has the label '{label}'", nearest(label, self.labels))
        found = merged(_single(each) for host in hosts for each in self.inventory.hosts[host])
        if not found:
            raise entry.wrong(f"no host with the label '{label}' has an address")
        return found

    def _prefix(self, entry: Entry, text: str) -> Prefix:
        try:
            return ip_network(text)
        except ValueError as error:
            if "host bits" in str(error):
                right = ip_network(text, strict=False)
                raise entry.wrong(f"{text} has bits beyond its length", f"did you mean {right}?") from None
        if text[:1].isdigit() or text.count(":") > 1:
            raise entry.wrong(f"'{text}' is no address or prefix")
        names = [*self.members, *self.inventory.hosts, *self.inventory.ports]
        raise entry.wrong(f"there is no group, host or port '{text}'", nearest(text, names))


def _single(address: IpAddress) -> Prefix:
    return ip_network(address)


def merged(prefixes: Iterable[Prefix]) -> tuple[Prefix, ...]:
    """The same addresses without a prefix that another one holds; IPv4 first, sorted."""
    found: list[Prefix] = []
    ordered = sorted(
        set(prefixes), key=lambda each: (each.version, int(each.network_address), each.prefixlen)
    )
    for each in ordered:
        last = found[-1] if found else None
        if last is None or last.version != each.version or each.network_address not in last:
            found.append(each)
    return tuple(found)


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest name."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known are {', '.join(names[:8])}" if names else ""

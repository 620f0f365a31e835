"""Scripts: events with their times, from YAML.

    events:
      - {at: 2.0, port-down: "s1:3"}                       # both ends see it
      - {at: 2.5, port-down: "s1:4", ends: one}            # only s1 does
      - {at: 3.0, port-up: "s1:3"}
      - {at: 4, switch-gone: [s5, s6], tables: kept}       # tables: lost, if nothing is said
      - {at: 9, switch-back: [s5, s6]}
      - {at: 4, control-lost: s3}                          # it goes on forwarding
      - {at: 6, control-back: s3}
      - {at: 7, reconnect: all, after: 0.5}                # a storm
      - {at: 4, slow: s2, barrier: 0.3, bytes: 20000}      # seconds a barrier, bytes read a second
      - {at: 4, silent: s7}
      - {at: 4, refuse: s8, every: 3}                      # every third rule
      - {at: 4, full: s9, rules: 100, groups: 4, meters: 0}
      - {at: 8, well: all}
      - {at: 5, speak: all}
      - {at: 5, talk: [h1, h2]}
      - {at: 5, move: h1, to: "s2:1"}

`at` counts seconds from the start of the farm. Each entry says one thing; `slow`, `silent`, `refuse`, `full`
and `well` each replace what was said of a switch's conduct before. Whatever cannot be is an `OperatorError`
with file, line and key.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from pathlib import Path

from controller.documents.yaml_tree import Entry, parse_yaml, read_yaml
from controller.model.blueprint import Blueprint
from controller.model.identity import Dpid, PortNo, PortRef
from simulator.farm.events import (
    Behave,
    ControlBack,
    ControlLost,
    FabricEvent,
    Move,
    PortDown,
    PortUp,
    Reconnect,
    Speak,
    SwitchBack,
    SwitchGone,
    Talk,
    Timed,
    Which,
)
from simulator.switch.profile import Conduct

_MOST = 1_000_000_000


def read_script(path: Path, blueprint: Blueprint) -> tuple[Timed, ...]:
    """The events of a file, by time. Raises `OperatorError`."""
    document = read_yaml(path)
    document.only("events")
    return _Reader(blueprint).timed(document.needs("events"))


def parse_event(text: str, blueprint: Blueprint) -> FabricEvent:
    """One event from text such as `{"port-down": "s1:3"}`, without a time. Raises `OperatorError`."""
    return _Reader(blueprint).event(parse_yaml(text, "event"), timed=False)


class _Reader:
    def __init__(self, blueprint: Blueprint) -> None:
        self._blueprint = blueprint
        self._hosts = {host.name for host in blueprint.hosts}
        self._ports = {*blueprint.peer, *blueprint.host_at}

    def timed(self, entries: Entry) -> tuple[Timed, ...]:
        read = [Timed(entry.needs("at").read(_seconds), self.event(entry)) for entry in entries.listed()]
        return tuple(sorted(read, key=lambda timed: timed.at_s))

    def event(self, entry: Entry, *, timed: bool = True) -> FabricEvent:
        """What an entry says."""
        verbs = [name for name, _ in entry.named() if name in _VERBS]
        if len(verbs) != 1:
            raise entry.wrong("needs exactly one thing to happen", f"known are {', '.join(_VERBS)}")
        details, read = _VERBS[verbs[0]]
        entry.only(verbs[0], *details, *(("at",) if timed else ()))
        return read(self, entry, entry.needs(verbs[0]))

    # --- nouns ----------------------------------------------------------------------------------------------

    def switches(self, said: Entry) -> Which:
        """A switch, a list of them, or `all`."""
        if not said.is_listed() and said.text() == "all":
            return None
        return tuple(self._switch(each) for each in (said.listed() if said.is_listed() else [said]))

    def _switch(self, said: Entry) -> Dpid:
        known = self._blueprint.switch_by_name
        if said.text() not in known:
            raise said.wrong(f"there is no switch '{said.text()}'", _nearest(said.text(), known))
        return known[said.text()].dpid

    def port(self, said: Entry) -> PortRef:
        """A port, as in s1:3."""
        name, _, number = said.text().rpartition(":")
        known = self._blueprint.switch_by_name
        if name not in known:
            raise said.wrong(f"there is no switch '{name}'", _nearest(name, known))
        end = PortRef(known[name].dpid, PortNo(int(number) if number.isdecimal() else 0))
        if end not in self._ports:
            raise said.wrong(f"{name} has no port '{number}'")
        return end

    def host(self, said: Entry) -> str:
        if said.text() not in self._hosts:
            raise said.wrong(f"there is no host '{said.text()}'", _nearest(said.text(), self._hosts))
        return said.text()

    # --- verbs ----------------------------------------------------------------------------------------------

    def port_down(self, entry: Entry, said: Entry) -> FabricEvent:
        return PortDown(self.port(said), _choice(entry, "ends", "both", "one") == "both")

    def port_up(self, entry: Entry, said: Entry) -> FabricEvent:
        return PortUp(self.port(said), _choice(entry, "ends", "both", "one") == "both")

    def switch_gone(self, entry: Entry, said: Entry) -> FabricEvent:
        return SwitchGone(self.switches(said), _choice(entry, "tables", "lost", "kept") == "kept")

    def switch_back(self, entry: Entry, said: Entry) -> FabricEvent:
        return SwitchBack(self.switches(said))

    def control_lost(self, entry: Entry, said: Entry) -> FabricEvent:
        return ControlLost(self.switches(said))

    def control_back(self, entry: Entry, said: Entry) -> FabricEvent:
        return ControlBack(self.switches(said))

    def reconnect(self, entry: Entry, said: Entry) -> FabricEvent:
        after_s = entry.get("after", lambda value: value.read(_seconds))
        return Reconnect(self.switches(said), after_s or 0.0)

    def slow(self, entry: Entry, said: Entry) -> FabricEvent:
        barrier_s = entry.get("barrier", lambda value: value.read(_seconds)) or 0.0
        bytes_a_s = entry.get("bytes", lambda value: value.whole(1, _MOST))
        if not barrier_s and bytes_a_s is None:
            raise entry.wrong("needs 'barrier' (seconds) or 'bytes' (a second)")
        return Behave(self.switches(said), Conduct(barrier_s=barrier_s, bytes_a_s=bytes_a_s))

    def silent(self, entry: Entry, said: Entry) -> FabricEvent:
        return Behave(self.switches(said), Conduct(silent=True))

    def refuse(self, entry: Entry, said: Entry) -> FabricEvent:
        every = entry.get("every", lambda value: value.whole(1, _MOST))
        return Behave(self.switches(said), Conduct(refuse_every=every or 1))

    def full(self, entry: Entry, said: Entry) -> FabricEvent:
        rules, groups, meters = (
            entry.get(key, lambda value: value.whole(0, _MOST)) for key in ("rules", "groups", "meters")
        )
        if rules is None and groups is None and meters is None:
            raise entry.wrong("needs 'rules', 'groups' or 'meters'")
        return Behave(self.switches(said), Conduct(rules=rules, groups=groups, meters=meters))

    def well(self, entry: Entry, said: Entry) -> FabricEvent:
        return Behave(self.switches(said), Conduct())

    def speak(self, entry: Entry, said: Entry) -> FabricEvent:
        if not said.is_listed() and said.text() == "all":
            return Speak(None)
        return Speak(tuple(self.host(each) for each in (said.listed() if said.is_listed() else [said])))

    def talk(self, entry: Entry, said: Entry) -> FabricEvent:
        if len(said.listed()) != 2:
            raise said.wrong("needs two hosts, as in [h1, h2]")
        return Talk(*(self.host(each) for each in said.listed()))

    def move(self, entry: Entry, said: Entry) -> FabricEvent:
        to = self.port(entry.needs("to"))
        if to in self._blueprint.peer:
            raise entry.needs("to").wrong("that port has a cable")
        return Move(self.host(said), to)


_VERBS: dict[str, tuple[tuple[str, ...], Callable[[_Reader, Entry, Entry], FabricEvent]]] = {
    "port-down": (("ends",), _Reader.port_down),
    "port-up": (("ends",), _Reader.port_up),
    "switch-gone": (("tables",), _Reader.switch_gone),
    "switch-back": ((), _Reader.switch_back),
    "control-lost": ((), _Reader.control_lost),
    "control-back": ((), _Reader.control_back),
    "reconnect": (("after",), _Reader.reconnect),
    "slow": (("barrier", "bytes"), _Reader.slow),
    "silent": ((), _Reader.silent),
    "refuse": (("every",), _Reader.refuse),
    "full": (("rules", "groups", "meters"), _Reader.full),
    "well": ((), _Reader.well),
    "speak": ((), _Reader.speak),
    "talk": ((), _Reader.talk),
    "move": (("to",), _Reader.move),
}


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise ValueError(f"'{text}' is not a number of seconds")
    return seconds


def _choice(entry: Entry, key: str, otherwise: str, *others: str) -> str:
    """One of a few words."""
    words = (otherwise, *others)

    def read(said: Entry) -> str:
        if said.text() not in words:
            raise said.wrong(f"'{said.text()}' is none of {', '.join(words)}")
        return said.text()

    return entry.get(key, read) or otherwise


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"did you mean '{near[0]}'?" if near else ""

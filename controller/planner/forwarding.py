"""What one program does with packets to each address, on one switch: functions and outlets.

Working it out takes a look at every rule; so it is kept for as long as the program lives, and the next
program's is derived from it, at the price of what differs. A plan itself asks only about switches where it
matters who changes first; what it leaves open is worked out afterwards, when whoever runs it has nothing else
to do (`settle`), so that the next plan finds it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, TypeVar
from weakref import ref

from controller.dataplane.pipeline import Table
from controller.dataplane.remembered import Remembered
from controller.model.flow import FlowRule, Group, RuleKey
from controller.model.identity import Dpid
from controller.model.program import SwitchProgram
from controller.planner.diff import SwitchDelta
from controller.planner.functions import RouteFunction, route_function, spliced
from controller.planner.intervals import Cover, Family, Interval, cover, merged
from controller.planner.wiring import Outlet, outlet_of

T = TypeVar("T")

_ROUTES = int(Table.ROUTES)

ByFamily = tuple[T, T, T, T]
"""One for each `Family`, in its place."""


class Touched(NamedTuple):
    """What a delta does to routes, by family: rules that come and that go (one that is replaced does both),
    and the intervals in which packets may notice.
    """

    come: ByFamily[tuple[Cover, ...]]
    gone: ByFamily[tuple[Cover, ...]]
    spans: ByFamily[tuple[Interval, ...]]


def _touched(delta: SwitchDelta) -> Touched:
    come = _by_family((*delta.set_rules, *delta.twin_rules))
    gone = _by_family((*delta.gone_rules, *delta.replaced_rules))
    mac, ipv4, ipv6, arp = _by_family((*delta.set_rules, *delta.gone_rules))
    return Touched(come, gone, (_spans(mac), _spans(ipv4), _spans(ipv6), _spans(arp)))


def _spans(covers: tuple[Cover, ...]) -> tuple[Interval, ...]:
    return tuple(merged([covered.span for covered in covers]))


touched_by: Remembered[SwitchDelta, Touched] = Remembered(_touched)
"""What a delta does, worked out once for each: switches that change alike share it."""


Functions = ByFamily[RouteFunction]
Falls = tuple[tuple[tuple[int, ...], ...], bool]


class Forwarding:
    """The routes of a program on one switch. Those that follow from others by a delta are worked out when
    they are asked for.
    """

    __slots__ = ("__weakref__", "_falls", "_functions", "_groups", "_origin", "_outlets")

    def __init__(
        self,
        groups: Mapping[int, Group],
        functions: Functions | None,
        origin: Origin | None = None,
    ) -> None:
        """Either the functions are given, or where they come from."""
        self._groups = groups
        self._functions = functions
        self._origin = origin
        self._falls: Falls | None = None
        self._outlets: dict[int, Outlet] = {}

    @property
    def functions(self) -> Functions:
        """The function of each family."""
        return self._functions or self.settle()

    def settle(self) -> Functions:
        """Work out the functions, if that has not been done."""
        if self._functions is None:
            assert self._origin is not None
            self._functions, self._origin = _worked_out(self._origin), None
        return self._functions

    def prepare(self) -> None:
        """Work out all that may be asked of these routes, whoever asks."""
        for function in self.settle():
            for stack in function.stacks:
                for covered in stack:
                    self.outlet(covered.rule)
        _ = self.falls

    @property
    def falls(self) -> Falls:
        """Where packets of the other families fall through to the rules on their Ethernet destination; and
        whether some do and others do not, to one address.
        """
        if self._falls is None:
            above = self.functions[Family.MAC + 1 :]
            falls = tuple([f.profile for f in above]), any(f.is_partial for f in above)
            self._falls = _one_of_each.setdefault(falls, falls)
        return self._falls

    def outlet(self, rule: FlowRule) -> Outlet:
        """The outlet of a rule of this program, which keeps it alive, and so its number."""
        known = self._outlets.get(id(rule))
        if known is None:
            known = self._outlets[id(rule)] = outlet_of(rule.actions, self._groups)
        return known


Origin = tuple[Forwarding, SwitchDelta] | Mapping[RuleKey, FlowRule]
"""Where functions come from: from those before and a delta, or from all rules."""


def _worked_out(origin: Origin) -> Functions:
    if not isinstance(origin, tuple):
        mac, ipv4, ipv6, arp = map(route_function, _by_family(origin.values()))
    else:
        before, delta = origin
        touched = touched_by(delta)
        mac, ipv4, ipv6, arp = map(_next, before.functions, touched.gone, touched.come)
    return mac, ipv4, ipv6, arp


def _next(before: RouteFunction, gone: Sequence[Cover], come: Sequence[Cover]) -> RouteFunction:
    return spliced(before, gone, come) if gone or come else before


_one_of_each: dict[Falls, Falls] = {}


def forwarding(dpid: Dpid, program: SwitchProgram) -> Forwarding:
    """The routes of a program on this switch."""
    known = _known(program)
    found = known.get(dpid)
    if found is None:
        found = known[dpid] = Forwarding(program.groups, None, program.rules)
    return found


def expect(dpid: Dpid, program: SwitchProgram) -> None:
    """This program will be asked about, later."""
    _unsettled.append(ref(forwarding(dpid, program)))


def derive(dpid: Dpid, before: Forwarding, program: SwitchProgram, delta: SwitchDelta) -> Forwarding:
    """The routes of a program on this switch, from those of the program before."""
    known = _known(program)
    found = known.get(dpid)
    if found is None:
        found = known[dpid] = Forwarding(program.groups, None, (before, delta))
        _unsettled.append(ref(found))
    return found


_unsettled: deque[ref[Forwarding]] = deque(maxlen=1 << 16)


def settle(most: int) -> bool:
    """Work out what the next plan will ask of up to so many programs to which plans have led. Whether some
    are left.
    """
    for _ in range(min(most, len(_unsettled))):
        found = _unsettled.popleft()()
        if found is not None:
            found.prepare()
    return bool(_unsettled)


_known: Remembered[SwitchProgram, dict[Dpid, Forwarding]] = Remembered(lambda _: {})


def _by_family(rules: Iterable[FlowRule]) -> ByFamily[tuple[Cover, ...]]:
    """The covers of those rules that have one."""
    mac: list[Cover] = []
    ipv4: list[Cover] = []
    ipv6: list[Cover] = []
    arp: list[Cover] = []
    lists = (mac, ipv4, ipv6, arp)
    for rule in rules:
        if rule.table == _ROUTES and (covered := cover(rule)) is not None:
            lists[covered.family].append(covered)
    return tuple(mac), tuple(ipv4), tuple(ipv6), tuple(arp)

"""Whether what is expected holds, on a fabric's program and under a policy.

What a policy lets pass between two addresses is known exactly, for all packets (policies/allowed.py). By
which way a packet then goes depends on its addresses, so one of each pair is followed through the program,
with every choice that equal-cost groups leave (controller/dataplane/trace.py). Where an expectation names a
kind of packet, that very packet is asked about.

    reach       the policy allows it, and every alternative ends at the port of its destination
    not-reach   the policy allows nothing of it
    pass        whatever arrives has come by these switches, in this order
    survives    the same on the program of each fabric in which so many links are down (policies/breakage.py)

A failure is a value: the packet, and what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from controller.dataplane.trace import Trace, trace
from controller.model.errors import OperatorError
from controller.model.identity import Dpid, IpAddress
from controller.model.program import FabricProgram
from controller.model.topology import Host, Topology
from policies.allowed import OTHERS, Allowed, allowed, words
from policies.breakage import WHOLE, Case, cases, count, parts, without
from policies.compile.ranges import EVERYWHERE, outside
from policies.compile.rules import Compiled
from policies.policy import Effect, Expectation, Must
from policies.predicate import Headers
from policies.semantics import verdict
from policies.witness import as_packet, between, headers_text

Programs = Callable[[Topology], FabricProgram]
_UDP = 17


@dataclass(frozen=True, slots=True)
class Failure:
    """A packet that shows that an expectation does not hold, what became of it, and which links were down."""

    packet: Headers
    reason: str
    way: tuple[str, ...] = ()
    down: Case = WHOLE


@dataclass(frozen=True, slots=True)
class Judgement:
    """An expectation, and the first packet that is otherwise; None where it holds. `cases`: how many fabrics
    were looked at, the whole one among them; `of`: how many there are.
    """

    expectation: Expectation
    failure: Failure | None
    cases: int = 1
    of: int = 1

    @property
    def holds(self) -> bool:
        return self.failure is None


@dataclass(frozen=True)
class Ground:
    """What expectations are judged on. `names` are those of switches; `programs` gives the program of a
    snapshot under the policy.
    """

    compiled: Compiled
    topology: Topology
    names: Mapping[Dpid, str]
    programs: Programs

    def judge(
        self,
        expectations: Iterable[Expectation],
        *,
        switches: bool = False,
        enough: Callable[[], bool] = lambda: False,
    ) -> Iterator[Judgement]:
        """Each expectation in turn. `switches`: they may be down as well as cables; `enough` says when pairs
        of failures need not be gone on with. Raises `OperatorError` for a switch that does not exist.
        """
        wanted = tuple(expectations)
        failures: dict[int, Failure] = {}
        looked = dict.fromkeys(range(len(wanted)), 0)
        breakable = parts(self.topology, self.names, switches=switches)
        for case in cases(breakable, max((each.survives for each in wanted), default=0), enough):
            asked = [
                number
                for number, each in enumerate(wanted)
                if len(case) <= each.survives and number not in failures
            ]
            if not asked:
                continue
            shown = without(self.topology, case)
            dead = frozenset(each.switch for each in case if each.switch is not None)
            fabric = _Case(self, shown, self.programs(shown), dead)
            for number in asked:
                looked[number] += 1
                failure = fabric.failure(wanted[number])
                if failure is not None:
                    failures[number] = replace(failure, down=case)
        for number, each in enumerate(wanted):
            yield Judgement(each, failures.get(number), looked[number], count(breakable, each.survives))


@dataclass(frozen=True)
class _Case:
    """One fabric with its program."""

    ground: Ground
    topology: Topology
    program: FabricProgram
    dead: frozenset[Dpid] = frozenset()

    def failure(self, wanted: Expectation) -> Failure | None:
        """The first packet that is not as expected."""
        for src in wanted.sources:
            for dst in wanted.destinations:
                if src.version == dst.version and src != dst and not self._is_dead(src, dst):
                    found = self._of_pair(wanted, src, dst)
                    if found is not None:
                        return found
        return None

    def _is_dead(self, *ends: IpAddress) -> bool:
        """Whether one of them lives at a switch that is down."""
        hosts = map(self._host, ends) if self.dead else ()
        return any(host is not None and host.at.dpid in self.dead for host in hosts)

    def _of_pair(self, wanted: Expectation, src: IpAddress, dst: IpAddress) -> Failure | None:
        sample = wanted.sample
        seen = replace(sample, src=src, dst=dst) if sample is not None else between(src, dst, _UDP)
        if wanted.must is Must.NOT_REACH:
            return self._passing(sample is not None, seen)
        if wanted.must is Must.REACH and (denied := self._denied(sample is not None, seen)):
            return denied
        return self._on_its_way(wanted, seen)

    def _passing(self, is_sample: bool, seen: Headers) -> Failure | None:
        """Where something passes that must not."""
        if is_sample:
            clause = verdict(self.ground.compiled.policy, seen)
            return Failure(seen, "it is allowed") if clause.effect is Effect.ALLOW else None
        passing = self._allowed(seen)
        if not any(passing.values()):
            return None
        return Failure(seen, f"{words(passing, seen.src.version)} is allowed")

    def _denied(self, is_sample: bool, seen: Headers) -> Failure | None:
        """Where something is denied that must pass."""
        clause = verdict(self.ground.compiled.policy, seen)
        if clause.effect is Effect.DENY:
            return Failure(seen, f"{clause.at} denies it")
        if is_sample:
            return None
        passing = self._allowed(seen)
        if all(not outside(region) for region in passing.values()) and passing[OTHERS] == EVERYWHERE:
            return None
        return Failure(seen, f"only {words(passing, seen.src.version)} is allowed")

    def _allowed(self, seen: Headers) -> Allowed:
        return allowed(self.ground.compiled.between(seen.src, seen.dst))

    def _on_its_way(self, wanted: Expectation, seen: Headers) -> Failure | None:
        source, target = self._host(seen.src), self._host(seen.dst)
        if source is None or target is None:
            missing = seen.src if source is None else seen.dst
            return Failure(seen, f"no host has the address {missing}")
        followed = trace(self.program, self.topology.peer, as_packet(seen, source.mac, target.mac), source.at)
        arrives = followed.always_delivered and followed.delivered_at == {target.at}
        if not arrives and wanted.must is Must.REACH:
            ends = ", ".join(sorted(str(each.value) for each in followed.dispositions))
            return Failure(seen, f"what becomes of it: {ends}", self._way(followed))
        return self._astray(wanted, seen, followed)

    def _astray(self, wanted: Expectation, seen: Headers, followed: Trace) -> Failure | None:
        """The first alternative that is too long, or does not come by where it should."""
        for path in followed.paths:
            way = tuple(self._name(hop.at.dpid) for hop, _ in path)
            if wanted.most_hops is not None and len(way) > wanted.most_hops:
                return Failure(seen, f"it takes {len(way)} switches: {wanted.most_hops} at most", way)
            if wanted.through and not _comes_by(way, wanted.through):
                return Failure(seen, f"it does not come by {' and '.join(wanted.through)}", way)
        return None

    def _host(self, address: IpAddress) -> Host | None:
        return self.topology.host_by_address.get(address)

    def _way(self, followed: Trace) -> tuple[str, ...]:
        path = next(followed.paths)
        return tuple(self._name(hop.at.dpid) for hop, _ in path)

    def _name(self, dpid: Dpid) -> str:
        return self.ground.names.get(dpid, f"{dpid:016x}")


def _comes_by(way: tuple[str, ...], through: tuple[str, ...]) -> bool:
    """Whether a way has these switches in this order."""
    left = iter(way)
    return all(name in left for name in through)


def check_names(expectations: Iterable[Expectation], names: Mapping[Dpid, str]) -> None:
    """Raise `OperatorError` for a switch that does not exist."""
    known = set(names.values())
    for each in expectations:
        for name in each.through:
            if name not in known:
                raise OperatorError(
                    f"there is no switch '{name}'", file=each.document.file, line=each.document.line
                )


def failure_text(failure: Failure) -> str:
    """In a line: the packet, what became of it, and by which way."""
    way = f", by {' -> '.join(failure.way)}" if failure.way else ""
    broken = " and ".join(each.name for each in failure.down)
    down = f", while {broken} {'are' if len(failure.down) > 1 else 'is'} down" if failure.down else ""
    return f"{headers_text(failure.packet)}: {failure.reason}{way}{down}"

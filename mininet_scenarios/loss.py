"""Packets that are lost in silence: the carrier stays, and what is sent over a cable does not arrive.

A classifier (tc-bpf(8)) stands where packets leave an interface, before any queue, and takes all of them
or each by chance. It is four instructions of classic BPF, which `tc` reads as text: no compiler, no
program to load or to pin, and nothing that could stay behind, because it goes with its interface.

    ld rand             a random number of 32 bits (SKF_AD_RANDOM, linux/filter.h)
    jge #THRESHOLD, +1
    ret #4              taken: the sender is told that it was sent (TC_ACT_STOLEN, linux/pkt_cls.h)
    ret #0              it goes on (TC_ACT_OK)

At the end that sends, because a userspace switch receives by packet sockets, and these see a packet before
the classifier of arriving ones does. *Taken* rather than dropped (TC_ACT_SHOT), because a userspace switch
is told of a drop, and gives up what else it was about to send in the same batch: that would be no silence,
and no independent chance either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

from controller.model.errors import OperatorError
from mininet_scenarios import machine
from mininet_scenarios.prober.namespaces import inside

_RANGE = 1 << 32
_LOAD_RANDOM = "32 0 0 4294963256"  # BPF_LD | BPF_W | BPF_ABS at SKF_AD_OFF + SKF_AD_RANDOM
_JUMP_IF_NOT_BELOW = "53 1 0"  # BPF_JMP | BPF_JGE | BPF_K
_TAKE, _GO_ON = "6 0 0 4", "6 0 0 0"  # BPF_RET | BPF_K


@dataclass(frozen=True, slots=True, order=True)
class Sender:
    """An end of a cable, as the one that sends: an interface, in the namespace of a process or, with 0, in
    the lab's own.
    """

    pid: int
    interface: str


def lose(senders: Iterable[Sender], ratio: float) -> None:
    """Lose this share of what they send from now on, in place of the share before. `prepare` comes first."""
    _each_namespace(senders, lambda name: f"filter replace {_place(name)} bpf da bytecode '{program(ratio)}'")


def prepare(senders: Iterable[Sender]) -> None:
    """Make the place for a classifier; nothing is lost by that, and it may be there already."""
    _each_namespace(senders, lambda name: f"qdisc replace dev {name} clsact")


def mend(senders: Iterable[Sender]) -> None:
    """Lose nothing any more."""
    _each_namespace(senders, lambda name: f"qdisc delete dev {name} clsact")


def program(ratio: float) -> str:
    """The classifier as `tc` reads it: a number of instructions, and each as code, two jumps and operand.
    Raises `OperatorError` unless the ratio is from 0 to 1.
    """
    if not 0.0 <= ratio <= 1.0:
        raise OperatorError(f"a loss of {ratio:g} is not a ratio", mend="give one from 0 to 1")
    threshold = round(ratio * _RANGE)
    if threshold == _RANGE:  # no number of 32 bits is that great
        return f"1,{_TAKE}"
    return f"4,{_LOAD_RANDOM},{_JUMP_IF_NOT_BELOW} {threshold},{_TAKE},{_GO_ON}"


def _place(interface: str) -> str:
    return f"dev {interface} egress pref 1 handle 1"


def _each_namespace(senders: Iterable[Sender], line: Callable[[str], str]) -> None:
    """One process of `tc` for each namespace."""
    for pid, interfaces in _by_namespace(senders):
        with inside(pid) if pid else nullcontext():
            machine.tc(line(name) for name in interfaces)


def _by_namespace(senders: Iterable[Sender]) -> Iterator[tuple[int, list[str]]]:
    known = sorted(set(senders))
    for pid in sorted({sender.pid for sender in known}):
        yield pid, [sender.interface for sender in known if sender.pid == pid]

"""Groups and meters of one switch: added, modified, deleted, and refused as OpenFlow says (section 7.4.4).

As in Open vSwitch, a group may name a group that is not there, and a packet that comes to it is lost. Whoever
deletes a group or a meter deletes the rules that name it; that is for the flow tables to do (tables.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import error as too_short

from controller.model.flow import Group, GroupKind, Meter, MeterUnit, Output
from simulator.switch.instructions import buckets
from simulator.switch.profile import Profile
from simulator.switch.wire import (
    ALL_GROUPS,
    ALL_METERS,
    GROUP_MOD_BODY,
    HEADER_BYTES,
    LONGEST_ENTRY,
    MAX_GROUP,
    MAX_PORT,
    METER_BAND,
    METER_MOD_BODY,
    Error,
    Refusal,
)

_ADD, _MODIFY, _DELETE = range(3)
_SELECT, _FAST_FAILOVER, _MOST_KIND = 1, 3, 3
_WATCHLESS = (0, 2)
_KBPS, _PKTPS, _BURST = 1, 2, 4
_DROP = 1


@dataclass(slots=True)
class HeldGroup:
    """A group as it was told: `kind` is its type's number, `raw` its buckets."""

    kind: int
    raw: bytes
    since_s: float
    packets: int = 0
    bytes: int = 0

    def model(self, group_id: int) -> Group:
        return Group(group_id, GroupKind(self.kind), buckets(self.raw))


@dataclass(slots=True)
class HeldMeter:
    """A meter as it was told; `tokens` is what it could still let through at `counted_s` (-1: full)."""

    flags: int
    raw: bytes
    since_s: float
    packets: int = 0
    bytes: int = 0
    tokens: float = -1.0
    counted_s: float = 0.0

    def model(self, meter_id: int) -> Meter:
        _, _, rate, burst = METER_BAND.unpack_from(self.raw)
        unit = MeterUnit.PKTPS if self.flags & _PKTPS else MeterUnit.KBPS
        return Meter(meter_id, rate, unit, burst if self.flags & _BURST else 0)


class Groups:
    """The group table."""

    def __init__(self, profile: Profile) -> None:
        self.held: dict[int, HeldGroup] = {}
        self._profile = profile

    def obey(self, message: bytes, most: int | None, now_s: float) -> frozenset[int]:
        """Carry out a GROUP_MOD; the groups that are no more. `most` groups fit (None: as the profile says).

        Raises `Refusal`, and then nothing has changed.
        """
        try:
            command, kind, group_id = GROUP_MOD_BODY.unpack_from(message, HEADER_BYTES)
        except too_short:
            raise Refusal(Error.BAD_LENGTH) from None
        raw = message[HEADER_BYTES + GROUP_MOD_BODY.size :]
        if command not in (_ADD, _MODIFY, _DELETE):
            raise Refusal(Error.BAD_GROUP_COMMAND)
        if command == _DELETE:
            if raw:
                raise Refusal(Error.INVALID_GROUP)
            return self._delete(group_id)
        self._check(kind, group_id, raw)
        before = self.held.get(group_id)
        if command == _ADD:
            room = self._profile.groups if most is None else most
            if before is not None:
                raise Refusal(Error.GROUP_EXISTS)
            if len(self.held) >= room:
                raise Refusal(Error.OUT_OF_GROUPS)
            self.held[group_id] = HeldGroup(kind, raw, now_s)
        elif before is None:
            raise Refusal(Error.UNKNOWN_GROUP)
        else:
            before.kind, before.raw = kind, raw
        return frozenset()

    def _check(self, kind: int, group_id: int, raw: bytes) -> None:
        if group_id > MAX_GROUP:
            raise Refusal(Error.INVALID_GROUP)
        if kind > _MOST_KIND:
            raise Refusal(Error.BAD_GROUP_TYPE)
        if len(raw) + GROUP_MOD_BODY.size > LONGEST_ENTRY:
            raise Refusal(Error.OUT_OF_BUCKETS)
        wanted = buckets(raw)
        if len(wanted) > self._profile.buckets:
            raise Refusal(Error.OUT_OF_BUCKETS)
        if kind == GroupKind.INDIRECT.value and len(wanted) != 1:
            raise Refusal(Error.INVALID_GROUP)
        if kind != _SELECT and any(bucket.weight for bucket in wanted):
            raise Refusal(Error.INVALID_GROUP)
        if kind in _WATCHLESS and any(bucket.watch_port is not None for bucket in wanted):
            raise Refusal(Error.WATCH_UNSUPPORTED)
        if kind == _FAST_FAILOVER and any(bucket.watch_port is None for bucket in wanted):
            raise Refusal(Error.INVALID_GROUP)
        if kind == _SELECT and any(bucket.weight < 1 for bucket in wanted):
            raise Refusal(Error.BAD_BUCKET)
        outputs = (each.port for bucket in wanted for each in bucket.actions if isinstance(each, Output))
        if any(port == MAX_PORT + 1 for port in outputs):
            raise Refusal(Error.BAD_OUT_PORT)

    def _delete(self, group_id: int) -> frozenset[int]:
        if group_id == ALL_GROUPS:
            gone = frozenset(self.held)
        else:
            gone = frozenset({group_id} & self.held.keys())
        for each in gone:
            del self.held[each]
        return gone


class Meters:
    """The meter table."""

    def __init__(self, profile: Profile) -> None:
        self.held: dict[int, HeldMeter] = {}
        self._profile = profile

    def obey(self, message: bytes, most: int | None, now_s: float) -> frozenset[int]:
        """Carry out a METER_MOD; the meters that are no more. Raises `Refusal`."""
        try:
            command, flags, meter_id = METER_MOD_BODY.unpack_from(message, HEADER_BYTES)
        except too_short:
            raise Refusal(Error.BAD_LENGTH) from None
        room = self._profile.meters if most is None else most
        if command == _DELETE:
            return self._delete(meter_id)
        if command not in (_ADD, _MODIFY):
            raise Refusal(Error.BAD_METER_COMMAND)
        if not room or not 0 < meter_id <= 0xFFFF0000:
            raise Refusal(Error.INVALID_METER)
        raw = message[HEADER_BYTES + METER_MOD_BODY.size :]
        _check_bands(raw)
        if command == _ADD:
            if meter_id in self.held:
                raise Refusal(Error.METER_EXISTS)
            if len(self.held) >= room:
                raise Refusal(Error.OUT_OF_METERS)
            self.held[meter_id] = HeldMeter(flags, raw, now_s)
        else:
            if meter_id not in self.held:
                raise Refusal(Error.UNKNOWN_METER)
            self.held[meter_id] = HeldMeter(flags, raw, self.held[meter_id].since_s)
        return frozenset()

    def _delete(self, meter_id: int) -> frozenset[int]:
        gone = frozenset(self.held if meter_id == ALL_METERS else {meter_id} & self.held.keys())
        for each in gone:
            del self.held[each]
        return gone

    def lets_through(self, meter_id: int, size: int, now_s: float) -> bool:
        """Whether a packet of `size` bytes passes; a token bucket of the meter's rate and burst.

        Without a burst the bucket holds one second's worth, as Open vSwitch's does.
        """
        held = self.held.get(meter_id)
        if held is None:
            return True
        held.packets += 1
        held.bytes += size
        meter = held.model(meter_id)
        per_second = meter.rate if meter.unit is MeterUnit.PKTPS else meter.rate * 1000
        most = meter.burst * (1 if meter.unit is MeterUnit.PKTPS else 1000) or per_second
        cost = 1 if meter.unit is MeterUnit.PKTPS else size * 8
        tokens = most if held.tokens < 0 else held.tokens + (now_s - held.counted_s) * per_second
        held.tokens, held.counted_s = min(tokens, most), now_s
        if held.tokens < cost:
            return False
        held.tokens -= cost
        return True


def _check_bands(raw: bytes) -> None:
    """The model has meters with one band that drops, and so have these switches."""
    if len(raw) != METER_BAND.size:
        raise Refusal(Error.OUT_OF_BANDS if len(raw) > METER_BAND.size else Error.BAD_BAND)
    kind, length, rate, _burst = METER_BAND.unpack(raw)
    if kind != _DROP or length != METER_BAND.size:
        raise Refusal(Error.BAD_BAND)
    if not rate:
        raise Refusal(Error.BAD_RATE)

"""Damping: a cable that comes and goes is left alone until it has behaved for a while.

RFC 2439 (route flap damping), section 4.2, applied to cables. Each time a cable goes down its penalty rises
by `DOWN`; all the time the penalty fades, by half in `half_life_s`. Above `suppress_above` the cable is
suppressed, until the penalty has come down to `reuse_below`. Two thresholds, because with one a cable would
be let in and thrown out again around it.

    goes down          1st       2nd       3rd
    penalty       0    1000      1950      2850  ...  2000 ...  1000 ...  750   ...  375
                       (with the usual values)   |  no route leads over it  |        |
                                                 suppressed                 reused   forgotten

No penalty rises above that from which it takes `longest_s` to come back (the RFC's ceiling): so long at
most a cable is suppressed after it last went down. Pure arithmetic on the times it is given: a replay comes
to the same numbers.

Where it differs from the RFC: the penalty fades equally fast whether the cable is up or down, as what is down
is not used anyhow; and coming up costs nothing, as each down has its up.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import exp2, log2

from controller.model.errors import ModelError
from controller.model.health import LinkHealth

DOWN = 1000.0
"""What going down once adds to the penalty."""


@dataclass(frozen=True, slots=True)
class Damping:
    """The thresholds (penalties) and times (seconds). With a half-life of 0 nothing is ever suppressed."""

    half_life_s: float = 15.0
    suppress_above: float = 2000.0
    reuse_below: float = 750.0
    longest_s: float = 60.0

    def __post_init__(self) -> None:
        if not self.half_life_s:
            return
        if not 0 < self.reuse_below < self.suppress_above:
            raise ModelError("a cable must be reused below the penalty at which it is suppressed")
        if self.ceiling <= self.suppress_above:
            raise ModelError("the longest suppression is too short: no penalty could rise to suppress_above")

    @property
    def ceiling(self) -> float:
        """No penalty is higher (RFC 2439, section 4.5)."""
        return self.reuse_below * exp2(min(self.longest_s / self.half_life_s, 64.0))

    def penalty(self, health: LinkHealth, now_s: float) -> float:
        """What is left of the penalty."""
        return health.penalty * exp2((health.at_s - now_s) / self.half_life_s)

    def after_down(self, health: LinkHealth, now_s: float) -> LinkHealth:
        """The health of a cable that has just gone down."""
        penalty = min(self.penalty(health, now_s) + DOWN, self.ceiling)
        struck = LinkHealth(False, penalty, now_s, health.downs + 1, health.suppressed_until_s)
        if health.suppressed_until_s is None and penalty <= self.suppress_above:
            return struck
        return replace(struck, suppressed_until_s=self._when(struck, self.reuse_below))

    def after_time(self, health: LinkHealth, now_s: float) -> LinkHealth | None:
        """The health of a cable to which nothing has happened; None when all that was is forgiven."""
        until_s = health.suppressed_until_s
        if until_s is not None and until_s <= now_s:
            health = replace(health, suppressed_until_s=None)
        return None if self.due_s(health) <= now_s else health

    def due_s(self, health: LinkHealth) -> float:
        """When time alone will change this: the cable may be used again, or its past is forgotten (at half of
        the penalty at which it may be used)."""
        if health.suppressed_until_s is not None:
            return health.suppressed_until_s
        return self._when(health, self.reuse_below / 2)

    def _when(self, health: LinkHealth, penalty: float) -> float:
        """When the penalty will have come down to this."""
        half_lives = max(log2(health.penalty / penalty), 0.0)
        return round(health.at_s + self.half_life_s * half_lives, 6)

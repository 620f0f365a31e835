"""A token bucket as a value: how much of something may still happen now.

The bucket fills at `rate_per_s` up to `burst`, and each thing that happens takes tokens out. It is refilled
when it is asked, from the time that has passed, so that nobody has to tick it; and it is never changed:
taking gives the next bucket, or None when there is not enough in it (the old bucket then stays true). The
time is whatever clock the caller has, in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from controller.model.errors import ModelError


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """`tokens` were in the bucket at `at_s`. The rate is positive, the burst at least 1, `tokens` at most
    `burst`.
    """

    rate_per_s: float
    burst: float
    tokens: float
    at_s: float = 0.0

    def __post_init__(self) -> None:
        if self.rate_per_s <= 0 or self.burst < 1 or not 0 <= self.tokens <= self.burst:
            raise ModelError(
                f"a bucket with rate {self.rate_per_s}, burst {self.burst}, tokens {self.tokens} cannot exist"
            )

    def level(self, now_s: float) -> float:
        """Tokens in the bucket now. A clock that goes backwards adds none."""
        return min(self.burst, self.tokens + max(0.0, now_s - self.at_s) * self.rate_per_s)

    def take(self, now_s: float, tokens: float = 1.0) -> TokenBucket | None:
        """The bucket without these tokens, or None when it does not hold them."""
        level = self.level(now_s)
        return None if level < tokens else replace(self, tokens=level - tokens, at_s=max(now_s, self.at_s))

    def wait_s(self, now_s: float, tokens: float = 1.0) -> float:
        """How long until the bucket holds these tokens; infinite for more than it can ever hold."""
        if tokens > self.burst:
            return math.inf
        return max(0.0, tokens - self.level(now_s)) / self.rate_per_s

    def is_full(self, now_s: float) -> bool:
        """Whether the bucket has forgotten all that was taken: a full one need not be kept."""
        return self.level(now_s) >= self.burst


def full_bucket(rate_per_s: float, burst: float | None = None) -> TokenBucket:
    """A bucket nobody has taken from; `burst` is one second's worth unless it is given."""
    most = max(1.0, rate_per_s if burst is None else burst)
    return TokenBucket(rate_per_s, most, most)

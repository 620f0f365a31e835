"""Early frames: what came in by a port before its switch said that the port is alive.

A switch hands up frames at once, but looks at the carrier of its ports only now and then. So what a host says
in the first moment after it was plugged in arrives before the news of its port; and for a virtual machine
that has just moved, that is the one announcement which everybody waits for.

The latest few frames of such a port are held, and heard as soon as it comes alive. A frame that was held for
longer than `HELD_S` is of the port's former life, and proves nothing.
"""

from __future__ import annotations

from controller.discovery.draft import Draft
from controller.discovery.state import Early
from controller.model.event import FrameIn
from controller.model.identity import PortRef

HELD_S = 1.0
MOST_FRAMES = 4


def hold(draft: Draft, at: PortRef, event: FrameIn) -> None:
    """Keep a frame of a port that is not alive; what has been held for too long goes."""
    if draft.is_time_to_sweep("early", HELD_S):
        for port, held in draft.early.items():
            if not _is_young(draft, held[-1]):
                draft.early.drop(port)
    kept = (*(draft.early.get(at) or ()), Early(event, draft.now_s))
    draft.early.set(at, kept[-MOST_FRAMES:])


def release(draft: Draft, at: PortRef) -> list[FrameIn]:
    """The frames held for a port that has come alive, in the order in which they came."""
    return [held.event for held in draft.early.drop(at) or () if _is_young(draft, held)]


def _is_young(draft: Draft, held: Early) -> bool:
    return draft.now_s <= held.at_s + HELD_S

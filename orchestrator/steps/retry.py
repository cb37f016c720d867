"""When a failed step is tried again; the same for every engine."""

from __future__ import annotations

import random
from typing import Final

from agent.errors import TransientError

RETRIES: Final = 3
DELAYS: Final = (1.0, 4.0, 15.0)
"""Seconds before retry 1, 2, 3. Inngest's own first retry would come only after tens of seconds."""

JITTER: Final = 0.2
LONGEST_DELAY: Final = 120.0
"""Seconds; a rate limit that asks for more is not waited out."""


def delay_before(attempt: int, error: Exception) -> float:
    """Seconds to wait before the attempt after ``attempt`` (from 0): what the error asks for, or ours, jittered."""
    if isinstance(error, TransientError) and error.delay is not None:
        return min(error.delay, LONGEST_DELAY)
    return DELAYS[min(attempt, len(DELAYS) - 1)] * random.uniform(1 - JITTER, 1 + JITTER)

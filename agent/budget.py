"""What a run has left, and what the model is told about it. Pure: the clock is read by whoever calls."""

from __future__ import annotations

from typing import Final, NamedTuple

from agent.messages import Limits, Usage

WARN_TURNS: Final = 3
"""So many turns before the end the model learns of it: enough to finish a thought, run its test and repair a slip."""

LAST: Final = (
    "[{reason} This is your last turn: calls that you make now are still carried out, then the run ends. Leave what "
    "is there working, and say in a few words what is missing.]"
)
WARNING: Final = "[{left} turns are left, this one included. Finish what matters most.]"


class Standing(NamedTuple):
    notice: str
    """For the model, empty while there is nothing to say."""
    is_last: bool


def standing(limits: Limits, turn: int, usage: Usage, expected: int, now: float) -> Standing:
    """Where a run stands before its call number ``turn``, which will take about ``expected`` tokens.

    ``now``: seconds since the epoch.
    """
    if reason := _last_for(limits, turn, usage, expected, now):
        return Standing(LAST.format(reason=reason), True)
    left = limits.max_turns - turn + 1
    return Standing(WARNING.format(left=left) if left == WARN_TURNS and turn > 1 else "", False)


def _last_for(limits: Limits, turn: int, usage: Usage, expected: int, now: float) -> str:
    """Why this turn has to be the last one; empty where it has not. Two calls must still fit, or this is the last."""
    if turn >= limits.max_turns:
        return f"The limit of {limits.max_turns} turns is reached."
    if limits.max_tokens is not None and usage.tokens + 2 * expected > limits.max_tokens:
        return f"The limit of {limits.max_tokens} tokens is nearly reached."
    if limits.max_cost is not None and usage.cost + 2 * _price(usage) * expected > limits.max_cost:
        return f"The limit of cost ({limits.max_cost:g}) is nearly reached."
    if limits.deadline is not None and limits.deadline - now < limits.wind_down:
        return "The time is nearly up."
    return ""


def _price(usage: Usage) -> float:
    """What a token has cost on average."""
    return usage.cost / usage.tokens if usage.tokens else 0.0

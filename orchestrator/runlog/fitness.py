"""Whether a Redis may be trusted with runs. A Redis that drops keys when it is full drops runs that are on their way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from redis.exceptions import ResponseError

from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import FITNESS

SAFE_POLICY: Final = "noeviction"
KEPT_SECONDS: Final = 60


def unfit(redis: Client) -> str | None:
    """Why this Redis is not fit for runs, with what mends it; None where it is. Raises redis' errors where it is away."""
    policies = set(_policies(redis)) - {SAFE_POLICY}
    if policies:
        return (
            f"Redis may evict runs that are on their way: its maxmemory-policy is {', '.join(sorted(policies))}. "
            f"Set it to {SAFE_POLICY} (redis-cli config set maxmemory-policy {SAFE_POLICY}, or at your provider)."
        )
    return None


def check_write(redis: Client) -> None:
    """Write a trifle: a primary that was demoted answers reads as if nothing had happened. Raises redis' errors."""
    redis.set(FITNESS, b"1", ex=KEPT_SECONDS)


def _policies(redis: Client) -> Iterator[str]:
    """The policy of each node; nothing where the server does not tell."""
    try:
        answer: dict[str, Any] = redis.info("memory")
    except ResponseError:
        return
    nodes = [answer] if "used_memory" in answer else list(answer.values())  # a Cluster answers for each node
    yield from (node["maxmemory_policy"] for node in nodes if "maxmemory_policy" in node)

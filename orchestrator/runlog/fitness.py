"""Whether a Redis may be trusted with runs: one that drops keys when it is full drops runs that are on their way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

from redis.exceptions import RedisError, ResponseError

from orchestrator.logs import get_logger
from orchestrator.runlog.causes import cause
from orchestrator.runlog.connection import Client, connect
from orchestrator.runlog.keys import NOTHING
from orchestrator.settings import Settings

log = get_logger(__name__)

SAFE_POLICY: Final = "noeviction"
OLDEST: Final = (6, 2)
"""Tried with 6.2 and 7.0; what came before was not tried."""


def unfit(redis: Client) -> str | None:
    """Why this Redis is not fit for runs, with what mends it; None where it is. Raises redis' errors."""
    nodes = list(_nodes(redis))
    policies = {node["maxmemory_policy"] for node in nodes if "maxmemory_policy" in node} - {SAFE_POLICY}
    if policies:
        return (
            f"Redis may evict runs that are on their way: its maxmemory-policy is {', '.join(sorted(policies))}. "
            f"Set it to {SAFE_POLICY} (redis-cli config set maxmemory-policy {SAFE_POLICY}, or at your provider)."
        )
    if too_old := [version for node in nodes if is_too_old(version := str(node.get("redis_version", "")))]:
        return f"Redis is too old: it is {too_old[0]}, and {'.'.join(map(str, OLDEST))} or newer is needed."
    return None


def is_too_old(version: str) -> bool:
    """One that tells no version that we can read may be a newer server of another name."""
    numbers = version.split(".")[:2]
    return len(numbers) == 2 and all(map(str.isdigit, numbers)) and tuple(map(int, numbers)) < OLDEST


def refuse_unfit_redis(settings: Settings) -> None:
    """End the process where Redis is not fit for runs. One that does not answer yet is /readyz's to tell."""
    redis = connect(settings.redis_url, 1, settings.redis_tls_verify)
    try:
        reason = unfit(redis)
    except (RedisError, OSError) as error:
        log.warning("redis.not_usable", reason=cause(error))
        return
    finally:
        redis.close()
    if reason:
        sys.exit(f"runwire cannot start:\nREDIS_URL: {reason}")


def check_write(redis: Client) -> None:
    """A write that changes nothing: a primary that was demoted answers reads as ever. Raises redis' errors."""
    redis.delete(NOTHING)


def _nodes(redis: Client) -> Iterator[dict[str, Any]]:
    """What each node says of itself; nothing where the server does not tell."""
    try:
        answer: dict[str, Any] = redis.info("memory", "server")
    except ResponseError:
        return
    yield from [answer] if "used_memory" in answer else answer.values()  # a Cluster answers for each node

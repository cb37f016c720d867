"""The unit of what is made of round trips: a bare PING by redis-py, for which Redis does nothing."""

import time

import redis

from bench.job import Job, Link

JOB_SECONDS = 120.0


def ping_seconds(redis_url: str, calls: int = 2_000) -> float:
    """What one takes, in a process that does nothing else."""
    with Job(_ping, redis_url, calls) as job:
        return job.result(JOB_SECONDS)


def _ping(link: Link, redis_url: str, calls: int) -> float:
    client = redis.Redis.from_url(redis_url)
    started = time.monotonic()
    for _ in range(calls):
        client.ping()
    return (time.monotonic() - started) / calls

"""Redis clients. Small pools (hosted plans allow 20 connections in all), short time-outs, no hidden retries."""

from __future__ import annotations

from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from redis import BlockingConnectionPool, Redis
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.retry import Retry

Client: TypeAlias = Any
"""A redis-py client whose replies are bytes; its own annotations make each reply a union over all its modes."""

CONNECT_SECONDS: Final = 1.0
"""A Redis that does not take a connection within this is down for a request; it answers 503 within 3 s."""

REPLY_SECONDS: Final = 2.0
"""Longer than any command here takes; nothing blocks on the server's side."""


def tls_options(url: str, verify: bool) -> dict[str, Any]:
    """``ssl_cert_reqs`` is an error on a plain connection, so it is named only where it applies."""
    return {"ssl_cert_reqs": None} if urlsplit(url).scheme == "rediss" and not verify else {}


def connect(url: str, max_connections: int, tls_verify: bool = True) -> Client:
    """A client for commands and scripts; connects on first use. Replies are bytes.

    A connection that was closed while it was idle is retried once, at once. A reply that timed out is not: the caller
    knows whether its command may run twice.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=REPLY_SECONDS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=REPLY_SECONDS,
        retry=Retry(ConstantBackoff(0.0), 1, supported_errors=(RedisConnectionError,)),
        **tls_options(url, tls_verify),
    )
    return Redis.from_pool(pool)

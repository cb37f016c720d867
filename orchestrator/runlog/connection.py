"""Redis clients. Small pools (hosted plans allow 20 connections in all), short time-outs, no hidden retries."""

from __future__ import annotations

from queue import Empty
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


class _Pool(BlockingConnectionPool):
    """Hands out connections without first asking the system whether each is still open, which costs half a command.

    One that was closed while it was idle shows when it is used, and is retried.
    """

    def get_connection(self, command_name: Any = None, *keys: Any, **options: Any) -> Any:
        self._checkpid()
        try:
            connection: Any = self.pool.get(block=True, timeout=self.timeout) or self.make_connection()  # type: ignore[no-untyped-call]
        except Empty:
            raise RedisConnectionError("No connection available") from None
        try:
            connection.connect()
        except BaseException:
            self.release(connection)  # type: ignore[no-untyped-call]
            raise
        return connection


def connect(url: str, max_connections: int, tls_verify: bool = True, wait: float = REPLY_SECONDS) -> Client:
    """A client for commands and scripts; connects on first use. Replies are bytes.

    When all connections are busy a command waits up to ``wait`` seconds for one. A connection that was closed while it
    was idle is retried once, at once. A reply that timed out is not: the caller knows whether that may run twice.
    """
    pool = _Pool.from_url(
        url,
        max_connections=max_connections,
        timeout=wait,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=REPLY_SECONDS,
        retry=Retry(ConstantBackoff(0.0), 1, supported_errors=(RedisConnectionError,)),
        **tls_options(url, tls_verify),
    )
    return Redis.from_pool(pool)

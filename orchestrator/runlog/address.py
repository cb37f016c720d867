"""Where Redis is: what a URL says, and how a connection finds the server each time it connects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from redis import Sentinel
from redis.connection import Connection, SSLConnection, parse_url
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import InvalidResponse, ReadOnlyError

from orchestrator import metrics
from orchestrator.runlog.not_now import Parser

SENTINEL_PORT: Final = 26379
SENTINEL_SECONDS: Final = 1.0


class NotPrimary(RedisConnectionError):
    """The server takes no writes; the next connection may lead to another one."""


@dataclass(frozen=True)
class Address:
    """``options`` are the connection's, a time-out aside."""

    url: str
    connection_class: type[Connection]
    options: dict[str, Any]
    may_be_cluster: bool


@cache
def read_address(url: str, tls_verify: bool) -> Address:
    """``redis://``, ``rediss://`` or ``redis+sentinel://[user:password@]host[:port],…/service[/db]``.

    Raises ValueError where a sentinel URL names no service.
    """
    scheme = urlsplit(url).scheme
    secure = scheme.startswith("rediss")
    # ``ssl_cert_reqs`` is an error on a plain connection, so it is named only where it applies.
    tls: dict[str, Any] = {"ssl_cert_reqs": None} if secure and not tls_verify else {}
    plain = SSLConnection if secure else Connection
    if scheme.endswith("+sentinel"):
        resolve, options = _sentinels(url, tls if secure else None)
        return Address(url, _class_for(plain, resolve), {**options, **tls}, may_be_cluster=False)
    options = {name: value for name, value in parse_url(url).items() if name != "connection_class"} | tls  # type: ignore[no-untyped-call]
    return Address(url, _class_for(plain), options, may_be_cluster=not options.get("db"))


@dataclass
class _Epoch:
    """How often this address was found to lead to a server that had become read-only."""

    number: int = 0


def _class_for(base: type[Connection], resolve: Callable[[], tuple[str, int]] | None = None) -> type[Connection]:
    """Connections that leave a server which has become a replica, and ask ``resolve`` for an address to connect to.

    After a failover the old primary keeps its connections and answers reads as if nothing had happened. So the first
    refused write ends all connections that were made before it: each is replaced when it is used next.
    """
    epoch = _Epoch()

    class ToPrimary(base):  # type: ignore[misc, valid-type]  # a base that is only known here
        _made_in = 0

        @property
        def is_outdated(self) -> bool:
            return self._made_in != epoch.number

        def set_parser(self, parser_class: Any) -> None:
            super().set_parser(Parser)

        def connect(self) -> None:
            if self._sock is not None and self.is_outdated:
                self.disconnect()
            super().connect()

        def _connect(self) -> Any:
            """Its only way to a socket: redis-py reconnects in the middle of a retry without calling ``connect``."""
            if resolve is not None:
                self.host, self.port = resolve()
            self._made_in = epoch.number
            metrics.REDIS_CONNECTIONS.inc()
            return super()._connect()

        def read_response(self, *args: Any, **kwargs: Any) -> Any:
            try:
                return super().read_response(*args, **kwargs)
            except ReadOnlyError as error:
                self.disconnect()
                raise self.demoted(error) from error
            except InvalidResponse as error:
                self.disconnect()
                raise RedisConnectionError(f"What answers is not Redis: {error}") from error

        def demoted(self, error: ReadOnlyError) -> NotPrimary:
            """The server has refused a write; what to raise instead of ``error``."""
            if self._made_in == epoch.number:
                epoch.number += 1
            return NotPrimary(f"Redis is read-only, so it is not the primary (any more): {error}")

    return ToPrimary


def _sentinels(url: str, tls: dict[str, Any] | None) -> tuple[Callable[[], tuple[str, int]], dict[str, Any]]:
    parts = urlsplit(url)
    login, _, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    if not service or not hosts:
        raise ValueError("a sentinel URL needs hosts and a service: redis+sentinel://host:26379,host:26379/mymaster")
    user, _, password = login.partition(":")
    credentials = {"username": unquote(user) or None, "password": unquote(password) or None}
    options = {name: value for name, value in credentials.items() if value} | {"db": int(database or 0)}
    secure = {"ssl": True, **tls} if tls is not None else {}
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        [_host_and_port(host) for host in hosts.split(",")],
        socket_timeout=SENTINEL_SECONDS,
        socket_connect_timeout=SENTINEL_SECONDS,
        **secure,
    )

    def resolve() -> tuple[str, int]:
        host, port = sentinel.discover_master(service)  # type: ignore[no-untyped-call]
        return str(host), int(port)

    return resolve, options


def _host_and_port(text: str) -> tuple[str, int]:
    host, _, port = text.strip().rpartition(":") if ":" in text else (text.strip(), "", "")
    return host, int(port or SENTINEL_PORT)

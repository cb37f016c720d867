"""Redis clients. Small pools (hosted plans allow 20 connections in all), short time-outs, no hidden retries.

One URL names any Redis that people run: a single server, behind TLS (``rediss://``), a Cluster (found out by asking,
the client then follows its redirects), or servers behind Sentinels (``redis+sentinel://host:26379,host:26379/name``).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from queue import Empty
from typing import Any, Final, TypeAlias

from gevent.monkey import is_module_patched
from redis import BlockingConnectionPool, Redis, RedisCluster
from redis._parsers import Encoder
from redis.backoff import ConstantBackoff
from redis.connection import HiredisRespSerializer, PythonRespSerializer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

from agent.pace import Pace
from orchestrator.runlog.address import Address, read_address
from orchestrator.runlog.commands import Commands
from orchestrator.runlog.shared import SharedRedis

Client: TypeAlias = Any
"""A redis-py client whose replies are bytes; its own annotations make each reply a union over all its modes."""

CONNECT_SECONDS: Final = 1.0
"""A Redis that does not take a connection within this is down for a request; it answers 503 within 3 s."""

REPLY_SECONDS: Final = 2.0
"""Longer than any command here takes; nothing blocks on the server's side."""

LARGE_COMMAND: Final = 1_048_576
LARGE_ARGUMENT: Final = 6_000
"""Bytes: above, what a command is made of is sent as it is, piece by piece."""

GREETING_BYTES: Final = 1_024
"""Room to read with, for connections whose replies are read by others once they are greeted. redis-py's own, 32 KiB,
would stay with each one that is lost or fails, which cycles keep until a collection: thousands while Redis is away."""

CLUSTER_RETRIES: Final = 3
"""How often the cluster's client looks for a slot's new node."""


class _Packer:
    """Commands as bytes. hiredis makes one piece of each, which for 100 MB of files would hold up the process."""

    def __init__(self) -> None:
        self._large = PythonRespSerializer(LARGE_ARGUMENT, Encoder("utf-8", "strict", False).encode)  # type: ignore[no-untyped-call]
        self._small: Any = HiredisRespSerializer()

    def pack(self, *args: Any) -> Any:
        is_large = sum(len(arg) for arg in args if isinstance(arg, (bytes, str))) > LARGE_COMMAND
        packer: Any = self._large if is_large else self._small
        pieces: Iterable[bytes] = packer.pack(*args)
        return _at_a_pace(pieces) if is_large else pieces


def _at_a_pace(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Others go on between pieces, which the system takes without a pause as long as it has room."""
    pace = Pace()
    for piece in pieces:
        yield piece
        pace(len(piece))


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


def connect(url: str, max_connections: int, tls_verify: bool = True) -> Client:
    """A client for commands and scripts; connects on first use. Replies are bytes.

    In a process under gevent small and frequent commands share one connection (``shared.py``); not in a Cluster, where
    each belongs to a node. All others take one of up to ``max_connections`` (of each node), and wait up to
    REPLY_SECONDS for it. A connection that was closed, or whose server has become read-only, is replaced and the
    command tried once more. A reply that timed out is not: the caller knows whether that may run twice.
    """
    address = read_address(url, tls_verify)
    options: dict[str, Any] = {"max_connections": max_connections, "socket_connect_timeout": CONNECT_SECONDS}
    options |= {"socket_timeout": REPLY_SECONDS, "command_packer": _Packer(), **address.options}
    retry = Retry(ConstantBackoff(0.0), 1, supported_errors=(RedisConnectionError,))
    pool: Any = _Pool
    pool = pool(connection_class=address.connection_class, timeout=REPLY_SECONDS, retry=retry, **options)
    single = _sharing(pool) if is_module_patched("socket") else Redis.from_pool(pool)
    return _Adaptive(single, partial(_cluster, address, options)) if address.may_be_cluster else single


def _sharing(pool: Any) -> Client:
    make = partial(pool.connection_class, **pool.connection_kwargs | {"socket_read_size": GREETING_BYTES})
    client: Any = SharedRedis.from_pool(pool)
    return client.share(Commands(make, REPLY_SECONDS))


def subscriber(url: str, tls_verify: bool = True) -> Callable[..., Any]:
    """Makes connections that listen: no time-out for replies, and RESP2, whose pushes are plain lists.

    They are not connected yet. ``host`` and ``port`` may name another node of the same Cluster.
    """
    address = read_address(url, tls_verify)
    options = {"protocol": 2, "socket_connect_timeout": CONNECT_SECONDS, **address.options}
    options["socket_read_size"] = GREETING_BYTES

    def make(**node: Any) -> Any:
        return address.connection_class(**options | node)

    return make


def known_nodes(client: Client) -> list[dict[str, Any]]:
    """``host`` and ``port`` of a Cluster's nodes; nothing where the client knows only its one server."""
    nodes: list[Any] = getattr(client, "get_nodes", list)()
    return [{"host": node.host, "port": node.port} for node in nodes]


def _cluster(address: Address, options: dict[str, Any]) -> Client:
    pool = partial(_Pool, connection_class=address.connection_class, timeout=REPLY_SECONDS)
    retry = Retry(ConstantBackoff(0.0), CLUSTER_RETRIES, supported_errors=(RedisConnectionError,))
    unused = ("db", "path", "connection_class")
    options = {name: value for name, value in options.items() if name not in unused}
    return RedisCluster(url=address.url, connection_pool_class=pool, retry=retry, **options)


class _Adaptive:
    """The client of a single server until that turns out to be part of a Cluster; asks when it is first used."""

    def __init__(self, single: Client, cluster: Any) -> None:
        self._single, self._cluster = single, cluster
        self._client: Client | None = None
        self._asking = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client or self._found_out(), name)

    def _found_out(self) -> Client:
        with self._asking:  # a process begins with several that ask at once, each on a connection that stays
            return self._client or self._find_out()

    def _find_out(self) -> Client:
        try:
            is_cluster = self._single.info("cluster").get("cluster_enabled") == 1
            client = self._cluster() if is_cluster else self._single
        except (RedisError, OSError):
            return self._single  # the command that is on its way will say what is wrong; the next one asks again
        self._client = client
        return client

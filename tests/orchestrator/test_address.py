"""How connections leave a server that has become a replica; failovers: reliability/test_redis_topologies.py."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis

from orchestrator.runlog.address import NotPrimary, read_address
from tools.redis_server import RedisServer

NOBODY = 1
"""A port of which nobody needs to be the primary: to be told to follow is enough to refuse writes."""


def test_one_refused_write_replaces_every_connection_that_was_made_before_it(tmp_path: Path) -> None:
    """A connection that only reads or listens is refused nothing, and would stay at a demoted server for ever."""
    with RedisServer(tmp_path / "redis") as server:
        address = read_address(server.url, True)
        pool = redis.ConnectionPool(connection_class=address.connection_class, **address.options)
        writer, reader = pool.get_connection(), pool.get_connection()
        before = _id(reader)
        with redis.Redis(port=server.port) as client:
            client.replicaof("127.0.0.1", NOBODY)
        writer.send_command("SET", "key", "value")  # type: ignore[no-untyped-call]
        with pytest.raises(NotPrimary):
            writer.read_response()

        pool.release(reader)
        again = pool.get_connection()
        assert again is reader
        assert _id(again) != before
        pool.disconnect()


def _id(connection: redis.Connection) -> int:
    connection.send_command("CLIENT", "ID")  # type: ignore[no-untyped-call]
    return int(connection.read_response())

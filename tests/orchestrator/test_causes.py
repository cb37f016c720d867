"""What is wrong with Redis is said with the setting that mends it; seen: only `ConnectionError` (FINDINGS C15)."""

import socket
import ssl

import pytest
from redis.exceptions import (
    AuthenticationError,
    MaxConnectionsError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as RedisConnectionError

from orchestrator.runlog.causes import cause
from orchestrator.runlog.connection import connect
from orchestrator.runlog.fitness import is_too_old
from tools.redis_server import RedisServer


def chained(inner: Exception) -> Exception:
    try:
        try:
            raise inner
        except Exception as error:
            raise RedisConnectionError("Error 1 connecting to host:6379.") from error
    except RedisConnectionError as outer:
        return outer


@pytest.mark.parametrize(
    ("error", "setting"),
    [
        (chained(ssl.SSLCertVerificationError("self-signed certificate")), "REDIS_TLS_VERIFY=false"),
        (chained(ssl.SSLError("[SSL: WRONG_VERSION_NUMBER] wrong version number")), "redis://"),
        (AuthenticationError("WRONGPASS invalid username-password pair"), "password in REDIS_URL"),
        (ReadOnlyError("READONLY You can't write against a read only replica."), "primary"),
        (RedisConnectionError("Connection refused"), "does not answer at REDIS_URL (ConnectionError)"),
        (chained(socket.gaierror(-2, "Name or service not known")), "host name in REDIS_URL"),
        (RedisConnectionError("Connection closed by server."), "rediss://"),
        (MaxConnectionsError("max number of clients reached"), "REDIS_MAX_CONNECTIONS"),
        (OutOfMemoryError("OOM command not allowed when used memory > 'maxmemory'."), "EVENTS_TTL"),
        (ResponseError("BUSY Redis is busy running a script. You can only call SCRIPT KILL."), "SCRIPT KILL ends it"),
        (ResponseError("MISCONF Redis is configured to save RDB snapshots"), "cannot save its data"),
        (ResponseError("NOREPLICAS Not enough good replicas to write."), "min-replicas-to-write"),
        (ResponseError("unknown command 'GETEX', with args beginning with: "), "Redis 6.2 or newer"),
    ],
)
def test_each_cause_names_its_setting(error: Exception, setting: str) -> None:
    assert setting in cause(error)


def test_a_real_server_that_is_addressed_wrongly(redis_server: RedisServer) -> None:
    plain = redis_server.url
    for url, said in (
        (plain.replace("redis://", "rediss://"), "does not speak TLS"),
        (plain.replace("redis://", "redis://nobody:wrong@"), "user name or password"),
        (f"{plain}99999", "no database of the number"),
    ):
        client = connect(url, 1)
        with pytest.raises(RedisError) as error:
            client.ping()
        assert said in cause(error.value)
        client.close()


@pytest.mark.parametrize(
    ("version", "too_old"),
    [("5.0.14", True), ("6.0.20", True), ("6.2.14", False), ("7.0.15", False), ("10.0.0", False), ("df-v1.2", False)],
)
def test_a_redis_that_is_too_old_is_known_by_its_version(version: str, too_old: bool) -> None:
    assert is_too_old(version) is too_old

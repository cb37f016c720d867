"""What is wrong with Redis is said with the setting that mends it; seen: only `ConnectionError` (FINDINGS C15)."""

import ssl

import pytest
from redis.exceptions import AuthenticationError, ReadOnlyError, RedisError
from redis.exceptions import ConnectionError as RedisConnectionError

from orchestrator.runlog.causes import cause
from orchestrator.runlog.connection import connect
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
    ],
)
def test_each_cause_names_its_setting(error: Exception, setting: str) -> None:
    assert setting in cause(error)


def test_tls_at_a_port_that_has_none_and_a_password_that_is_none(redis_server: RedisServer) -> None:
    plain = redis_server.url
    for url, said in (
        (plain.replace("redis://", "rediss://"), "does not speak TLS"),
        (plain.replace("redis://", "redis://nobody:wrong@"), "user name or password"),
    ):
        client = connect(url, 1)
        with pytest.raises(RedisError) as error:
            client.ping()
        assert said in cause(error.value)
        client.close()

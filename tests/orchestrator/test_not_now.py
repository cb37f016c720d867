"""Refusals that pass are told from mistakes of ours, and waited for. Seen: a step was begun, and paid for, anew."""

from collections.abc import Callable

import pytest
import redis

from orchestrator.patience import AWAY, patiently
from orchestrator.runlog.connection import Client, connect
from orchestrator.runlog.not_now import NotNow, Parser
from tools.redis_server import RedisServer


@pytest.mark.parametrize(
    "said",
    [
        "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
        "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
        "NOREPLICAS Not enough good replicas to write.",
        "ERR Error running script (call to f_1): @user_script:8: @user_script: 8: -MISCONF Redis is configured",
        "CLUSTERDOWN The cluster is down",
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
        "TRYAGAIN Multiple keys request during rehashing of slot",
        "NOPERM this user has no permissions to run the 'evalsha' command",
        "LOADING Redis is loading the dataset in memory",
    ],
)
def test_what_redis_takes_later_is_waited_for(said: str) -> None:
    assert isinstance(Parser.parse_error(said), AWAY)


@pytest.mark.parametrize(
    "said",
    [
        "BUSYGROUP Consumer Group name already exists",
        "WRONGTYPE Operation against a key holding the wrong kind of value",
        "OOM command not allowed when used memory > 'maxmemory'.",
        "ERR unknown command 'GETEX'",
    ],
)
def test_a_mistake_is_not(said: str) -> None:
    assert not isinstance(Parser.parse_error(said), AWAY)


@pytest.mark.parametrize("shares", [True, False], ids=["shared connection", "own connection"])
def test_a_real_server_refuses_for_a_while(
    own_redis: RedisServer, share: Callable[..., Client], *, shares: bool
) -> None:
    client = share(own_redis.url) if shares else connect(own_redis.url, 1)
    tries = 0

    def write() -> object:
        nonlocal tries
        tries += 1
        if tries == 2:
            admin.config_set("min-replicas-to-write", 0)
        return client.set("name", "value")

    with redis.Redis.from_url(own_redis.url) as admin:
        admin.config_set("min-replicas-to-write", 1)
        with pytest.raises(NotNow):
            client.set("name", "value")
        assert patiently(write)
    assert tries == 2

"""The one connection that all greenlets share: everybody gets the reply to what they asked, as redis-py gives it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import pytest
import redis

from lab.tcp_proxy import TcpProxy
from orchestrator.events import RunRequested, encode_body
from orchestrator.runlog import RunLog
from orchestrator.runlog.commands import Commands
from orchestrator.runlog.connection import Client
from tests.orchestrator.shared_connection import CROWD, all_of, echo, of, outcome
from tools.processes import free_port
from tools.redis_server import RedisServer

MEGABYTE = 1_000_000


def test_everybody_gets_the_reply_to_what_they_asked(commands: Commands) -> None:
    def many(name: str) -> list[object]:
        return [echo(commands, f"{name}-{count}") for count in range(20)]

    found = all_of([gevent.spawn(many, f"g{number}") for number in range(CROWD)])
    assert found == [[f"g{number}-{count}" for count in range(20)] for number in range(CROWD)]


def test_what_is_asked_in_one_turn_leaves_in_one_write(commands: Commands, redis_client: "redis.Redis") -> None:
    """With Wire.ask sending at once Redis had to read 200 times."""
    echo(commands, "connected")
    before = redis_client.info("stats")["total_reads_processed"]
    all_of([gevent.spawn(echo, commands, number) for number in range(CROWD)])
    after = redis_client.info("stats")["total_reads_processed"]
    assert after - before < CROWD / 4  # some of them others' on the same server


def test_all_of_a_process_takes_one_connection(
    share: Callable[..., Client], redis_server: RedisServer, redis_url: str, unique: Callable[[str], str]
) -> None:
    """Through redis-py's pool of two most runs were refused: no connection was free for two seconds."""
    with TcpProxy(redis_server.port) as line:
        client = share(redis_url.replace(str(redis_server.port), str(line.port)))
        log, runs = RunLog(client), [unique("run") for _ in range(CROWD)]

        def write(run_id: str) -> int:
            log.create(RunRequested(run_id=run_id, project_id="p", value="v"), "direct", "Accepted")
            attempt = log.begin(run_id, "s", 0, "nonce").attempt
            for number in range(1, 11):
                log.append(run_id, "s", attempt, number, [encode_body(run_id, "text", str(number), "s", attempt)])
            return log.read(run_id, 0, 100).last

        assert all_of([gevent.spawn(write, run_id) for run_id in runs]) == [11] * CROWD
        assert line.connections == 1


def test_errors_are_raised_where_they_were_asked_for(share: Callable[..., Client], redis_url: str) -> None:
    client = share(redis_url)
    client.set("text", "no number")
    good, bad = outcome(client.get, "text"), outcome(client.incrby, "text", 1)
    assert all_of([good, bad])[0] == b"no number"
    assert isinstance(bad.value, redis.ResponseError)
    pipe = client.pipeline(transaction=False)
    pipe.incrby("text", 1)
    pipe.get("text")
    first, second = pipe.execute(raise_on_error=False)
    assert isinstance(first, redis.ResponseError) and second == b"no number"
    pipe.incrby("text", 1)
    with pytest.raises(redis.ResponseError):
        pipe.execute()


def test_callers_get_what_redis_py_gives_them(share: Callable[..., Client], redis_url: str) -> None:
    """Its shaping of replies is kept: a set's True, scores as numbers, nothing as None."""

    def all_kinds(client: Any, key: str) -> list[Any]:
        pipe = client.pipeline(transaction=False)
        pipe.set(key, "a", nx=True, ex=100)
        pipe.zadd(key + "z", {"one": 1, "two": 2.5})
        pipe.zcard(key + "z")
        pipe.zrangebyscore(key + "z", "-inf", "+inf", start=0, num=5, withscores=True)
        pipe.expire(key, 50)
        alone = [
            client.set(key, "b", nx=True),
            client.get(key),
            client.get(key + "none"),
            client.exists(key),
            client.zrem(key + "z", "one"),
            client.eval("return {1, ARGV[1], false}", 1, key, "word"),
            client.delete(key),
        ]
        return [*pipe.execute(), *alone]

    with redis.Redis.from_url(redis_url) as plain:
        assert all_kinds(share(redis_url), "ours") == all_kinds(plain, "theirs")


def test_large_commands_and_replies_are_whole(commands: Commands, share: Callable[..., Client], redis_url: str) -> None:
    """The socket takes only a part of one; a command of this size goes beside the shared connection by itself."""
    sizes = [1, 4 * MEGABYTE, 3, 2 * MEGABYTE, 5]
    asked = [gevent.spawn(echo, commands, "x" * size) for size in sizes]
    assert [len(reply) for reply in all_of(asked)] == sizes
    assert len(all_of([gevent.spawn(echo, commands, "x" * 16 * MEGABYTE)])[0]) == 16 * MEGABYTE
    client = share(redis_url)
    client.set("large", b"x" * MEGABYTE)
    assert client.commands._wire is None
    assert client.get("large") == b"x" * MEGABYTE


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl to make a certificate")
def test_over_tls_all_is_the_same(share: Callable[..., Client], tmp_path: Path) -> None:
    """With READ_BYTES below a record of TLS the rest of it lay there, decrypted, until something else came."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key} -out {certificate}"
    subprocess.run(made.split(), check=True, capture_output=True)
    port = free_port()
    options = {"tls-port": str(port), "tls-cert-file": str(certificate), "tls-key-file": str(key)}
    with RedisServer(options=options | {"tls-ca-cert-file": str(certificate), "tls-auth-clients": "no"}):
        commands = of(share(f"rediss://127.0.0.1:{port}/1", tls_verify=False))
        for sizes in ([1, MEGABYTE, *range(CROWD), 5], [MEGABYTE]):
            found = all_of([outcome(echo, commands, "x" * size) for size in sizes])
            assert [len(reply) for reply in found] == sizes


def test_a_script_that_redis_has_forgotten_is_sent_again(
    share: Callable[..., Client], redis_url: str, unique: Callable[[str], str]
) -> None:
    client, run_id = share(redis_url), unique("run")
    log = RunLog(client)
    log.create(RunRequested(run_id=run_id, project_id="p", value="v"), "direct", "Accepted")
    client.script_flush()
    assert log.begin(run_id, "s", 0, "nonce").attempt == 0

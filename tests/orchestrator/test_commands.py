"""The one connection that all greenlets share: who gets which reply, and what happens where it breaks."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from lab.tcp_proxy import TcpProxy
from orchestrator.events import RunRequested, encode_body
from orchestrator.runlog import RunLog, connection
from orchestrator.runlog.address import NotPrimary
from orchestrator.runlog.commands import Commands
from orchestrator.runlog.connection import Client, connect
from tools.processes import free_port
from tools.redis_server import RedisServer

CROWD = 200
PATIENCE = 30.0
"""Seconds; longer than any test here takes, however busy the machine."""
SOON = 0.1
MEGABYTE = 1_000_000


@pytest.fixture
def share(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Client]]:
    """Makes clients as a process under gevent has them."""
    made: list[Client] = []

    def make(url: str, tls_verify: bool = True) -> Client:
        monkeypatch.setattr(connection, "is_module_patched", lambda name: True)
        monkeypatch.setattr(connection, "REPLY_SECONDS", PATIENCE)
        made.append(connect(url, 2, tls_verify))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture(scope="module")
def rough_redis() -> Iterator[RedisServer]:
    """One that is paused, killed and demoted here."""
    with RedisServer() as server:
        yield server


@pytest.fixture
def commands(share: Callable[..., Client], redis_url: str) -> Commands:
    return of(share(redis_url))


def of(client: Client) -> Commands:
    found: Commands = client.commands
    return found


def make_overdue(commands: Commands, count: int) -> None:
    """Let time pass for the first ``count`` calls, once they are all on their way."""
    gevent.sleep(0)
    wire = commands._wire
    assert wire is not None and len(wire._calls) >= count
    for call in list(wire._calls)[:count]:
        call.due = 0.0
    wire._set_clock(0.0)


def echo(commands: Commands, word: object) -> object:
    [reply] = commands.ask([("ECHO", str(word))])
    return reply.decode() if isinstance(reply, bytes) else reply


def outcome(call: Callable[..., object], *args: object) -> "gevent.Greenlet[..., Any]":
    """A greenlet whose value is what the call returns, or raises."""

    def catch() -> object:
        try:
            return call(*args)
        except redis.RedisError as error:
            return error

    return gevent.spawn(catch)


def all_of(greenlets: "list[gevent.Greenlet[..., Any]]") -> list[Any]:
    gevent.joinall(greenlets, timeout=PATIENCE)
    return [each.value for each in greenlets]


# Replies


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


# What does not come


def test_the_reply_to_somebody_who_is_gone_is_thrown_away(
    share: Callable[..., Client], rough_redis: RedisServer
) -> None:
    """With its call taken out of the line the next one got it."""
    commands = of(share(rough_redis.url))
    echo(commands, "connected")
    with rough_redis.paused():
        gone, here = outcome(echo, commands, "gone"), outcome(echo, commands, "here")
        gevent.sleep(0)
        gone.kill()
    assert all_of([here]) == ["here"]
    assert echo(commands, "later") == "later"


def test_a_reply_that_comes_too_late_is_nobody_elses(share: Callable[..., Client], rough_redis: RedisServer) -> None:
    """Who asked later on the same connection still has time, and gets what they asked for."""
    commands = of(share(rough_redis.url))
    echo(commands, "connected")
    with rough_redis.paused():
        late, here = outcome(echo, commands, "late"), outcome(echo, commands, "here")
        make_overdue(commands, 1)
        assert isinstance(all_of([late])[0], RedisTimeoutError)
    assert all_of([here]) == ["here"]
    assert echo(commands, "later") == "later"


def test_a_redis_that_hangs_costs_each_call_its_patience_and_is_used_again(
    share: Callable[..., Client], rough_redis: RedisServer
) -> None:
    """Over another connection: the one that hung may be one whose other end is gone."""
    with TcpProxy(rough_redis.port) as line:
        commands = of(share(f"redis://127.0.0.1:{line.port}/1"))
        echo(commands, "connected")
        with rough_redis.paused():
            asked = [outcome(echo, commands, number) for number in range(CROWD)]
            make_overdue(commands, CROWD)
            found = all_of(asked)
            assert {type(error) for error in found} == {RedisTimeoutError}
        before = line.connections
        assert all_of([outcome(echo, commands, "again")]) == ["again"]
        assert line.connections == before + 1


def test_what_was_under_way_when_the_connection_was_cut_is_asked_once_more(
    share: Callable[..., Client], rough_redis: RedisServer
) -> None:
    """As redis-py does here; all that is under way shares one new connection."""
    with TcpProxy(rough_redis.port) as line:
        commands = of(share(f"redis://127.0.0.1:{line.port}/0"))
        echo(commands, "connected")
        before = line.connections
        with line.holding_replies():
            asked = [outcome(echo, commands, number) for number in range(CROWD)]
            gevent.sleep(SOON)
            line.cut()
        assert all_of(asked) == [str(number) for number in range(CROWD)]
        assert line.connections == before + 1


def test_a_connection_that_was_closed_while_it_was_idle_is_replaced(
    share: Callable[..., Client], rough_redis: RedisServer
) -> None:
    commands = of(share(rough_redis.url))
    echo(commands, "connected")
    with redis.Redis(port=rough_redis.port) as admin:
        admin.client_kill_filter(_type="normal", skipme=True)
    assert echo(commands, "again") == "again"


def test_a_redis_that_is_down_is_an_error_for_all_and_used_again(
    share: Callable[..., Client], rough_redis: RedisServer
) -> None:
    commands = of(share(rough_redis.url))
    echo(commands, "connected")
    rough_redis.kill()
    found = all_of([outcome(echo, commands, number) for number in range(CROWD)])
    assert {type(error) for error in found} == {RedisConnectionError}
    rough_redis.start()
    assert echo(commands, "again") == "again"


def test_nobody_there_is_a_connection_error(share: Callable[..., Client]) -> None:
    commands = of(share(f"redis://127.0.0.1:{free_port()}/0"))
    with pytest.raises(RedisConnectionError):
        echo(commands, "hello")


def test_a_primary_that_was_demoted_is_left(
    share: Callable[..., Client], rough_redis: RedisServer, redis_server: RedisServer, unique: Callable[[str], str]
) -> None:
    """Its name leads to the new one by now; without Commands looking at replies it was asked for ever."""
    with TcpProxy(rough_redis.port) as name, redis.Redis(port=rough_redis.port) as admin:
        client, key = share(f"redis://127.0.0.1:{name.port}/0"), unique("key")
        client.set(key, 1)
        admin.replicaof("127.0.0.1", free_port())
        with pytest.raises(NotPrimary):
            client.set(key, 2)
        assert client.get(key) == b"1"
        name.point_to(redis_server.port)
        assert client.set(key, 3)
        pipe = client.pipeline(transaction=False)
        assert pipe.get(key).delete(key).execute() == [b"3", 1]
        admin.replicaof("NO", "ONE")


def test_a_forked_process_has_a_connection_of_its_own(commands: Commands) -> None:
    """With Wire left to the child, parent and child read each other's replies."""
    echo(commands, "connected")
    child = os.fork()
    if child == 0:
        gevent.reinit()
        heard = [echo(commands, f"child-{count}") for count in range(100)]
        os._exit(heard != [f"child-{count}" for count in range(100)])
    assert [echo(commands, f"parent-{count}") for count in range(100)] == [f"parent-{count}" for count in range(100)]
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

"""The one connection that all greenlets share: what happens where it hangs, breaks, is demoted or forked."""

import gc
import os
import weakref
from collections.abc import Callable, Iterator
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Thread

import gevent
import pytest
import redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from lab.tcp_proxy import TcpProxy
from orchestrator.runlog.address import NotPrimary
from orchestrator.runlog.commands import Commands
from orchestrator.runlog.connection import Client, connect
from tests.orchestrator.shared_connection import CROWD, PATIENCE, all_of, echo, of, outcome
from tools.processes import free_port
from tools.redis_server import RedisServer

SOON = 0.1


@pytest.fixture(scope="module")
def rough_redis() -> Iterator[RedisServer]:
    """One that is paused, killed and demoted here."""
    with RedisServer() as server:
        yield server


def make_overdue(commands: Commands, count: int) -> None:
    """Let time pass for the first ``count`` calls, once they are all on their way."""
    gevent.sleep(0)
    wire = commands._wire
    assert wire is not None and len(wire._calls) >= count
    for call in list(wire._calls)[:count]:
        call.due = 0.0
    wire._set_clock(0.0)


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


def test_a_connection_that_was_lost_is_forgotten_at_once(
    share: Callable[..., Client], rough_redis: RedisServer
) -> None:
    """With its buffer: a worker hardly ever looks for cycles, and each loss left one, 64 KiB each."""
    commands = of(share(rough_redis.url))
    echo(commands, "connected")
    assert commands._wire is not None
    lost = weakref.ref(commands._wire)
    gc.disable()
    try:
        with redis.Redis(port=rough_redis.port) as admin:
            admin.client_kill_filter(_type="normal", skipme=True)
        assert echo(commands, "again") == "again"
        gevent.sleep(0)
        assert lost() is None
    finally:
        gc.enable()


def test_nobody_there_is_a_connection_error(share: Callable[..., Client]) -> None:
    commands = of(share(f"redis://127.0.0.1:{free_port()}/0"))
    with pytest.raises(RedisConnectionError):
        echo(commands, "hello")


class TakesItsTime:
    """A name that is looked up for long, or a server that takes its time over each word of greeting."""

    def connect(self) -> None:
        gevent.sleep(PATIENCE)


def test_all_that_a_connection_takes_together_is_bounded() -> None:
    """Only each part of it was: calls waited for 6 s, and for as long as a name server was silent."""
    commands = Commands(TakesItsTime, SOON)
    for _ in range(2):
        with pytest.raises(RedisTimeoutError):
            echo(commands, "hello")


@pytest.mark.parametrize("shares", [True, False], ids=["shared connection", "own connection"])
def test_who_does_not_speak_redis_is_a_connection_error(share: Callable[..., Client], *, shares: bool) -> None:
    """A router that answers for a Redis which is away. A step took that for its own failure."""
    with ThreadingTCPServer(("127.0.0.1", 0), Router) as router:
        serving = Thread(target=router.serve_forever, args=[SOON / 10])
        serving.start()
        url = f"redis://127.0.0.1:{router.server_address[1]}/0"
        with pytest.raises(RedisConnectionError):
            (share(url) if shares else connect(url, 1)).get("name")
        router.shutdown()
        serving.join()


class Router(StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")
        self.rfile.read()


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

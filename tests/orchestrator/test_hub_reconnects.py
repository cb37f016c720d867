"""The hub's connection to Redis: what was missed while it was broken is read again, and a dead one is given up."""

import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.hub import SubscriberConnection, connection
from tools.processes import wait_until
from tools.redis_server import RedisServer

ROOT = Path(__file__).parents[2]


def test_events_published_while_it_was_broken_are_read_again(redis_url: str, unique: Callable[[str], str]) -> None:
    """The acknowledgement of a second subscription means a gap (Hub._acknowledge)."""
    assert under_gevent("lost", redis_url, unique("run")) == "reads the log again\n"


def test_an_event_between_the_first_page_and_the_subscription_is_found(
    redis_url: str, unique: Callable[[str], str]
) -> None:
    """Both are asked for at once, over two connections: whichever is first, nothing is missed (Hub.prove)."""
    assert under_gevent("late", redis_url, unique("run")) == "finds what it has missed\n"


def under_gevent(*what: str) -> str:
    program = [sys.executable, "-m", "tests.orchestrator.hub_under_gevent", *what]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout or done.stderr


def test_a_connection_that_died_silently_is_given_up(own_redis: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is gone sends no goodbye. Without the shutdown in keep_alive the reader waited for ever."""
    monkeypatch.setattr(connection, "PING_SECONDS", 0.05)
    with closing(SubscriberConnection(own_redis.url)) as subscriber:
        opened, given_up = threading.Event(), threading.Event()

        def read() -> None:
            subscriber.open()
            opened.set()
            try:
                while True:
                    subscriber.read()
            except OSError:
                given_up.set()

        reader = threading.Thread(target=read)
        reader.start()
        assert opened.wait(10)
        with own_redis.paused():

            def looks_after_it() -> bool:
                subscriber.keep_alive()
                return given_up.is_set()

            wait_until(looks_after_it, 10, "the dead connection to be given up")
            reader.join()

"""Counting a caller's requests costs none of them its answer, and all but a minute's first one no time."""

import time
from collections.abc import Callable

import flask
import gevent
import pytest
import redis
from redis.exceptions import RedisError

from orchestrator.runlog.connection import connect
from orchestrator.runlog.keys import requests_of
from orchestrator.web.limits import RequestCounts, request_limit
from tools.redis_server import RedisServer


def settle(counts: RequestCounts) -> None:
    """Until Redis was told of all."""
    while counts._is_telling:
        gevent.sleep(0.001)


@pytest.fixture
def name(unique: Callable[[str], str]) -> str:
    return unique("caller")


def test_an_answer_that_is_made_is_given_also_where_redis_dies_after_it(own_redis: RedisServer) -> None:
    app = flask.Flask(__name__)
    app.before_request(request_limit(connect(own_redis.url, 2), 10))

    @app.get("/")
    def answer() -> str:
        own_redis.kill()
        return "made"

    assert app.test_client().get("/").text == "made"


def test_one_process_counts_exactly_also_what_comes_at_once(redis_url: str, name: str) -> None:
    """And in few calls: each asking for itself, a thousand viewers waited for connections until some were refused."""
    counts, number = RequestCounts(connect(redis_url, 2)), 200
    with redis.Redis.from_url(redis_url) as client:
        for first in (1, number + 1):  # nothing is known of the first ones, and then all
            before = client.info("commandstats").get("cmdstat_incrby", {"calls": 0})["calls"]
            asked = [gevent.spawn(counts.count, name) for _ in range(number)]
            gevent.joinall(asked, raise_error=True)
            settle(counts)
            assert sorted(each.get() for each in asked) == list(range(first, first + number))
            assert client.info("commandstats")["cmdstat_incrby"]["calls"] <= before + 2
        assert client.get(requests_of(name)) == b"%d" % (2 * number)
    assert 1 <= counts.seconds_left(name) <= 60


def test_two_processes_know_of_each_others_requests_once_redis_was_told(redis_url: str, name: str) -> None:
    one, other = RequestCounts(connect(redis_url, 2)), RequestCounts(connect(redis_url, 2))
    assert [one.count(name) for _ in range(3)] == [1, 2, 3]
    settle(one)
    assert other.count(name) == 4
    assert one.count(name) == 4  # not told of the other's yet
    settle(one)
    assert one.count(name) == 6


def test_when_its_minute_is_over_a_name_is_counted_anew(redis_url: str, name: str) -> None:
    counts = RequestCounts(connect(redis_url, 2))
    with redis.Redis.from_url(redis_url) as client:
        client.set(requests_of(name), 7, px=200)
        assert counts.count(name) == 8
        while time.monotonic() < counts._minutes[name].ends:
            gevent.sleep(0.01)
        assert [counts.count(name), counts.count(name)] == [1, 2]
        assert 50 < counts.seconds_left(name) <= 60


def test_a_count_that_has_no_end_is_given_one(redis_url: str, name: str) -> None:
    """It had ended between the commands that begin it and add to it: from then on its caller was refused for ever."""
    counts = RequestCounts(connect(redis_url, 2))
    with redis.Redis.from_url(redis_url) as client:
        client.set(requests_of(name), 7)
        assert counts.count(name) == 8
        assert 0 < client.pttl(requests_of(name)) <= 60_000
    assert 50 < counts.seconds_left(name) <= 60


def test_where_redis_is_full_each_process_counts_its_own(own_redis: RedisServer, name: str) -> None:
    """Runs can be read, ended and removed then; everything was refused."""
    counts = RequestCounts(connect(own_redis.url, 2))
    with redis.Redis.from_url(own_redis.url) as client:
        client.config_set("maxmemory", 1)
        asked = [gevent.spawn(counts.count, name) for _ in range(3)]
        gevent.joinall(asked, raise_error=True)
        settle(counts)
        assert sorted(each.get() for each in asked) == [1, 2, 3]
        assert [counts.count(name), counts.count(name)] == [4, 5]
        settle(counts)
        assert counts.count(name) == 6
        settle(counts)
        counts._minutes[name].ends = 0.0
        assert [counts.count(name), counts.count(name)] == [1, 2]


def test_who_is_known_does_not_wait_for_redis(own_redis: RedisServer, name: str) -> None:
    """What cannot be told is found out afterwards: from then on nothing is known, and so nothing passes."""
    counts = RequestCounts(connect(own_redis.url, 2))
    counts.count(name)
    own_redis.kill()
    assert [counts.count(name), counts.count(name)] == [2, 3]
    settle(counts)
    with pytest.raises(RedisError):
        counts.count(name)


def test_where_redis_is_away_all_that_wait_are_told_together(own_redis: RedisServer) -> None:
    """Each round waiting for a time-out of its own, the second one's answer came too late."""
    counts, asked = RequestCounts(connect(own_redis.url, 2)), []

    def come_meanwhile(*_: object, **__: object) -> None:
        asked.append(gevent.spawn(counts.count, "late"))
        gevent.sleep(0)
        raise RedisError("away")

    own_redis.kill()
    counts._redis.pipeline = come_meanwhile
    asked.append(gevent.spawn(counts.count, "early"))
    gevent.joinall(asked[:1])
    gevent.joinall(asked)
    assert len(asked) == 2
    assert asked[0].exception is asked[1].exception is not None
    assert not counts._gathering.requests
    assert not counts._is_telling

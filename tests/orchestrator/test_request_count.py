"""Counting a caller's requests costs none of them its answer."""

from collections.abc import Callable

import flask
import gevent
import redis
from redis.exceptions import RedisError

from orchestrator.runlog.connection import connect
from orchestrator.web.limits import RequestCounts, _Round, request_limit
from tools.redis_server import RedisServer


def test_an_answer_that_is_made_is_given_also_where_redis_dies_after_it(own_redis: RedisServer) -> None:
    app = flask.Flask(__name__)
    app.before_request(request_limit(connect(own_redis.url, 2), 10))

    @app.get("/")
    def answer() -> str:
        own_redis.kill()
        return "made"

    assert app.test_client().get("/").text == "made"


def test_what_comes_at_once_is_counted_one_by_one_in_few_calls(redis_url: str, unique: Callable[[str], str]) -> None:
    """Each asking for itself, a thousand viewers that came at once waited for connections until some were refused."""
    counts, name, number = RequestCounts(connect(redis_url, 2)), unique("caller"), 200
    with redis.Redis.from_url(redis_url) as client:
        counts.count(name)
        before = client.info("commandstats")["cmdstat_incrby"]["calls"]
        with counts._asking:
            asked = [gevent.spawn(counts.count, name) for _ in range(number)]
            gevent.sleep(0)
        gevent.joinall(asked, raise_error=True)
        assert [each.get() for each in asked] == list(range(2, number + 2))
        assert client.info("commandstats")["cmdstat_incrby"]["calls"] == before + 1
    assert 1 <= counts.seconds_left(name) <= 60


def test_where_redis_is_away_all_that_wait_are_told_together(own_redis: RedisServer) -> None:
    """Each round waiting for a time-out of its own, the second one's answer came too late."""
    counts = RequestCounts(connect(own_redis.url, 2))
    own_redis.kill()
    with counts._asking:
        asked = [gevent.spawn(counts.count, "somebody") for _ in range(5)]
        gevent.sleep(0)
        (earlier := _Round()).requests["somebody else"] += 1
        counts._ask(earlier)
    gevent.joinall(asked)
    assert all(each.exception is earlier.error for each in asked)
    assert isinstance(earlier.error, RedisError)
    assert counts._gathering.requests.total() == 0

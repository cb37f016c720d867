"""Counting a caller's requests costs none of them its answer."""

import flask

from orchestrator.runlog.connection import connect
from orchestrator.web.limits import request_limit
from tools.redis_server import RedisServer


def test_an_answer_that_is_made_is_given_also_where_redis_dies_after_it(own_redis: RedisServer) -> None:
    app = flask.Flask(__name__)
    app.before_request(request_limit(app, connect(own_redis.url, 2), 10))

    @app.get("/")
    def answer() -> str:
        own_redis.kill()
        return "made"

    assert app.test_client().get("/").text == "made"

"""`/metrics`: what all processes of this machine have counted, for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass

import flask
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from redis.exceptions import RedisError

from orchestrator.engines.dispatch import Dispatcher
from orchestrator.metrics import exposition
from orchestrator.web.callers import Door


@dataclass(frozen=True)
class MetricsRoutes:
    dispatcher: Dispatcher
    door: Door

    def blueprint(self) -> flask.Blueprint:
        routes = flask.Blueprint("metrics", __name__)
        routes.before_request(self.door.check)
        routes.get("/metrics")(self.show)
        return routes

    def show(self) -> flask.Response:
        self.door.key_only()
        return flask.Response(exposition(self._unfinished), content_type=CONTENT_TYPE_PLAIN_0_0_4)

    def _unfinished(self) -> dict[str, int]:
        try:
            return self.dispatcher.unfinished()
        except (RedisError, OSError):
            return {}  # the rest is wanted most when Redis is away

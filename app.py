"""Builds the service: `create_app(settings)` puts the parts together and connects nothing yet."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass

import flask
import inngest
import inngest.flask

from orchestrator.coding import Coder
from orchestrator.drain import Drain
from orchestrator.engines import DirectEngine, Dispatcher, InngestEngine, Sweep, SweepLimits
from orchestrator.hub import Follower, Hub, SubscriberConnection
from orchestrator.idempotency import IdempotencyKeys
from orchestrator.inngest_app.client import make_client
from orchestrator.inngest_app.functions import Dependencies, make_functions
from orchestrator.inngest_app.long_reply import with_long_reply
from orchestrator.inngest_app.registration import Registration, sync_through
from orchestrator.redact import Redactor
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import Client, connect
from orchestrator.runs import Runs
from orchestrator.settings import Settings
from orchestrator.steps import DurableSteps, EmitterSettings
from orchestrator.web.errors import register_error_handlers
from orchestrator.web.health import HealthRoutes
from orchestrator.web.run import RunRoutes

INNGEST_MAX_BODY = 32 * 1024 * 1024
"""Bytes. Inngest sends all memoised state with each call, up to 4 MB before the SDK fetches it."""


@dataclass(frozen=True)
class Service:
    """The parts that live as long as the process; `app.extensions["runwire"]`."""

    client: inngest.Inngest
    functions: list[inngest.Function[object]]
    drain: Drain
    hub: Hub
    direct: DirectEngine
    sweep: Sweep
    registration: Registration

    def start(self) -> None:
        """Start the background work. Call once per process, after the fork."""
        self.direct.start()
        self.sweep.start()
        self.registration.start(self.drain)

    def stop(self) -> None:
        """Begin to drain: streams end, no step begins. Then ``join``."""
        self.drain.start()
        self.hub.wake_all()

    def join(self) -> None:
        """Wait for running steps, or until they are given up."""
        self.direct.join()


def create_app(settings: Settings) -> flask.Flask:
    app = flask.Flask(__name__, static_folder=None)
    app.secret_key = settings.secret_key or secrets.token_hex(16)
    app.config["MAX_CONTENT_LENGTH"] = INNGEST_MAX_BODY
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of Flask's default provider

    redis = connect(settings.redis_url, settings.redis_max_connections, settings.redis_tls_verify)
    owner = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    drain = Drain(settings.drain_seconds)
    log = RunLog(redis, ttl=settings.events_ttl, max_events=settings.events_max_log)
    steps = DurableSteps(log, _emitter_settings(settings, drain))
    coder = Coder(settings, log)

    client = make_client(settings)
    engine = InngestEngine(client, settings.inngest_signing_key)
    direct = DirectEngine(redis, log, steps, coder, drain, slots=settings.agent_direct_runs, owner=owner)
    dispatcher = Dispatcher(settings, log, steps, direct, engine)
    sweep = Sweep(redis, log, engine, drain, owner=owner, limits=_sweep_limits(settings))

    functions = make_functions(client, Dependencies(log, steps, coder, settings.inngest_concurrency))
    _serve_inngest(app, settings, client, functions)
    registration = Registration(redis, settings, engine, sync_through(app, settings.serve_origin), owner)

    hub = _make_hub(settings, redis)
    follower = Follower(log, hub, drain, settings.sse_keepalive)
    keys = IdempotencyKeys(redis, settings.events_ttl)
    runs = Runs(redis, log, dispatcher, engine, keys, most=settings.agent_max_active_runs, ttl=settings.events_ttl)
    routes = RunRoutes(settings, log, hub, follower, runs)
    app.register_blueprint(routes.blueprint("run"))
    app.register_blueprint(routes.blueprint("api_run"), url_prefix="/api")
    app.register_blueprint(HealthRoutes(redis, dispatcher, registration).blueprint())
    register_error_handlers(app)

    app.extensions["runwire"] = Service(client, functions, drain, hub, direct, sweep, registration)
    return app


def _emitter_settings(settings: Settings, drain: Drain) -> EmitterSettings:
    return EmitterSettings(
        redact=Redactor.from_environment(os.environ),
        drain=drain,
        coalesce=settings.events_coalesce_ms / 1000,
        coalesce_max=settings.events_coalesce_max_ms / 1000,
        max_bytes=settings.events_max_bytes,
    )


def _sweep_limits(settings: Settings) -> SweepLimits:
    return SweepLimits(pickup=settings.agent_pickup_timeout, run=settings.agent_run_timeout)


def _make_hub(settings: Settings, redis: Client) -> Hub:
    connection = SubscriberConnection(settings.redis_url, settings.redis_tls_verify)
    return Hub(connection, redis, max_viewers=settings.sse_max_viewers, queue_bytes=settings.sse_queue_bytes)


def _serve_inngest(
    app: flask.Flask, settings: Settings, client: inngest.Inngest, functions: list[inngest.Function[object]]
) -> None:
    inngest.flask.serve(
        app,
        client,
        functions,
        serve_origin=settings.serve_origin,
        # Without a fixed origin an unsigned PUT would register whatever Host it names.
        enable_unauthed_sync=settings.serve_origin is not None,
    )
    app.view_functions["inngest_api"] = with_long_reply(app.view_functions["inngest_api"])

"""The Flask application: `create_app(settings)` builds the service and its routes, and connects nothing yet."""

from __future__ import annotations

import secrets
from typing import Final

import flask

from orchestrator.coding import sandbox_dir
from orchestrator.engines.inngest.registration import Registration, sync_through
from orchestrator.service import build_service
from orchestrator.settings import Settings
from orchestrator.web import openapi
from orchestrator.web.access import RunAccess
from orchestrator.web.access_log import log_requests
from orchestrator.web.agui import AgUiRoutes
from orchestrator.web.callers import Door
from orchestrator.web.chat import ChatRoutes
from orchestrator.web.console import ConsoleRoutes
from orchestrator.web.errors import register_error_handlers
from orchestrator.web.flask_app import App
from orchestrator.web.headers import add_security_headers
from orchestrator.web.health import HealthRoutes
from orchestrator.web.history import HistoryRoutes
from orchestrator.web.inngest import serve_inngest
from orchestrator.web.limits import request_limit
from orchestrator.web.metrics import MetricsRoutes
from orchestrator.web.origins import allow_origins, local_only
from orchestrator.web.preview import PreviewRoutes
from orchestrator.web.project_paths import ProjectConverter
from orchestrator.web.projects import ProjectRoutes
from orchestrator.web.run import RunRoutes
from orchestrator.web.tokens import TokenRoutes

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
"""What no route takes more of: `/api/inngest`, with all memoised state. POST /agent/run has a limit far lower."""


def create_app(settings: Settings) -> flask.Flask:
    """The app; its Service is `app.extensions["runwire"]`, its Registration `app.extensions["registration"]`."""
    service = build_service(settings)
    app = App(__name__, static_folder=None)
    app.secret_key = settings.secret_key or secrets.token_hex(16)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.converters["project"] = ProjectConverter
    app.url_map.merge_slashes = False  # it would redirect, and show a token in the new address
    app.json.sort_keys = False  # type: ignore[attr-defined]  # an attribute of Flask's default provider

    log_requests(app)
    serve_inngest(app, service.client, service.functions, settings, service.redis)
    registration = Registration(
        service.redis, settings, service.client.app_id, sync_through(app, settings.serve_origin), service.owner
    )
    keys = settings.api_keys
    tokens = service.tokens
    door = Door(keys, tokens)
    access = RunAccess(service.log, service.follower, service.runs, door, tokens, settings.agent_run_timeout)
    runs = RunRoutes(settings, service.models, service.hub, service.drain, access)
    makes_tokens = TokenRoutes(door, tokens, service.log, service.project_owners, settings.agent_max_body_bytes)
    count_request = request_limit(service.redis, settings.agent_requests_per_minute)
    blueprints = [
        (ChatRoutes(settings, service.models, access).blueprint(), ""),
        (AgUiRoutes(settings, service.models, access).blueprint(), ""),
        (ProjectRoutes(access, service.owned_projects, service.stored_files).blueprint(), ""),
        (PreviewRoutes(door, tokens, service.log, service.owned_projects, service.stored_files).blueprint(), ""),
    ]
    history = HistoryRoutes(settings, service.models, access)
    for routes, name in ((runs, "run"), (history, "history"), (makes_tokens, "tokens")):
        # `/api` is where existing frontends call.
        blueprints += [(routes.blueprint(name), ""), (routes.blueprint(f"api_{name}"), "/api")]
    for blueprint, prefix in blueprints:
        blueprint.before_request(count_request)  # after the door: it knows who calls
        app.register_blueprint(blueprint, url_prefix=prefix)
    in_production = not settings.dev
    health = HealthRoutes(
        service.redis,
        service.dispatcher,
        registration,
        service.models,
        in_production,
        settings.agent_sandbox,
        sandbox_dir(settings),
    )
    app.register_blueprint(health.blueprint())
    app.register_blueprint(MetricsRoutes(service.dispatcher, door).blueprint())
    app.register_blueprint(openapi.blueprint())
    app.register_blueprint(
        ConsoleRoutes(door, tokens, settings.agent_max_body_bytes, settings.preview_origin).blueprint()
    )
    register_error_handlers(app)
    app.after_request(add_security_headers)
    allow_origins(app, settings.cors_origins)
    if not keys:
        app.before_request(local_only(settings.cors_origins))

    app.extensions["runwire"] = service
    app.extensions["registration"] = registration
    return app

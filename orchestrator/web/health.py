"""`/healthz`: this process lives. `/readyz`: it can do its work, or which part cannot and why."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import flask
from redis.exceptions import RedisError

from agent.errors import AgentError
from agent.models.catalog import OFFLINE, Catalog
from agent.sandbox import why_no_jail
from agent.sandbox.folder import own_folder
from orchestrator.coding import NO_MODEL
from orchestrator.engines.dispatch import Dispatcher
from orchestrator.engines.inngest.registration import Registration
from orchestrator.runlog.causes import cause
from orchestrator.runlog.connection import Client
from orchestrator.runlog.fitness import check_write, unfit
from orchestrator.web.errors import RETRY_SECONDS


@dataclass(frozen=True)
class HealthRoutes:
    redis: Client
    dispatcher: Dispatcher
    registration: Registration
    models: Catalog
    in_production: bool
    sandbox: str
    """AGENT_SANDBOX."""
    sandbox_dir: Path

    def blueprint(self) -> flask.Blueprint:
        routes = flask.Blueprint("health", __name__)
        routes.get("/healthz")(self.live)
        routes.get("/readyz")(self.ready)
        return routes

    def live(self) -> flask.typing.ResponseReturnValue:
        return {"status": "ok"}

    def ready(self) -> flask.typing.ResponseReturnValue:
        try:
            check_write(self.redis)
            reason = unfit(self.redis)
            choice = self.dispatcher.choose()
            failed = self.registration.outcome() if choice.engine == "inngest" else None
        except (RedisError, OSError) as error:
            return self._not_ready({"redis": cause(error)})
        if reason and self.in_production:
            return self._not_ready({"redis": reason})
        if failed:
            return self._not_ready({"redis": "ok", "engine": choice.engine, "registration": failed})
        try:
            own_folder(self.sandbox_dir)
        except AgentError as error:
            return self._not_ready({"redis": "ok", "engine": choice.engine, "sandbox": str(error)})
        commands = self._commands()
        if self.sandbox == "bubblewrap" and commands != "jailed":
            return self._not_ready({"redis": "ok", "engine": choice.engine, "commands": commands})
        ready = {"status": "ready", "redis": reason or "ok", "engine": choice.engine, "model": self.models.best}
        return {**ready, "commands": commands, **self._notes(choice.engine)}

    def _notes(self, engine: str) -> dict[str, str]:
        """What works, and is perhaps not meant."""
        notes = {"models": NO_MODEL} if self.models.best == OFFLINE else {}
        why_not = self.registration.why_not_wanted if engine == "inngest" else None
        return {**notes, **({"registration": why_not} if why_not else {})}

    def _commands(self) -> str:
        if self.sandbox == "unsafe-local":
            return "not jailed (AGENT_SANDBOX=unsafe-local)"
        reason = "AGENT_SANDBOX=none" if self.sandbox == "none" else why_no_jail()
        return f"refused: {reason}" if reason else "jailed"

    def _not_ready(self, parts: dict[str, str]) -> flask.typing.ResponseReturnValue:
        body = {"error": "Not ready", "status": "not ready", "details": parts}
        return body, 503, {"Retry-After": str(RETRY_SECONDS)}

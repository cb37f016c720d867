"""Tells Inngest where this service's functions are, when the service starts and whenever a dev server turns up.

One process does it, by a lease; what came of it is kept in Redis, for /readyz of them all.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any, Final

import flask
from redis.exceptions import RedisError

from orchestrator.drain import Drain
from orchestrator.engines.inngest.dev_server import DevServer
from orchestrator.engines.inngest.functions.code_agent_run import FUNCTION_ID
from orchestrator.events import dumps
from orchestrator.logs import get_logger
from orchestrator.runlog.causes import cause
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import REGISTER_LEASE, REGISTRATION
from orchestrator.runlog.lease import Lease
from orchestrator.settings import Settings

LOOK_SECONDS: Final = 2.0
LEASE_SECONDS: Final = 10.0
KEPT_SECONDS: Final = 7 * 86_400

PATH: Final = "/api/inngest"
OWN_CALL: Final = "runwire.own_call"
"""In the WSGI environment of the service's own calls there; a header could only become `HTTP_…`."""

log = get_logger(__name__)


class Registration:
    """``sync`` asks the SDK's own PUT handler to register and returns its answer."""

    def __init__(
        self, redis: Client, settings: Settings, app_id: str, sync: Callable[[], tuple[int, Any]], owner: str
    ) -> None:
        self._redis, self._settings, self._sync = redis, settings, sync
        self._function_id = f"{app_id}-{FUNCTION_ID}"
        self._dev_server = DevServer(settings.inngest_url)
        self._lease = Lease(redis, REGISTER_LEASE, owner, LEASE_SECONDS)
        self._registered = False
        self._noted: str | None = ""

    @property
    def wanted(self) -> bool:
        return self.why_not_wanted is None

    @property
    def why_not_wanted(self) -> str | None:
        """With the setting that would change it; None where the service registers itself."""
        settings = self._settings
        if not settings.inngest_endpoint:
            without = "AGENT_ENGINE=direct" if settings.agent_engine == "direct" else "INNGEST_SERVE=false"
            return f"not wanted ({without})"
        if settings.serve_origin is None:
            return "INNGEST_APP_URL is not set: Inngest is not told where this service is"
        return None

    def start(self, drain: Drain) -> None:
        """Register in the background, again and again until it has worked. Call once, after the fork."""
        if not self.wanted:
            log.info("inngest.registration_off", reason=self.why_not_wanted)
            return
        threading.Thread(target=self._keep_trying, args=(drain,), name="registration", daemon=True).start()

    def outcome(self) -> str | None:
        """Why the last registration failed; None where it worked or none was tried. Raises redis' errors."""
        stored = self._redis.get(REGISTRATION)
        if not self.wanted or stored is None:
            return None
        error: str | None = json.loads(stored)["error"]
        return error

    def _keep_trying(self, drain: Drain) -> None:
        while not drain.started.is_set():
            try:
                self._look()
            except (RedisError, OSError) as error:
                log.warning("inngest.registration_waits", reason=cause(error))
            drain.started.wait(LOOK_SECONDS)

    def _look(self) -> None:
        if not self._lease.mine():
            return
        if self._settings.dev:
            functions = self._dev_server.functions()
            if functions is None:
                if self._settings.agent_engine == "inngest":
                    self._note(f"no Inngest server answers at {self._settings.inngest_url}")
                return
            # A dev server forgets when it stops, and may be back before anybody has noticed.
            self._registered = self._registered and self._function_id in functions
        if not self._registered:
            self._registered = self._register()

    def _register(self) -> bool:
        status, body = self._sync()
        error = _refusal(status, body)
        self._note(error)
        return error is None

    def _note(self, error: str | None) -> None:
        if error == self._noted:
            return
        self._noted = error
        if error:
            log.error("inngest.registration_failed", error=str(error))
        else:
            log.info("inngest.registered", origin=self._settings.serve_origin)
        self._redis.set(REGISTRATION, dumps({"error": error}), ex=KEPT_SECONDS)


def _refusal(status: int, body: Any) -> str | None:
    """Why the registration failed: Inngest's refusals may come as 200 with an error in the body."""
    said = body if isinstance(body, dict) else {}
    if said.get("error"):
        return str(said["error"])
    return None if status == 200 else str(said.get("message") or f"status {status}")


def sync_through(app: flask.Flask, origin: str | None) -> Callable[[], tuple[int, Any]]:
    """Register through the app itself: no port has to be known, no host can be spoofed."""

    def sync() -> tuple[int, Any]:
        own = {OWN_CALL: True}
        response = app.test_client().put(PATH, base_url=origin or "http://127.0.0.1", environ_overrides=own)
        return response.status_code, response.get_json(silent=True)

    return sync

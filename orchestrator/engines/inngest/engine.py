"""Inngest as an engine: sends the event that starts a run, and asks how runs stand."""

from __future__ import annotations

import time
from datetime import datetime
from functools import cached_property
from typing import Any, Final

import httpx
import inngest

from orchestrator.engines.inngest.dev_server import DevServer
from orchestrator.engines.inngest.functions.code_agent_run import FUNCTION_ID
from orchestrator.engines.protocol import EngineAway, EngineRefused, Standing
from orchestrator.events import RUN_CANCELLED, RUN_REQUESTED, RunCancelled, RunRequested
from orchestrator.logs import get_logger
from orchestrator.runlog import RunRecord
from orchestrator.settings import Settings

REST_SECONDS: Final = 2.0
AWAY_SECONDS: Final = 1.0
"""After a question without an answer the next ones are not asked: hundreds of runs may stand still at once."""

NO_RESPONSE: Final = "never received response"
"""What the SDK says when nothing answered; everything else is Inngest's own refusal."""

SETTLED_SECONDS: Final = 30
"""A run that ended at Inngest this recently may still be on its way to its end here (on_failure, a cancellation)."""
_ENDS: Final[dict[str, Standing]] = {"completed": "complete", "failed": "failed", "cancelled": "cancelled"}

log = get_logger(__name__)


class InngestEngine:
    """Talks to the Inngest that ``client`` names: the dev server, a self-hosted one or the cloud.

    Implements ``Engine``; a run's ticket is Inngest's id of the event that started it.
    """

    name = "inngest"
    watched = True

    def __init__(self, client: inngest.Inngest, settings: Settings) -> None:
        self._client = client
        self._url = client.api_origin.rstrip("/")
        self._signing_key = settings.inngest_signing_key
        self._dev_server = DevServer(self._url) if settings.dev else None
        self._function_id = f"{client.app_id}-{FUNCTION_ID}"
        self._silent_since = float("-inf")
        self.title = f"Inngest at {self._url}" if settings.dev else "Inngest"
        self.places = settings.inngest_concurrency

    @cached_property
    def _http(self) -> httpx.Client:
        """One for the process, made at its first use: making one takes longer than asking."""
        return httpx.Client(base_url=self._url, timeout=REST_SECONDS)

    def start(self) -> None:
        """Inngest calls; nothing has to run here."""

    def join(self) -> None:
        """Its calls are requests, for which the web server waits."""

    def available(self) -> bool:
        """In development: whether a dev server answers that knows our function."""
        return self._dev_server is None or self._function_id in (self._dev_server.functions() or ())

    def has_room(self) -> bool:
        return True

    def submit(self, request: RunRequested) -> str:
        """Send the event that starts the run; returns Inngest's id for it.

        Its own id is the run's (and its generation's), so that sending it twice starts one run.
        """
        event_id = f"{request.run_id}-{request.generation}" if request.generation else request.run_id
        data = request.model_dump(
            by_alias=True, exclude_none=True, exclude=None if request.generation else {"generation"}
        )
        try:
            ids = self._client.send_sync(inngest.Event(name=RUN_REQUESTED, id=event_id, data=data))
        except Exception as error:  # the SDK raises bare Exceptions too
            log.warning("inngest.send_failed", event_id=event_id, error=repr(error))
            if NO_RESPONSE in str(error) or isinstance(error, httpx.HTTPError | ValueError | OSError):
                raise EngineAway(str(error)) from error
            raise EngineRefused(str(error)) from error
        log.info("inngest.sent", run_id=request.run_id, event_id=event_id, ticket=ids[0])
        return ids[0]

    def cancel(self, run_id: str) -> None:
        """Tell Inngest to stop the function; best effort, the run itself has ended already."""
        data = RunCancelled(run_id=run_id).model_dump(by_alias=True)
        try:
            self._client.send_sync(inngest.Event(name=RUN_CANCELLED, id=f"{run_id}-cancelled", data=data))
        except Exception as error:  # the SDK raises bare Exceptions too
            log.warning("inngest.cancel_failed", run_id=run_id, error=repr(error))

    def standing(self, record: RunRecord) -> Standing:
        """By Inngest's REST API, from the ids that Inngest gave the run's event and, once claimed, itself.

        The list of an event's runs only tells that there is one: its statuses can say Completed too early.
        """
        if time.monotonic() - self._silent_since < AWAY_SECONDS:
            return "unknown"
        _, _, inngest_run = record.fields.get("claimed", "").partition(f"{self.name}:")
        try:
            if inngest_run:
                run = self._get(f"/v1/runs/{inngest_run}")
                return _standing(run) if run else "absent"
            if record.ticket is None:
                return "untaken"
            return "active" if self._get(f"/v1/events/{record.ticket}/runs") else "absent"
        except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("inngest.rest_failed", run_id=record.run_id, error=repr(error))
            self._silent_since = time.monotonic()
            return "unknown"

    def _get(self, path: str) -> Any:
        """The data of an answer, None where Inngest knows no such thing. Raises httpx.HTTPError."""
        headers = {"Authorization": f"Bearer {self._signing_key}"} if self._signing_key else {}
        answer = self._http.get(path, headers=headers)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return answer.raise_for_status().json()["data"]


def _standing(run: dict[str, Any]) -> Standing:
    ended = run.get("ended_at")
    if not ended or time.time() - datetime.fromisoformat(ended).timestamp() < SETTLED_SECONDS:
        return "active"
    status = str(run.get("status", "")).lower()
    return _ENDS.get(status, "active")

"""Inngest as an engine: sends the event that starts a run, and asks how runs stand."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from typing import Any, Final, Literal

import httpx
import inngest

from orchestrator.events import RUN_CANCELLED, RUN_REQUESTED, RunCancelled, RunRequested

PROBE_SECONDS: Final = 0.5
PROBE_TTL_SECONDS: Final = 1.5
"""How long an answer about the dev server is believed: it is asked for at every POST."""

REST_SECONDS: Final = 3.0

Standing = Literal["unknown", "absent", "active", "complete", "failed", "cancelled"]
"""``unknown``: Inngest gave no answer. ``absent``: it answered that it has no such run."""

SETTLED_SECONDS: Final = 30
"""A run that ended at Inngest this recently may still be on its way to its end here (on_failure, a cancellation)."""
_ENDS: Final[dict[str, Standing]] = {"completed": "complete", "failed": "failed", "cancelled": "cancelled"}

log = logging.getLogger(__name__)


class InngestEngine:
    """Talks to the Inngest that ``client`` names: the dev server, a self-hosted one or the cloud."""

    def __init__(self, client: inngest.Inngest, signing_key: str | None) -> None:
        self._client = client
        self._url = client.api_origin.rstrip("/")
        self._signing_key = signing_key
        self._probed: tuple[float, frozenset[str] | None] = (float("-inf"), None)

    def dev_functions(self) -> frozenset[str] | None:
        """Ids of the functions that a dev server knows; None where none answers. Up to PROBE_TTL_SECONDS old."""
        asked, functions = self._probed
        if time.monotonic() - asked > PROBE_TTL_SECONDS:
            functions = self._probe()
            self._probed = (time.monotonic(), functions)
        return functions

    def _probe(self) -> frozenset[str] | None:
        try:
            answer = httpx.get(f"{self._url}/dev", timeout=PROBE_SECONDS).raise_for_status().json()
            return frozenset(function["slug"] for function in answer.get("functions") or [])
        except (httpx.HTTPError, ValueError, KeyError):
            return None

    def submit(self, request: RunRequested) -> str:
        """Send the event that starts the run; returns Inngest's id for it.

        Its own id is the run's, so that sending it twice starts one run. Raises inngest's SendEventsError and httpx's.
        """
        data = request.model_dump(by_alias=True)
        ids = self._client.send_sync(inngest.Event(name=RUN_REQUESTED, id=request.run_id, data=data))
        log.info("inngest.sent run_id=%s event=%s", request.run_id, ids[0])
        return ids[0]

    def cancel(self, run_id: str) -> None:
        """Tell Inngest to stop the function; best effort, the run itself has ended already."""
        data = RunCancelled(run_id=run_id).model_dump(by_alias=True)
        try:
            self._client.send_sync(inngest.Event(name=RUN_CANCELLED, id=f"{run_id}-cancelled", data=data))
        except Exception as error:  # the SDK raises bare Exceptions too
            log.warning("inngest.cancel_failed run_id=%s error=%r", run_id, error)

    def standing(self, event_id: str | None, run_id: str | None) -> Standing:
        """How a run stands by Inngest's REST API, from the ids that Inngest gave its event and, once claimed, itself.

        The list of an event's runs only tells that there is one: its statuses can say Completed too early.
        """
        try:
            if run_id is not None:
                run = self._get(f"/v1/runs/{run_id}")
                return _standing(run) if run else "absent"
            runs = self._get(f"/v1/events/{event_id}/runs") if event_id is not None else None
            return "active" if runs else "absent"
        except (httpx.HTTPError, ValueError, KeyError) as error:
            log.warning("inngest.rest_failed event=%s error=%r", event_id, error)
            return "unknown"

    def _get(self, path: str) -> Any:
        """The data of an answer, None where Inngest knows no such thing. Raises httpx.HTTPError."""
        headers = {"Authorization": f"Bearer {self._signing_key}"} if self._signing_key else {}
        answer = httpx.get(self._url + path, headers=headers, timeout=REST_SECONDS)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        return answer.raise_for_status().json()["data"]


def _standing(run: dict[str, Any]) -> Standing:
    ended = run.get("ended_at")
    if not ended or time.time() - datetime.fromisoformat(ended).timestamp() < SETTLED_SECONDS:
        return "active"
    status = str(run.get("status", "")).lower()
    return _ENDS.get(status, "active")

"""What the tests do with any Inngest server, by its HTTP API."""

from contextlib import AbstractContextManager
from typing import Any

import httpx

from tools.processes import wait_until

SYNC_SECONDS = 20.0
ENDED = ("Completed", "Failed", "Cancelled")


class InngestServer:
    """Base of the executor and of the real server."""

    base_url: str

    @property
    def title(self) -> str:
        """How a service calls this server."""
        return f"Inngest at {self.base_url}"

    def environment(self) -> dict[str, str]:
        """Settings with which a service finds this server and lets it run its steps."""
        return {"INNGEST_DEV": "1", "INNGEST_BASE_URL": self.base_url}

    def sync(self, endpoint: str, seconds: float = SYNC_SECONDS) -> None:
        """Have the app at `endpoint` register itself (a service does that by itself when it starts)."""

        def accepted() -> bool:
            body = httpx.put(endpoint, timeout=seconds, trust_env=False).json()
            return "error" not in body and "code" not in body  # a refused registration may answer 200, too

        wait_until(accepted, seconds, f"{endpoint} to register")

    def has_function(self, fn_id: str) -> bool:
        """Whether a function with this full id (`<app>-<function>`) is registered."""
        functions = self._get("/dev")["functions"] or []
        return any(fn_id in (function.get("slug"), function.get("id")) for function in functions)

    def wait_for_function(self, fn_id: str) -> None:
        wait_until(lambda: self.has_function(fn_id), SYNC_SECONDS, f"function {fn_id} to be registered")

    def send(self, name: str, data: dict[str, Any], *, event_id: str | None = None) -> str:
        """Send an event; returns the id that the server knows it by."""
        event = {"name": name, "data": data} | ({"id": event_id} if event_id else {})
        response = httpx.post(f"{self.base_url}/e/test", json=event, trust_env=False).raise_for_status()
        return str(response.json()["ids"][0])

    def runs_of(self, event_id: str) -> list[dict[str, Any]]:
        """The runs that an event started: `run_id`, `status`, … (`event_id` as returned by the server)."""
        return list(self._get(f"/v1/events/{event_id}/runs")["data"] or [])

    def wait_for_end(self, event_id: str, seconds: float = 60.0) -> list[dict[str, Any]]:
        """Wait until the event's runs have ended, and return them."""

        def ended() -> list[dict[str, Any]]:
            # The real server's list may go on saying Scheduled of a run that has ended: it is asked for each.
            runs = [self._get(f"/v1/runs/{run['run_id']}")["data"] for run in self.runs_of(event_id)]
            return runs if all(run["status"] in ENDED for run in runs) else []

        return wait_until(ended, seconds, f"the runs of event {event_id} to end")

    def cancel(self, run_id: str) -> None:
        """Cancel a run as the dashboard does."""
        httpx.delete(f"{self.base_url}/v1/runs/{run_id}", trust_env=False).raise_for_status()

    def die(self) -> None:
        """As after `kill -9`: nothing listens, nothing is called, answers on their way are lost."""
        raise NotImplementedError

    def come_back(self, *, remembers: bool) -> None:
        """Start again on the same port, with what was stored or with nothing at all."""
        raise NotImplementedError

    def frozen(self) -> AbstractContextManager[None]:
        """As a process that is stopped: connections are taken, nothing is answered; afterwards all goes on."""
        raise NotImplementedError

    def _get(self, path: str) -> Any:
        return httpx.get(f"{self.base_url}{path}", trust_env=False).raise_for_status().json()

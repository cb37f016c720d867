"""Clients that start runs, and cancel some, and do not give up on the first error."""

import random
import threading
import time
from dataclasses import dataclass
from http import HTTPStatus
from uuid import uuid4

import httpx

from bench.chaos.viewers import HABITS, Viewer, is_terminal

TRY_SECONDS = 60.0
AGAIN_SECONDS = 0.2
REQUEST_TIMEOUT = httpx.Timeout(3.0)  # a frozen worker holds a request for longer; the other one answers
PROMPTS = ("a tip calculator", "a countdown timer", "a command-line to-do list", "a landing page for a tea shop")


@dataclass
class WatchedRun:
    """One run with its viewers. `cancelled` is when the request that cancelled it was sent."""

    run_id: str
    viewers: list[Viewer]
    cancelled: float | None = None

    def seconds_to_cancel(self) -> float | None:
        """From the request to the terminal event at the first viewer that got it."""
        ends = [arrival.at for viewer in self.viewers for arrival in viewer.arrivals[-1:] if is_terminal(arrival.data)]
        return min(ends) - self.cancelled if self.cancelled is not None and ends else None


class Starter(threading.Thread):
    """Starts a run when its time has come, attaches its viewers, and cancels it later if it is to be cancelled."""

    def __init__(self, url: str, port: int, delay: float, cancel_after: float | None) -> None:
        super().__init__(name="starter", daemon=True)
        self.watched: WatchedRun | None = None
        self.failure: str | None = None
        self._url, self._port = url, port
        self._delay, self._cancel_after = delay, cancel_after

    def run(self) -> None:
        time.sleep(self._delay)
        with httpx.Client(base_url=self._url, timeout=REQUEST_TIMEOUT, trust_env=False) as client:
            try:
                self._start(client)
                if self._cancel_after is not None:
                    time.sleep(self._cancel_after)
                    self._cancel(client)
            except TimeoutError as error:
                self.failure = str(error)

    def _start(self, client: httpx.Client) -> None:
        """A POST that got no answer is sent again with the same key: it must not start a second run."""
        headers = {"Accept": "application/json", "Idempotency-Key": uuid4().hex}
        body = {"projectId": f"chaos-{uuid4().hex[:8]}", "value": random.choice(PROMPTS)}
        response, _ = _insist(client, "/agent/run", headers, body)
        run_id = response.json()["runId"]
        self.watched = WatchedRun(run_id, [Viewer(self._port, run_id, habit) for habit in HABITS])
        for viewer in self.watched.viewers:
            viewer.start()

    def _cancel(self, client: httpx.Client) -> None:
        assert self.watched
        response, sent = _insist(client, f"/agent/run/{self.watched.run_id}/cancel", {}, None)
        if response.status_code == HTTPStatus.ACCEPTED:
            self.watched.cancelled = sent


def _insist(
    client: httpx.Client, path: str, headers: dict[str, str], body: dict[str, str] | None
) -> tuple[httpx.Response, float]:
    """POST until it is answered well; also says when that request was sent."""
    give_up = time.monotonic() + TRY_SECONDS
    outcome = "nothing was sent"
    while time.monotonic() < give_up:
        sent = time.monotonic()
        try:
            response = client.post(path, json=body, headers=headers)
            if response.is_success:
                return response, sent
            outcome = f"{response.status_code} {response.text}"
        except httpx.TransportError as error:
            outcome = repr(error)
        time.sleep(AGAIN_SECONDS)
    raise TimeoutError(f"POST {path} did not succeed within {TRY_SECONDS:.0f} s; the last answer: {outcome}")

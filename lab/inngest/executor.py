"""The executor: takes events, starts and ends runs, and can be made to misbehave."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, Self

from lab.inngest import expressions
from lab.inngest.api import InngestServer
from lab.inngest.caller import Caller
from lab.inngest.faults import Faults
from lab.inngest.lifecycle import end_events
from lab.inngest.model import CANCELLED, RUNNING, Call, Function, Json, Run, ulid
from lab.inngest.runner import Ended, Runner
from lab.inngest.server import HttpServer
from tools.processes import free_port, wait_until


class InngestExecutor(InngestServer):
    """Inngest for tests, in this process. Start it with `with`; point services at it with `environment()`.

    retry_delay: seconds before a failed call is tried again (the real server: tens of seconds).
    minimum_retry_after: the least that a Retry-After counts for (the real server: 1 s).
    signing_key: sign requests and say "cloud", for services in production mode.
    """

    def __init__(
        self, *, retry_delay: float = 0.2, minimum_retry_after: float = 1.0, signing_key: str | None = None
    ) -> None:
        self.retry_delay = retry_delay
        self.minimum_retry_after = minimum_retry_after
        self.is_cloud = signing_key is not None
        self.faults = Faults()
        self.functions: dict[str, Function] = {}
        self.runs: list[Run] = []
        self._caller = Caller(self.faults, signing_key)
        self._events: dict[str, Json] = {}  # by the server's id, a ULID
        self._started: dict[tuple[str, str], Run] = {}  # (function, the event's own id): one run each
        self._runners: list[Runner] = []
        self._lost: set[str] = set()
        self._lock = threading.RLock()
        self._open = threading.Event()
        self.awake = threading.Event()
        self.awake.set()
        self._stopped = False
        self._port = free_port()
        self._server: HttpServer | None = None
        self.base_url = f"http://127.0.0.1:{self._port}"

    @property
    def calls(self) -> list[Call]:
        """All calls made so far, oldest first."""
        return list(self._caller.calls)

    @property
    def events(self) -> list[Json]:
        """All events received so far, oldest first."""
        return list(self._events.values())

    def calls_of(self, run_id: str) -> list[Call]:
        return [call for call in self.calls if call.run_id == run_id]

    def run(self, run_id: str) -> Run:
        """A run by Inngest's id."""
        return next(run for run in self.runs if run.id == run_id)

    def runs_for(self, fn_id: str, **data: Any) -> list[Run]:
        """Runs of a function whose event has these data, e.g. `runs_for("app-fn", runId="run_1")`."""
        return [
            run for run in list(self.runs) if run.function.id == fn_id and data.items() <= run.event["data"].items()
        ]

    @contextmanager
    def outage(self) -> Iterator[None]:
        """The server is gone: nothing listens, nothing is called, answers on their way are lost. Then it goes on."""
        self._close()
        try:
            yield
        finally:
            self._listen()

    def __enter__(self) -> Self:
        self._listen()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped = True
        self.awake.set()
        self._close()
        self._open.set()

    def die(self) -> None:
        self._close()

    def come_back(self, *, remembers: bool) -> None:
        if not remembers:
            for run in list(self.runs):
                self.forget(run, entirely=True)
            self.functions.clear()
            self._started.clear()
            self._events.clear()
        self._listen()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        self.awake.clear()
        self._open.clear()
        try:
            yield
        finally:
            self.awake.set()
            self._open.set()

    def forget(self, run: Run, *, entirely: bool) -> None:
        """Lose a run: go on calling it a run that runs, as a self-hosted server whose queue was lost does, or not."""
        self._lost.add(run.id)
        if entirely:
            self.runs.remove(run)

    # What the HTTP server calls.

    def register(self, configs: list[Json]) -> None:
        """Store functions, replacing those of the same id."""
        functions = [Function.from_config(config) for config in configs]
        for function in functions:
            for rule in function.triggers + function.cancel_on:
                expressions.check(rule.get("expression") or rule.get("if"))
        with self._lock:
            self.functions |= {function.id: function for function in functions}

    def receive(self, event: Json) -> str:
        """Take an event: cancel what it cancels, start what it triggers. Returns the server's id for it."""
        internal_id = ulid()
        event = {"id": internal_id, "data": {}, "user": {}, **event}
        with self._lock:
            self._events[internal_id] = event
            cancelled = [run for run in self.runs if run.status == RUNNING and _is_cancelled_by(run, event)]
            runs = [Run(function, event) for function in self.functions.values() if _is_triggered_by(function, event)]
            runs = [run for run in runs if self._started.setdefault((run.function.id, event["id"]), run) is run]
            self.runs += runs
        for run in cancelled:
            self.end(run, CANCELLED, None)
        for run in runs:
            self._start(run)
        return internal_id

    def runs_by_event(self, internal_id: str) -> list[Run]:
        event = self._events.get(internal_id)
        return [run for run in list(self.runs) if run.event is event]

    def end(self, run: Run, status: str, output: Any) -> None:
        """Record how a run ended and tell the functions that listen for it. The first end counts."""
        with self._lock:
            if run.status != RUNNING:
                return
            run.status, run.output = status, output
        for event in end_events(run):
            self.receive(event)

    def _start(self, run: Run) -> None:
        runner = Runner(
            run,
            self._caller,
            self.end,
            partial(self._wait_until_open, run),
            retry_delay=self.retry_delay,
            minimum_retry_after=self.minimum_retry_after,
        )
        self._runners.append(runner)
        runner.thread.start()

    def _wait_until_open(self, run: Run) -> None:
        self._open.wait()
        if self._stopped or run.id in self._lost:
            raise Ended

    def _listen(self) -> None:
        # Connections of before an outage may hold the port for a moment.
        self._server = wait_until(self._try_to_listen, 10, f"port {self._port}")
        self._open.set()

    def _try_to_listen(self) -> HttpServer | None:
        try:
            return HttpServer(self, self._port)
        except OSError:
            return None

    def _close(self) -> None:
        self._caller.outages += 1
        self._open.clear()
        if self._server:
            self._server.close()
            self._server = None


def _is_triggered_by(function: Function, event: Json) -> bool:
    return any(
        trigger.get("event") == event["name"] and expressions.is_true(trigger.get("expression"), event=event)
        for trigger in function.triggers
    )


def _is_cancelled_by(run: Run, event: Json) -> bool:
    return any(
        rule["event"] == event["name"] and expressions.is_true(rule.get("if"), event=run.event, async_=event)
        for rule in run.function.cancel_on
    )

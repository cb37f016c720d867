"""The same attempts as tool calls of real runs: what the service does with them, and whether it still answers."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self
from uuid import uuid4

import httpx

from lab.llm import Answer, says
from lab.model_server import ModelServer, serving_models
from lab.service import Service
from lab.sse import TERMINAL_TYPES
from tests.escape import traces
from tests.escape.attempt import BESIDE, HANDLE, STAYS, Attempt, Ending, Outcome, command_of, judge
from tests.escape.attempts import BY_KIND
from tests.escape.budgets import BUDGET, KILLED, TIMEOUT, ended_as, environment
from tests.escape.bystander import Bystander
from tests.escape.stage import until_empty
from tools.redis_server import RedisServer

EVERY_SECONDS = 0.02
NOT_ANSWERED = 10.0
TIDY_SECONDS = 20.0
"""How long the service may take to remove the workspace of a run that has ended."""
SERVICE = "service"


class Health:
    """Asks `/healthz` fifty times a second; `slowest` is the worst answer so far, in seconds."""

    def __init__(self, port: int) -> None:
        self.asked = 0
        self.unanswered = 0
        self.slowest = 0.0
        self.during = ""
        self.worst = ""
        self._port = port
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            started, during = time.monotonic(), self.during
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=NOT_ANSWERED)
            try:
                connection.request("GET", "/healthz")
                connection.getresponse().read()
            except OSError:
                self.unanswered += 1
                during += " (no answer)"
            finally:
                connection.close()
            took = time.monotonic() - started
            self.asked += 1
            if took > self.slowest:
                self.slowest, self.worst = took, during


class Runs:
    """Plays attempts through a service: a scripted model asks for each as a command."""

    def __init__(self, service: Service, models: ModelServer, host: Bystander, folder: Path) -> None:
        self.health = Health(service.port)
        self._service = service
        self._models = models
        self._host = host
        self._folder = folder
        self._own = traces.processes(str(folder))

    def play(self, wanted: Collection[str]) -> Iterator[Outcome]:
        with self.health:
            for kind, attempts in BY_KIND.items():
                for attempt in attempts:
                    if attempt.name in wanted:
                        self.health.during = attempt.name
                        yield self._play(kind, attempt)

    def left(self) -> list[str]:
        """What the service has left, some moments after the last run's end."""
        return until_empty(self._left, TIDY_SECONDS)

    def _left(self) -> list[str]:
        found = [f"process {pid}" for pid in traces.processes(str(self._folder)) if pid not in self._own]
        return found + [f"the workspace {path.name}" for path in self._folder.glob("run_*")]

    def _play(self, kind: str, attempt: Attempt) -> Outcome:
        started = time.monotonic()
        before = len(self._host.reached)
        command = command_of(attempt, self._host.facts(self._folder, "run_unknown"), BUDGET)
        prompt = self._models.script(f"escape {kind}: {attempt.name}", *_calls(attempt, command), says("Done."))
        try:
            ending, last = self._run(prompt)
        except httpx.HTTPError as error:
            ending, last = Ending("", time.monotonic() - started, None), {}
            got_out: str | None = f"the service fell silent ({type(error).__name__})"
        else:
            got_out = self._got_out(ending, last, before)
        verdict, why = judge(attempt, ending, got_out)
        return Outcome(attempt.name, kind, SERVICE, verdict, why, time.monotonic() - started, ending.late)

    def _run(self, prompt: str) -> tuple[Ending, dict[str, object]]:
        started = time.monotonic()
        body = {"projectId": uuid4().hex, "value": prompt}
        said: list[str] = []
        result = ""
        last: dict[str, object] = {}
        with self._service.http.stream("POST", "/agent/run", json=body) as response:
            for line in response.iter_lines():
                if line.startswith("data: "):
                    last = json.loads(line.removeprefix("data: "))
                    if last["type"] == "tool-output":
                        said.append(last["data"]["chunk"])  # type: ignore[index]
                    if last["type"] == "tool-result":
                        result = last["data"]["note"].partition("; network: ")[0]  # type: ignore[index]
        exit_code, stopped = ended_as(result.removeprefix(f"{HANDLE} ").removeprefix("has ended: "))
        stopped = stopped if stopped and stopped.startswith(KILLED) else None
        return Ending("".join(said), time.monotonic() - started, exit_code, stopped), last

    def _got_out(self, ending: Ending, last: dict[str, object], before: int) -> str | None:
        if self._host.secret in ending.output or self._host.secret in json.dumps(last):
            return "a secret of the host came out"
        if reached := self._host.reached[before:]:
            return f"reached {reached[0]}"
        if last.get("type") not in TERMINAL_TYPES:
            return f"the run has no end, its last event is {last.get('type')!r}"
        if marked := self._host.marked():
            return f"made {marked[0]} on the host"
        return None


def _calls(attempt: Attempt, command: str) -> Iterator[Answer]:
    if attempt.where == "beside":
        yield _call("terminal", command=BESIDE, background=True)
    yield _call("terminal", command=command, background=attempt.where == "background")
    if attempt.where == "background":
        seconds = 3 if STAYS in attempt.program else TIMEOUT
        yield _call("process", handle=HANDLE, action="wait", seconds=seconds)


def _call(tool: str, **args: object) -> Answer:
    return says("Trying.", calls=((tool, json.dumps(args)),))


@contextmanager
def runs_through_service(folder: Path) -> Iterator[Runs]:
    """One worker, as the smallest installation has it, with its Redis and a scripted model."""
    sandboxes = folder / "sandboxes"
    with (
        Bystander(folder / "host") as host,
        RedisServer(folder / "redis") as redis,
        serving_models() as models,
    ):
        env = (
            models.environment()
            | environment(host.allow)
            | {"AGENT_ENGINE": "direct", "AGENT_SANDBOX_DIR": str(sandboxes)}
        )
        with Service(redis.url, folder / "service", workers=1, env=env) as service:
            yield Runs(service, models, host, sandboxes)

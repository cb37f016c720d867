"""Runs tasks through the real service, as any client would, and kills its workers meanwhile if asked to."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator
from typing import Final

import httpx

from agent.entries import Entry
from agent.messages import Turn, Usage
from evals.score import Run
from evals.tasks import Task
from lab.service import Service
from lab.sse import Event, follow, sse_events
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect

KILL_SHARE: Final = 0.35
"""Of the steps that a run shows, how many end with their process."""
MOST_KILLS: Final = 4
"""Of one task: a step may be started 20 times, and this is no test of that."""
RETRY_SECONDS: Final = 0.2
SEEDED: Final = 1
"""When the project's first files were saved, in ms: before any run."""


class Runner:
    """``kill``: whether worker processes are killed (-9) at random steps."""

    def __init__(self, service: Service, model: str, *, kill: bool, seed: int) -> None:
        self._service, self._model, self._kill = service, model, kill
        self._random = random.Random(seed)
        self._log = RunLog(connect(service.env["REDIS_URL"], 2))

    def run(self, task: Task) -> Run:
        """Play all of the task's runs on one new project."""
        project, started = f"eval-{task.name}-{uuid.uuid4().hex[:8]}", time.monotonic()
        if task.before:
            before = {path: Entry(content) for path, content in task.before.items()}
            self._log.projects.replace(project, before, SEEDED)
        turns, kills, usage = 0, 0, Usage()
        for prompt in task.prompts:
            events, killed = self._play(project, prompt)
            turns += max((event["data"]["turn"] for event in events if event["type"] == "progress"), default=0)
            kills += killed
            usage += self._used(events[-1])
        end = events[-1]
        is_complete = end["type"] == "complete"
        return Run(
            outcome=end["data"]["outcome"] if is_complete else end["code"],
            words=end["data"]["summary"] if is_complete else "",
            files=self._files(project),
            turns=turns,
            usage=usage,
            seconds=time.monotonic() - started,
            kills=kills,
        )

    def _files(self, project: str) -> dict[str, bytes]:
        view = self._log.files_of_project(project)
        return view.read_all([path for path, mark in view.marks.items() if mark.is_file])

    def _used(self, end: Event) -> Usage:
        """What a run has used up. One that failed does not say it, but its finished steps and its last attempts do."""
        if end["type"] == "complete":
            return Usage.model_validate(end["data"]["usage"])
        run_id = end["runId"]
        results = self._log.results(run_id)
        usage = sum((Turn.model_validate(result).usage for step, result in results.items() if is_turn(step)), Usage())
        fields = self._log.record(run_id).fields
        lost = sum(int(spent) for name, spent in fields.items() if name.startswith("spent:"))
        return usage + Usage(abandoned=lost)

    def _play(self, project: str, prompt: str) -> tuple[list[Event], int]:
        """All of a run's events, and how often its process was killed."""
        body = {"projectId": project, "value": prompt, "model": self._model}
        answer = self._service.http.post("/agent/run", json=body, headers={"Accept": "application/json"})
        run_id: str = answer.raise_for_status().json()["runId"]
        events: list[Event] = []
        kills = 0
        for event in self._follow(run_id):
            events.append(event)
            begins = event["type"] in ("progress", "tool-call")
            if self._kill and begins and kills < MOST_KILLS and self._random.random() < KILL_SHARE:
                self._service.kill_worker()
                kills += 1
        return events, kills

    def _follow(self, run_id: str) -> Iterator[Event]:
        after = 0
        while True:
            try:
                with follow(self._service, run_id, after) as response:
                    response.raise_for_status()
                    for event in sse_events(response):
                        after = event.get("id", after)
                        yield event
                        if event["type"] in ("complete", "error"):
                            return
            except httpx.HTTPError:
                time.sleep(RETRY_SECONDS)


def is_turn(step: str) -> bool:
    return step.startswith("model-")

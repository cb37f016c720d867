"""Runs as the routes of every protocol reach them: never past the door."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import flask

from agent.messages import Approval
from orchestrator.hub import Follower, Stream, Viewer
from orchestrator.hub.frames import Framer
from orchestrator.logs import get_logger
from orchestrator.runlog import Page, RunLog, RunRecord, RunUnfinished
from orchestrator.runlog.staging import Branch
from orchestrator.runs import Again, Fork, Prompt, Runs, StartUncertain, always
from orchestrator.web import inputs
from orchestrator.web.callers import Door, caller
from orchestrator.web.errors import Problem
from orchestrator.web.grants import Action, Grant, Tokens
from orchestrator.web.here import here

T = TypeVar("T")

STREAM_TOKEN_SECONDS: Final = 3600
"""How long after a run's time a token of its POST still opens it."""


logger = get_logger(__name__)


@dataclass(frozen=True)
class RunAccess:
    """``run_seconds``: how long a run may take. All methods raise Problem, RunMissing and redis' errors."""

    log: RunLog
    follower: Follower
    runs: Runs
    door: Door
    tokens: Tokens
    run_seconds: float

    def guard(self, routes: flask.Blueprint) -> None:
        routes.before_request(self.door.check)
        routes.after_request(_name_run)

    def find(self, prompt: Prompt, key: str | None, run_id: str | None = None) -> tuple[str, bool]:
        """See Runs.find. Who may only start runs cannot replace others with one."""
        self.door.project(prompt.project_id)
        if prompt.on_conflict == "cancel":
            self.door.project(prompt.project_id, "cancel")
        return self.runs.find(prompt, caller().name, key, run_id)

    def start_and_open(self, run_id: str, prompt: Prompt, is_new: bool, framer: Framer, after: int = 0) -> Stream:
        """The stream of a run that is started first, if it is new."""
        # The viewer's place comes first: a run that nobody can watch must not be started, and paid, for a 503.
        viewer = self.follower.attach(run_id)
        try:
            page = self.start(run_id, prompt, is_new, partial(self.follower.confirm, run_id))
            return self.open(run_id, after, framer, viewer, "start", page)
        except BaseException:
            viewer.close()
            raise

    def start(self, run_id: str, prompt: Prompt, is_new: bool, ready: Callable[[], None] = always) -> Page | None:
        """Start the run if it is new; see Runs.start. From then on every answer names it, errors too."""
        return self._named(run_id, lambda: self.runs.start(run_id, prompt, caller().name, ready) if is_new else None)

    def _named(self, run_id: str, start: Callable[[], T]) -> T:
        names = {"X-Run-Id": run_id, "X-Stream-Token": self._stream_token(run_id)}
        try:
            started = start()
        except StartUncertain:
            here().run_headers = names
            raise
        here().run_headers = names
        return started

    def open(
        self,
        run_id: str,
        after: int,
        framer: Framer,
        viewer: Viewer | None = None,
        action: Action = "read",
        page: Page | None = None,
    ) -> Stream:
        stream = self.follower.open(run_id, after, framer, viewer, page)
        try:
            self.door.run(run_id, stream.owner, action)
            inputs.check_cursor(after, stream.last)
        except BaseException:
            stream.close()
            raise
        return stream

    def record(self, run_id: str, action: Action) -> RunRecord:
        record = self.log.record(inputs.run_id(run_id))
        self.door.run(run_id, record.owner, action)
        return record

    def cancel(self, run_id: str) -> RunRecord:
        self.record(run_id, "cancel")
        return self.runs.cancel(run_id, caller().name)

    def retry(self, run_id: str, key: str | None) -> RunRecord:
        """A new run that goes on where this one has failed. Raises RunUnfinished, and what fork does."""
        record = self._source(run_id)
        if not record.ended:
            raise RunUnfinished(record.status)
        if record.status == "complete":
            raise Problem(409, "The run is complete: there is nothing to go on with. Fork it from one of its steps")
        return self._branch(Again(source=run_id), key, lambda: Branch("retry", self.log.pasts.now(record)))

    def fork(self, run_id: str, fork: Fork, key: str | None) -> RunRecord:
        """A new run that takes over what this one had finished before a step.

        Raises UnknownStep, StepNotDone, PastForgotten, what Runs.find and Runs.start do, too.
        """
        record = self._source(run_id)

        def make() -> Branch:
            return Branch("fork", self.log.pasts.before(record, fork.step), fork.value, fork.model)

        return self._branch(Again(source=run_id, fork=fork), key, make)

    def _source(self, run_id: str) -> RunRecord:
        record = self.record(run_id, "read")
        self.door.project(record.owner.project_id)
        return record

    def _branch(self, asked: Again, key: str | None, make: Callable[[], Branch]) -> RunRecord:
        new_id, is_new = self.runs.find(asked, caller().name, key)
        if is_new:
            branch = make()
            self._named(new_id, lambda: self.runs.branch(new_id, branch, caller().name))
        else:
            self._named(new_id, lambda: None)
        return self.log.record(new_id)

    def remove(self, run_id: str) -> None:
        """Remove the run, which must have ended. Raises RunUnfinished, too."""
        self.record(run_id, "delete")
        self.log.remove(run_id)
        logger.info("run.removed", run_id=run_id, caller=caller().name)

    def steer(self, run_id: str, value: str, key: str | None) -> str:
        """Tell the run what its user says; returns the message's id. Raises what Inbox.say does, too."""
        self.record(run_id, "steer")
        message_id = self.log.inbox.say(run_id, value, key)
        logger.info("run.told", run_id=run_id, caller=caller().name)
        return message_id

    def answer(self, run_id: str, approval_id: str, answer: Approval) -> None:
        """Allow or forbid what the run has asked for. Raises what Approvals.answer does, too."""
        self.record(run_id, "approve")
        self.runs.answer(run_id, approval_id, answer, caller().name)

    def _stream_token(self, run_id: str) -> str:
        """For the page that started the run: it can come back to it, or cancel it, until some time after its end."""
        expires = int(time.time() + self.run_seconds) + STREAM_TOKEN_SECONDS
        return self.tokens.sign(Grant(caller().name, ("read", "cancel"), expires, run_id=run_id))


def _name_run(response: flask.Response) -> flask.Response:
    if names := here().get("run_headers"):
        response.headers.update(names)
    return response

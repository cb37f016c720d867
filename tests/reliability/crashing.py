"""A run of everything that a run can have, driven by the service's own parts in this process, so that it may die often.

Real are Redis, the run log, steps, engine, agent loop, conversation, files and commands; the model answers by script.
Only what starts a process for each look at the files, or each check, is called directly instead.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from agent import checks
from agent.checks.kinds import Kind
from agent.inside import serve
from agent.inside.wire import pack, unpack
from agent.messages import Approval, Message, ModelReply, ToolCall, ToolSpec, Usage
from agent.models.catalog import Catalog, ModelConfig
from agent.protocols import ChatModel, Emit
from agent.sandbox.local import LocalSandbox
from lab.sse import Event, parse
from orchestrator.coding import Coder
from orchestrator.destinations import Deliveries
from orchestrator.destinations.protocol import Letter
from orchestrator.drain import Drain
from orchestrator.engines.approvals import WaitingRuns
from orchestrator.engines.direct import LEASE_SECONDS, DirectEngine
from orchestrator.engines.dispatch import Dispatcher
from orchestrator.events import RunRequested
from orchestrator.idempotency import IdempotencyKeys
from orchestrator.previews.address import Previews
from orchestrator.redact import Redactor
from orchestrator.runlog import RunLog
from orchestrator.runlog.approvals import WAITING
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import RunKeys
from orchestrator.runlog.refusals import RunWaits
from orchestrator.settings import Settings
from orchestrator.steps import DurableSteps, EmitterSettings
from orchestrator.stored_files import StoredFiles
from orchestrator.web.grants import Tokens
from tests.reliability.deaths import Death, Moment, Reaper
from tests.reliability.scripts import Marks

CONTEXT: Final = 2_200
"""Tokens: so few that the conversation is compacted on its way."""
LONG: Final = "A line of notes that fills the context.\n" * 60

SAID: Final = {("tool-1-2", "commit"): "In blue, please.", ("check-2", "commit"): "And a footer."}
"""What the user says, before which write of which step."""
ANSWERS: Final = {
    "approval-2-1": Approval(allow=True),
    "approval-4-1": Approval(allow=False, reason="Not on a Friday."),
}
APPROVED, DENIED = "approved", "denied"
"""The marks of the commands that have to be allowed."""


class ShellCheck(Kind):
    """A row of the table of checks that starts in milliseconds."""

    def command(self, paths: Sequence[str]) -> str:
        return f"grep -q fine {paths[0]} || printf '! {paths[0]}:1: is not fine'"


CHECKS: Final = (ShellCheck("text", (".txt",), "sh", ("sh",), ""),)


def script(marks: Marks) -> list[ModelReply]:
    """What the model says in each turn."""

    def says(text: str, *calls: tuple[str, dict[str, Any]]) -> ModelReply:
        turn = len(replies) + 1
        asked = [ToolCall(id=f"call_{turn}_{n}", name=name, args=args) for n, (name, args) in enumerate(calls, start=1)]
        # Each turn costs another sum, so that the total says which ones were paid for.
        return ModelReply(text=text, tool_calls=asked, usage=Usage(input_tokens=2**turn, output_tokens=1))

    def runs(command: str) -> tuple[str, dict[str, Any]]:
        return "terminal", {"command": command}

    replies: list[ModelReply] = []
    look = ("readFiles", {"files": ["notes.txt"]})
    note = {"files": [{"path": "notes.txt", "content": LONG}]}
    edit = {"path": "a.dat", "old": "aask", "new": "edited"}
    replies += [says("I write this.", ("createOrUpdateFiles", note), runs("printf out; printf a > a.dat"))]
    replies += [says("May I?", runs(f"{marks.note(APPROVED)}; printf ask-me | tee -a a.dat"), look)]
    replies += [says("I look again.", look)]
    replies += [says("And this?", runs(f"{marks.note(DENIED)}; printf ask-me"), ("editFile", edit))]
    replies += [says("All done.")]
    replies += [says("I repair it.", runs("printf 'all is fine' >> notes.txt; rm a.dat; printf ok"))]
    replies += [says("It is repaired.")]
    replies += [says("With a footer.", runs("printf below > footer.dat"))]
    replies += [says("All done, with a footer.")]
    return replies


class Model:
    """A ``ChatModel`` that answers each turn by script and keeps what it was asked: turn → messages of each attempt."""

    name = "scripted"
    brings_all = False
    introduction = "A scripted model"
    context = CONTEXT
    fallback: ChatModel | None = None

    def __init__(self, turn: Callable[[], int], replies: Sequence[ModelReply]) -> None:
        self.asked: dict[int, list[list[Message]]] = {}
        self._turn, self._replies = turn, replies

    def reply(self, messages: Sequence[Message], tools: Sequence[ToolSpec], emit: Emit) -> ModelReply:
        turn = self._turn()
        self.asked.setdefault(turn, []).append(list(messages))
        reply = self._replies[turn - 1]
        half = len(reply.text) // 2
        emit("text", reply.text[:half])
        emit("text", reply.text[half:])
        return reply


class Receiver:
    """A ``Destination`` that keeps what it gets."""

    name = "receiver"
    title = "the receiver"
    takes_errors = False

    def __init__(self) -> None:
        self.letters: list[Letter] = []

    def send(self, letter: Letter) -> None:
        self.letters.append(letter)


class OneModel(Catalog):
    def __init__(self, model: ChatModel) -> None:
        super().__init__(ModelConfig())
        self._only = model

    def open(self, name: str) -> ChatModel:
        return self._only


@dataclass(frozen=True)
class Died:
    """A death, and what had happened until then: calls of the model by turn, approved commands, results in the log."""

    moment: Moment
    asked: dict[int, int]
    approved: int
    stored: set[str]

    @property
    def has_begun(self) -> bool:
        """Whether the attempt that died was known to the log."""
        return (self.moment.script, self.moment.when) != ("begin", "before")

    @property
    def is_stored(self) -> bool:
        return self.moment.step in self.stored


@dataclass
class Story:
    """A run from its start to its end."""

    asked: dict[int, list[list[Message]]]
    letters: list[Letter]
    """The result, as often as it was sent."""
    moments: list[Moment] = field(default_factory=list)
    deaths: list[Died] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    results: dict[str, Any] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    approved: int = 0
    denied: int = 0
    """How often the commands ran."""


class Machine:
    """Where runs are driven, each by processes of which one goes on where the one before it has died."""

    def __init__(self, redis: Client, folder: Path) -> None:
        self._redis = redis
        self._marks = Marks(folder)
        self._settings = Settings(
            inngest_dev="1",
            agent_engine="direct",
            agent_sandbox="unsafe-local",
            agent_sandbox_dir=str(folder / "sandboxes"),
            agent_approve="*ask-me*",
        )
        self._drain = Drain(20)
        self._reaper = Reaper((), lambda step, script: None)
        self._log = self._observed(RunLog(redis))
        at_once = EmitterSettings(redact=Redactor.from_environment({}), drain=self._drain, coalesce=0, coalesce_max=0)
        self._steps = DurableSteps(self._log, at_once)

    def _observed(self, log: RunLog) -> RunLog:
        call, call_of_project = log._scripts.call, log.projects._call
        log._scripts.call = lambda *args: self._reaper.call(call, *args)  # type: ignore[method-assign]
        log.projects._call = lambda name, *args: self._reaper.around(  # type: ignore[method-assign]
            name, call_of_project, name, *args
        )
        return log

    def story(self, run_id: str, dies_at: Collection[Moment] = ()) -> Story:
        """Drive a run to its end; at each of these moments a process dies, every second time with its machine."""
        for name in (APPROVED, DENIED):
            (self._marks.folder / name).unlink(missing_ok=True)
        model = Model(lambda: int(self._reaper.step.removeprefix("model-")), script(self._marks))
        receiver = Receiver()
        previews = Previews(Tokens("", {}, self._redis), StoredFiles(self._log), "", 60)
        keys = IdempotencyKeys(self._redis, 60)
        coder = Coder(self._settings, self._log, OneModel(model), keys, previews, Deliveries([receiver]))
        self._log.create(RunRequested(run_id=run_id, project_id=run_id, value="Take notes."), "direct", "Accepted")
        self._reaper = reaper = Reaper(dies_at, partial(self._speak, run_id))
        story = Story(model.asked, receiver.letters)
        while not (record := self._log.record(run_id)).ended:
            try:
                if record.fields["engine"] == WAITING:
                    self._answer(run_id, record.fields.get("waitsFor"))
                else:
                    self._drive(run_id, coder, owner=f"process-{len(reaper.moments)}")
            except RunWaits:
                pass
            except Death as death:
                asked = {turn: len(attempts) for turn, attempts in model.asked.items()}
                stored = set(self._log.results(run_id))
                story.deaths.append(Died(death.moment, asked, len(self._marks.lines(APPROVED)), stored))
                self._redis.hset(RunKeys(run_id).run, "leaseUntil", 0)  # its time has passed
                if len(story.deaths) % 2:
                    coder.clean_up(run_id)
        assert not reaper.left, "the run never came to these moments"
        story.moments = reaper.moments
        story.events = [parse(event.decode()) for event in self._log.read(run_id, 0, 5_000).events]
        story.results = self._log.results(run_id)
        story.files = self._project_files(run_id)
        story.approved, story.denied = (len(self._marks.lines(name)) for name in (APPROVED, DENIED))
        return story

    def _drive(self, run_id: str, coder: Coder, owner: str) -> None:
        engine = self._engine(coder, owner)
        assert engine._lease(run_id, LEASE_SECONDS), "nobody has it"
        engine._execute(run_id)

    def _answer(self, run_id: str, approval_id: str | None) -> None:
        """As the route does, or where that died after the answer, as the watch does."""
        if approval_id is not None:
            self._log.approvals.answer(run_id, approval_id, ANSWERS[approval_id])
        engines = {"direct": self._engine(None, "web")}
        WaitingRuns(self._log, Dispatcher(self._settings, self._log, engines), timeout=3600).go_on(run_id)

    def _project_files(self, project_id: str) -> dict[str, bytes]:
        files = self._log.projects.view(project_id, self._log.projects.head(project_id))
        return files.read_all(list(files.files))

    def _engine(self, coder: Any, owner: str) -> DirectEngine:
        return DirectEngine(self._log, self._steps, coder, self._drain, places=1, owner=owner)

    def _speak(self, run_id: str, step: str, name: str) -> None:
        if words := SAID.get((step, name)):
            self._log.inbox.say(run_id, words, key=words)


@contextmanager
def without_processes() -> Iterator[None]:
    """The helper in the sandbox answers from this process, and checks need no interpreter."""

    def ask(self: LocalSandbox, verb: bytes, fields: Sequence[bytes], check: Any, limit: int = 0) -> bytes:
        asked, *rest = unpack(pack([verb, *fields]), serve.MOST_FIELDS)
        return pack([*serve.VERBS[asked](str(self._folder.workspace), rest), serve.END])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalSandbox, "_ask", ask)
        patch.setattr(checks, "KINDS", CHECKS)
        yield

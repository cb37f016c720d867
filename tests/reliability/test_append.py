"""Publishing: once although replies get lost, the first token at once, and in few round trips."""

from typing import Any, cast

import pytest
import redis

from agent.protocols import Emit
from lab.sse import parse
from orchestrator import patience
from orchestrator.drain import Drain
from orchestrator.events import RunRequested
from orchestrator.redact import Redactor
from orchestrator.runlog import RunLog
from orchestrator.steps import DurableSteps, EmitterSettings

FOR_EVER = 1000.0  # seconds: streamed text that may wait this long leaves only with something else
RUN = RunRequested(run_id="run_append", project_id="tests", value="something")


class Losing(redis.Redis):
    """Carries every script out, and loses the first reply to each."""

    scripts = 0
    losing = False
    _just_lost = False

    def execute_command(self, *args: Any, **options: Any) -> Any:
        reply = super().execute_command(*args, **options)  # type: ignore[no-untyped-call]  # redis-py's own
        if args[0] == "EVALSHA":
            self.scripts += 1
            self._just_lost = self.losing and not self._just_lost
            if self._just_lost:
                raise redis.TimeoutError("the reply was lost")
        return reply


@pytest.fixture
def client(redis_url: str) -> Losing:
    return cast(Losing, Losing.from_url(redis_url))


@pytest.fixture
def log(client: Losing) -> RunLog:
    log = RunLog(client)
    log.create(RUN, "direct", "Accepted")
    return log


def test_lost_replies_double_nothing(log: RunLog, client: Losing, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the producer's numbers (publish_once in _run.lua) every event stood in the log twice."""
    monkeypatch.setattr(patience, "RETRY_SECONDS", 0.0)
    client.losing = True
    texts = [f"line {number}" for number in range(20)]

    def body(emit: Emit) -> str:
        for text in texts:
            emit("status", text)
        emit("text", "the last of it")
        return "done"

    assert _steps(log, coalesce=0).attempt(RUN.run_id, "work", body) == "done"
    client.losing = False
    events = _events(log)
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert [event["data"] for event in events[1:]] == [*texts, "the last of it"]
    assert log.results(RUN.run_id) == {"work": "done"}


def test_the_first_token_is_there_at_once_and_the_rest_is_gathered(log: RunLog) -> None:
    """With a window that is open from the start (`Window.due` always later), the first look found nothing."""
    seen_after_first: list[Any] = []

    def body(emit: Emit) -> str:
        emit("text", "Hel")
        seen_after_first.extend(event["data"] for event in _events(log)[1:])
        for piece in ("lo", ", ", "world"):
            emit("text", piece)
        emit("status", "said")
        return "done"

    _steps(log, coalesce=FOR_EVER).attempt(RUN.run_id, "work", body)
    assert seen_after_first == ["Hel"]
    assert [event["data"] for event in _events(log)[1:]] == ["Hel", "lo, world", "said"]


def test_what_waits_together_leaves_in_few_calls(log: RunLog, client: Losing) -> None:
    """500 pieces that cannot be joined; one call each without batching (LARGEST_BATCH = 1: more than 500)."""

    def body(emit: Emit) -> str:
        for number in range(500):
            emit("tool-output", {"source": ("stdout", "stderr")[number % 2], "chunk": f"{number} ", "callId": "c"})
        return "done"

    before = client.scripts
    _steps(log, coalesce=FOR_EVER).attempt(RUN.run_id, "work", body)
    assert client.scripts - before < 10
    assert [event["data"]["chunk"] for event in _events(log)[1:]] == [f"{number} " for number in range(500)]


def _steps(log: RunLog, coalesce: float) -> DurableSteps:
    settings = EmitterSettings(
        redact=Redactor.from_environment({}), drain=Drain(20), coalesce=coalesce, coalesce_max=coalesce
    )
    return DurableSteps(log, settings)


def _events(log: RunLog) -> list[dict[str, Any]]:
    return [parse(event.decode()) for event in log.read(RUN.run_id, 0, 1000).events]

"""One trace a run, whatever was killed: complete, without a span twice, and without what was said."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from lab.llm import fails, hangs_at_once
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import events_of, start_run
from orchestrator.redact import MASK
from orchestrator.traces.spans import trace_id
from tests.conftest import next_database
from tests.reliability.scripts import DONE, runs, writes
from tests.traces.collector import Collector, attributes
from tools.processes import wait_until
from tools.redis_server import RedisServer

Unique = Callable[[str], str]
SECONDS = 60.0
MOST_HANGING = 2
KEY = "sk-the-key-of-an-endpoint"
SECRET = "a-secret-of-the-service-0123456789"


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


@pytest.fixture(scope="module")
def traced(
    collector: Collector,
    model_server: ModelServer,
    redis_server: RedisServer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "SECRET_KEY": SECRET}
    env |= {"OPENAI_API_KEY": KEY} | model_server.environment()
    with Service(next_database(redis_server), tmp_path_factory.mktemp("traced"), workers=2, env=env) as running:
        yield running


def test_a_run_is_a_trace_of_its_model_calls_and_tools(
    traced: Service, collector: Collector, model_server: ModelServer, unique: Unique
) -> None:
    prompt = model_server.script(unique("secret-prompt"), writes("a.txt", "secret-content"), runs("true"), DONE)
    run_id = start_run(traced, projectId=unique("p"), value=prompt)
    events_of(traced, run_id)
    wait_until(lambda: collector.of(trace_id(run_id)), SECONDS, "the trace")
    spans = collector.of(trace_id(run_id))
    (agent,) = [span for span in spans if not span.parent_span_id]
    assert agent.name == "invoke_agent code-agent"
    assert attributes(agent)["gen_ai.operation.name"] == "invoke_agent"
    assert attributes(agent)["runwire.end"] == "done"
    others = [span for span in spans if span is not agent]
    assert {span.parent_span_id for span in others} == {agent.span_id}
    assert all(agent.start_time_unix_nano <= s.start_time_unix_nano <= s.end_time_unix_nano for s in others)
    assert all(span.end_time_unix_nano <= agent.end_time_unix_nano for span in others)
    by_step = {attributes(span)["runwire.step"]: span for span in others}
    assert list(by_step) == ["prepare", "model-1", "tool-1-1", "model-2", "tool-2-1", "model-3", "check-1", "finish"]
    chat, tool = by_step["model-1"], by_step["tool-2-1"]
    assert chat.name.startswith("chat ") and attributes(chat)["gen_ai.operation.name"] == "chat"
    assert attributes(chat)["gen_ai.provider.name"] == "openai"
    assert attributes(chat)["gen_ai.usage.output_tokens"] > 0  # type: ignore[operator]
    assert (tool.name, attributes(tool)["gen_ai.tool.name"]) == ("execute_tool terminal", "terminal")
    assert "secret-" not in str(spans)


def test_a_failed_attempt_is_a_span_of_its_own_with_an_error(
    traced: Service, collector: Collector, model_server: ModelServer, unique: Unique
) -> None:
    prompt = model_server.script(unique("retry"), fails(503), writes("a.txt", "a"), DONE)
    run_id = start_run(traced, projectId=prompt, value=prompt)
    events_of(traced, run_id)
    wait_until(lambda: collector.of(trace_id(run_id)), SECONDS, "the trace")
    attempts = [s for s in collector.of(trace_id(run_id)) if attributes(s).get("runwire.step") == "model-1"]
    assert [attributes(span)["runwire.attempt"] for span in attempts] == [0, 1]
    assert attributes(attempts[0])["error.type"] == "failed"


def test_the_error_of_a_run_is_short_in_its_trace_and_holds_no_secret(
    traced: Service, collector: Collector, model_server: ModelServer, unique: Unique
) -> None:
    """An endpoint's own words are the end of a run, and some repeat the key that they were sent."""
    prompt = model_server.script(unique("echo"), fails(401, f"no such key: {KEY} nor {SECRET} {'x' * 5000}"))
    run_id = start_run(traced, projectId=prompt, value=prompt)
    events_of(traced, run_id)
    wait_until(lambda: collector.of(trace_id(run_id)), SECONDS, "the trace")
    (agent,) = [span for span in collector.of(trace_id(run_id)) if not span.parent_span_id]
    assert f"no such key: … nor {MASK} xxx" in agent.status.message
    assert len(agent.status.message) < 400
    assert not any(secret in str(collector.of(trace_id(run_id))) for secret in (KEY, SECRET))


def test_a_trace_is_whole_after_kills_and_has_no_span_twice(
    traced: Service, collector: Collector, model_server: ModelServer, unique: Unique
) -> None:
    prompt = model_server.script(unique("kills"), *[hangs_at_once] * MOST_HANGING, writes("a.txt", "a"), DONE)
    run_id = start_run(traced, projectId=prompt, value=prompt)
    asked = 0

    def is_asked_again() -> bool:
        return model_server.calls(prompt) > asked

    while asked < MOST_HANGING:
        wait_until(is_asked_again, SECONDS, "the model to be asked again")
        asked = model_server.calls(prompt)
        traced.kill_workers()
    events = events_of(traced, run_id)
    assert events[-1]["type"] == "complete"
    wait_until(lambda: collector.of(trace_id(run_id)), SECONDS, "the trace")
    spans = collector.of(trace_id(run_id))
    assert max(Counter(span.span_id for span in spans).values()) == 1
    steps = traced.http.get(f"/agent/run/{run_id}/steps").json()["steps"]
    assert len(spans) == 1 + sum(len(step["attempts"]) for step in steps)
    assert any(attributes(span).get("error.type") == "interrupted" for span in spans)


def test_what_a_collector_did_not_take_is_sent_later(
    traced: Service, collector: Collector, model_server: ModelServer, unique: Unique
) -> None:
    collector.is_broken = True
    prompt = model_server.script(unique("later"), writes("a.txt", "a"), DONE)
    run_id = start_run(traced, projectId=prompt, value=prompt)
    events_of(traced, run_id)
    wait_until(lambda: "Failed to export" in traced.log(), SECONDS, "a refused attempt")
    assert not collector.of(trace_id(run_id))
    collector.is_broken = False
    wait_until(lambda: collector.of(trace_id(run_id)), SECONDS, "the trace")

"""One event is the same bytes in the channel, in the stored log and in the SSE data."""

import json
from collections.abc import Callable, Iterator

import pytest
import redis

from lab.llm import says
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import EVENT_STREAM, post_run, sse_messages
from orchestrator.runlog.connection import Client


@pytest.fixture
def raw(scripted_service: Service) -> Iterator[Client]:
    with redis.Redis.from_url(scripted_service.env["REDIS_URL"]) as client:
        yield client


def test_channel_log_and_stream_carry_the_same_bytes(
    scripted_service: Service, model_server: ModelServer, raw: Client, unique: Callable[[str], str]
) -> None:
    prompt = model_server.script(
        unique("bytes"),
        says("Line 1\nline 2 \u2028 “é” 😀 \\n\x07", calls=(("terminal", '{"command": "echo \'a b\'; echo e >&2"}'),)),
        says("Done.\r\n\r\n"),
    )
    with raw.pubsub() as pubsub:
        pubsub.psubscribe("agent:*")
        assert pubsub.get_message(timeout=10)["type"] == "psubscribe"
        with post_run(scripted_service, value=prompt, headers=EVENT_STREAM) as response:
            run_id = response.headers["x-run-id"]
            streamed = [message.data.encode() for message in sse_messages(response)]
        stored = raw.xrange(f"agent:{{{run_id}}}:log")
        published: list[bytes] = []
        while len(published) < len(stored):
            message = pubsub.get_message(timeout=10)
            assert message, f"only {len(published)} of {len(stored)} events were published"
            if message["channel"] == f"agent:{run_id}".encode():
                published.append(message["data"])
    assert [entry.decode() for entry, _ in stored] == [f"{n}-0" for n in range(1, len(stored) + 1)]
    assert all(len(fields) == 1 for _, fields in stored)
    assert published == [next(iter(fields.values())) for _, fields in stored] == streamed


def test_every_event_has_the_envelope_of_the_design(service: Service, unique: Callable[[str], str]) -> None:
    with post_run(service, model="offline", projectId=unique("new"), headers=EVENT_STREAM) as response:
        run_id = response.headers["x-run-id"]
        events = [message.json() for message in sse_messages(response)]
    for number, event in enumerate(events, start=1):
        assert list(event) == ["id", "runId", "type", "data", "timestamp", "step", "attempt"]
        assert (event["id"], event["runId"]) == (number, run_id)
        assert isinstance(event["timestamp"], int) and event["timestamp"] > 1_600_000_000_000
    types = {event["type"] for event in events}
    assert types >= {"status", "text", "tool-call", "tool-output", "file-created", "file-updated"}
    assert types >= {"progress", "time-budget", "files", "complete"}
    assert json.dumps(events[-1]["data"]["files"])

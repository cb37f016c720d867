"""Retries one can see: why an attempt failed, when the next one comes, and what is void, at once. FINDINGS D5."""

from __future__ import annotations

import time
from collections.abc import Callable

from lab import llm
from lab.model_server import ModelServer
from lab.sse import EVENT_STREAM, assert_whole, post_run, sse_events
from tests.conftest import StartService

LATER = "60"  # seconds; nobody waits that long here


def test_a_rate_limit_is_told_at_once_and_a_cancel_ends_its_wait(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    service = start_service(workers=1, **model_server.environment())
    limited = llm.fails(429, "Slow down", retry_after=LATER)
    prompt = model_server.script(unique("limited"), llm.breaks_off, limited, llm.says("x"))
    seen = []
    started = time.monotonic()
    with post_run(service, value=prompt, headers=EVENT_STREAM) as response:
        for event in sse_events(response):
            seen.append(event)
            if event["type"] == "status" and f"again in {LATER} s" in event["data"]:
                service.http.post(f"/agent/run/{event['runId']}/cancel")
    assert time.monotonic() - started < float(LATER), "somebody waited"
    assert_whole(seen)
    assert (seen[-1]["type"], seen[-1]["code"]) == ("error", "cancelled")

    text = next(event for event in seen if event["type"] == "text")
    [first, second] = [event for event in seen if event["type"] == "rollback"]
    assert first["data"]["fromId"] <= text["id"] <= first["data"]["toId"]
    assert "ended in the middle" in first["data"]["reason"]
    assert second["data"]["attempt"] == 1
    told = [event["data"] for event in seen if event["type"] == "status" and "; again in" in event["data"]]
    assert told[0].endswith("again in 1 s, 2 of 4")
    assert told[1] == f"Rate limited by the model's provider: Slow down; again in {LATER} s, 3 of 4"


def test_what_is_used_up_is_counted_and_the_fallback_goes_on(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Three attempts fail; the fourth is the fallback's, and so is every later turn."""
    models = {"OPENAI_MODELS": "first,second", "AGENT_FALLBACK_MODEL": "second"}
    service = start_service(workers=1, **model_server.environment(), **models)
    broken = llm.fails(500, "Broken", retry_after_ms="1")
    prompt = model_server.script(
        unique("fallback"), llm.breaks_off, broken, broken, llm.writes("I write"), llm.says("Done")
    )
    with post_run(service, value=prompt, headers=EVENT_STREAM) as response:
        seen = list(sse_events(response))
    assert_whole(seen)
    end = seen[-1]
    assert (end["type"], end["data"]["outcome"], end["data"]["summary"]) == ("complete", "done", "Done")
    assert end["data"]["usage"]["abandoned"] > 0
    assert [body["model"] for body in model_server.asked[prompt]] == ["first"] * 3 + ["second"] * 2
    assert "first has failed 3 times. Going on with second" in [event["data"] for event in seen]


def test_a_refusal_ends_with_its_code(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    service = start_service(workers=1, **model_server.environment())
    prompt = model_server.script(unique("refused"), llm.says("I will not.", stop="refusal"))
    with post_run(service, value=prompt, headers=EVENT_STREAM) as response:
        seen = list(sse_events(response))
    assert (seen[-1]["type"], seen[-1]["data"], seen[-1]["code"]) == ("error", "I will not.", "refused")
    assert service.http.get(f"/agent/run/{seen[0]['runId']}").json()["status"] == "refused"

"""No secret of the environment appears in an event, in what Redis holds for viewers, in a log line or in a sandbox."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis

from lab.llm import fails, says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import EVENT_STREAM, assert_whole, post_run, run_to_end, sse_events
from tests.conftest import next_database
from tools.redis_server import RedisServer

SECRETS = {
    "FAKE_API_KEY": "sk-very-secret-0123456789",
    "SOME_TOKEN": "token with spaces/and+signs=",
    "DB_PASSWORD": "pass-word-of-the-database",
    "DATABASE_URL": "postgres://user:url-password-1234@host/db",
    "OPENAI_API_KEY": "sk-openai-secret-987654321",
    "SMTP_PASS": "smtp4",
    "GH_PAT": "ghp_0123456789abcdef",
    "CACHE_URL": "redis://:p%40ss%2Fword-in-url@cache/0",
}
IN_URLS = ("url-password-1234", "p@ss/word-in-url", "p%40ss%2Fword-in-url")
VALUES = (*(value for name, value in SECRETS.items() if not name.endswith("_URL")), *IN_URLS)
LOOK = "env; set; cat /proc/*/environ | tr '\\0' '\\n'; cat /proc/self/environ /proc/1/environ; ls -la /proc/*/cwd"


Scripted = tuple[Service, ModelServer]


@pytest.fixture(scope="module")
def secret_service(
    model_server: ModelServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scripted]:
    env = {"AGENT_ENGINE": "direct"} | SECRETS | model_server.environment()
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), env=env) as running:
        yield running, model_server


@pytest.mark.parametrize("secret", VALUES)
def test_what_a_model_echoes_is_masked_everywhere(
    secret: str, secret_service: Scripted, unique: Callable[[str], str]
) -> None:
    """Seen failing without the masking."""
    service, model_server = secret_service
    write = {"files": [{"path": "a.txt", "content": f"key = {secret}\n"}]}
    prompt = model_server.script(
        unique("echo"),
        says(f"The key is {secret}.", calls=(("createOrUpdateFiles", json.dumps(write)),)),
        says("", calls=(("terminal", json.dumps({"command": f"cat a.txt; echo '{secret}' >&2"})),)),
        says(f"All done with {secret}\n\nReally."),
    )
    events = run_to_end(service, value=prompt, projectId=unique("project"))
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    text = json.dumps(events)
    assert secret not in text
    assert "The key is [redacted]." in text
    assert secret not in everything_stored(service)
    assert secret not in service.log()
    told = json.dumps([request["messages"][1:] for request in model_server.asked[prompt]])
    assert secret not in told


def test_a_command_cannot_find_them(secret_service: Scripted, unique: Callable[[str], str]) -> None:
    """Even a masked form would show that a sandbox had seen one (seen failing with the environment passed on)."""
    service, model_server = secret_service
    prompt = model_server.script(
        unique("look"), says("I look.", calls=(("terminal", json.dumps({"command": LOOK})),)), says("Nothing.")
    )
    events = run_to_end(service, value=prompt, projectId=unique("project"))
    assert events[-1]["type"] == "complete"
    output = "".join(event["data"]["chunk"] for event in events if event["type"] == "tool-output")
    assert "PATH=" in output
    assert "[redacted]" not in output
    assert not any(name in output for name in SECRETS)
    told = json.dumps(model_server.asked[prompt][1])
    assert not any(secret in told for secret in VALUES)


def test_an_error_of_the_models_endpoint_does_not_carry_the_key_on(
    secret_service: Scripted, unique: Callable[[str], str]
) -> None:
    service, model_server = secret_service
    key = SECRETS["OPENAI_API_KEY"]
    prompt = model_server.script(unique("error"), fails(401, f"Incorrect API key {key} (or {SECRETS['FAKE_API_KEY']})"))
    events = run_to_end(service, value=prompt, projectId=unique("project"))
    assert events[-1]["type"] == "error"
    assert "Incorrect API key" in events[-1]["data"]
    assert not any(secret in json.dumps(events) for secret in VALUES)
    shown = service.http.get(f"/agent/run/{events[0]['runId']}").text
    assert not any(secret in shown for secret in VALUES)


@pytest.mark.parametrize("cut", [1, 8, 20])
def test_a_secret_that_comes_in_pieces_is_masked_too(
    cut: int, secret_service: Scripted, unique: Callable[[str], str]
) -> None:
    """Models stream word by word. Seen failing where the halves are further apart than text is gathered (200 ms)."""
    service, model_server = secret_service
    secret = SECRETS["FAKE_API_KEY"]
    gate = Gate()
    prompt = model_server.script(unique("pieces"), gate)
    with post_run(service, value=prompt, projectId=unique("project"), headers=EVENT_STREAM) as response:
        events = sse_events(response)
        gate.say(f"It is {secret[:cut]}")
        seen = [next(events)]
        while seen[-1]["type"] != "text":
            seen.append(next(events))
        gate.finish(f"{secret[cut:]} indeed.")
        seen += events
    assert "".join(event["data"] for event in seen if event["type"] == "text") == "It is [redacted] indeed."


def test_the_prompt_is_masked_before_it_is_stored(secret_service: Scripted, unique: Callable[[str], str]) -> None:
    service, _ = secret_service
    secret = SECRETS["GH_PAT"]
    run_to_end(service, value=f"{unique('prompt')} with {secret}", projectId=unique("project"), model="offline")
    assert secret not in everything_stored(service)


def everything_stored(service: Service) -> str:
    """All that the service's database holds: events, results of steps, files of runs and projects."""
    found: list[Any] = []
    with redis.Redis.from_url(service.env["REDIS_URL"], decode_responses=True) as client:
        read = {"hash": client.hgetall, "stream": client.xrange, "string": client.get, "zset": client.zscan}
        for name in client.scan_iter(count=1000):
            if reader := read.get(client.type(name)):  # it may be gone meanwhile
                found += [name, reader(name)]
    return "\n".join(map(str, found))

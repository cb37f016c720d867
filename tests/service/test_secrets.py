"""No secret of the environment appears in an event, in what Redis holds for viewers, in a log line or in a sandbox."""

import json
from collections.abc import Callable, Iterator

import pytest
import redis

from tests.agent.fake_openai import fails, says
from tests.conftest import next_database
from tests.support.model_server import ModelServer
from tests.support.service import Service
from tests.support.sse import assert_whole, run_to_end
from tools.redis_server import RedisServer

SECRETS = {
    "FAKE_API_KEY": "sk-very-secret-0123456789",
    "SOME_TOKEN": "token with spaces/and+signs=",
    "DB_PASSWORD": "pass-word-of-the-database",
    "DATABASE_URL": "postgres://user:url-password-1234@host/db",
    "OPENAI_API_KEY": "sk-openai-secret-987654321",
}
VALUES = (*(value for name, value in SECRETS.items() if name != "DATABASE_URL"), "url-password-1234")
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
    _assert_not_published(service, events[0]["runId"], secret)
    assert secret not in service.log()


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
    """Models stream word by word. Pieces that follow each other within the gathering window meet before they leave."""
    service, model_server = secret_service
    secret = SECRETS["FAKE_API_KEY"]
    prompt = model_server.script(unique("pieces"), says("It is ", secret[:cut], secret[cut:], " indeed."))
    events = run_to_end(service, value=prompt, projectId=unique("project"))
    assert secret not in "".join(event["data"] for event in events if event["type"] == "text")


def _assert_not_published(service: Service, run_id: str, secret: str) -> None:
    with redis.Redis.from_url(service.env["REDIS_URL"], decode_responses=True) as client:
        assert secret not in json.dumps(client.xrange(f"agent:{{{run_id}}}:log"))

"""In production every call between Inngest and the service is signed."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from lab.inngest import InngestExecutor
from lab.inngest.caller import sign
from lab.service import Service
from lab.sse import assert_whole, events_of
from tests.conftest import next_database
from tests.inngest_runs.looking import FUNCTION, run_at
from tools.processes import free_port, wait_until
from tools.redis_server import RedisServer

KEY = "signkey-test-0123456789abcdef0123456789abcdef"
API_KEY = "the-key-of-this-caller-0123456789"


@pytest.fixture(scope="module")
def cloud() -> Iterator[InngestExecutor]:
    with InngestExecutor(retry_delay=0.1, signing_key=KEY) as executor:
        yield executor


@pytest.fixture(scope="module")
def production(
    cloud: InngestExecutor, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    port = free_port()
    env = {
        "INNGEST_DEV": "",
        "INNGEST_BASE_URL": cloud.base_url,
        "INNGEST_EVENT_KEY": "test-event-key",
        "INNGEST_SIGNING_KEY": KEY,
        "INNGEST_APP_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": "a-secret-of-enough-letters-0123456789",
        "AGENT_API_KEYS": f"tests:{API_KEY}",
        "AGENT_OFFLINE_DELAY": "0",
    }
    with Service(
        next_database(redis_server), tmp_path_factory.mktemp("service"), workers=1, env=env, port=port
    ) as running:
        yield running


def test_a_run_goes_through_signed_calls(cloud: InngestExecutor, production: Service) -> None:
    wait_until(lambda: cloud.functions, 20, "the registration")
    production.http.headers["X-API-Key"] = API_KEY
    body = {"projectId": "p1", "value": "a tip calculator"}
    answer = production.http.post("/agent/run", json=body, headers={"Accept": "application/json"})
    run_id = answer.json()["runId"]
    events = events_of(production, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert run_at(cloud, run_id).status == "Completed"
    assert {call.status for call in cloud.calls} == {206, 200}


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(lambda body: None, id="unsigned"),
        pytest.param(lambda body: sign("signkey-test-ffff", body), id="other-key"),
        pytest.param(lambda body: sign(KEY, body + b" "), id="other-body"),
        pytest.param(lambda body: sign(KEY, body).replace("t=1", "t=0"), id="other-time"),
    ],
)
def test_a_call_that_inngest_did_not_sign_is_refused(
    signature: Callable[[bytes], str | None], production: Service
) -> None:
    body = json.dumps({"ctx": {}, "event": {"name": "x", "data": {}}, "events": [], "steps": {}}).encode()
    signed = signature(body)
    headers = {"Content-Type": "application/json"} | ({"X-Inngest-Signature": signed} if signed else {})
    answer: httpx.Response = production.http.post(
        "/api/inngest", params={"fnId": FUNCTION, "stepId": "step"}, content=body, headers=headers
    )
    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}

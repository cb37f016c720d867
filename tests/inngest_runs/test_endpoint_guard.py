"""Who may call `/api/inngest`, and what anybody else is answered (FINDINGS B1, B3, B4, B6 and B13)."""

import json
import socket
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

import httpx
import pytest

from lab.inngest import InngestExecutor
from lab.inngest.caller import sign
from lab.service import Service
from tests.conftest import StartService, next_database
from tests.inngest_runs.looking import FUNCTION
from tools.processes import free_port, wait_until
from tools.redis_server import RedisServer

KEY, OLD_KEY = "signkey-test-0123456789abcdef0123456789abcdef", "signkey-test-fedcba9876543210fedcba9876543210"
SENT_WITHIN_SECONDS = 5.0
_numbers = count(1)


@pytest.fixture(scope="module")
def cloud() -> Iterator[InngestExecutor]:
    with InngestExecutor(signing_key=KEY) as executor:
        yield executor


@pytest.fixture(scope="module")
def production(
    cloud: InngestExecutor, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    port = free_port()
    env = {
        "INNGEST_DEV": "false",
        "INNGEST_BASE_URL": cloud.base_url,
        "INNGEST_EVENT_KEY": "test-event-key",
        "INNGEST_SIGNING_KEY": KEY,
        "INNGEST_SIGNING_KEY_FALLBACK": OLD_KEY,
        "INNGEST_APP_URL": f"http://127.0.0.1:{port}",
        "SECRET_KEY": "a-secret-key-for-flask-0123456789",
        "AGENT_API_KEYS": "tests:a-key-that-nobody-guesses-0123456789",
        "AGENT_ENGINE": "auto",
    }
    folder = tmp_path_factory.mktemp("service")
    with Service(next_database(redis_server), folder, workers=2, env=env, port=port) as running:
        wait_until(lambda: FUNCTION in cloud.functions, 20, "the registration")
        yield running


def call_body(**changes: Any) -> bytes:
    """A call that our function answers: it is claimed under an id that nobody else has."""
    data = {"runId": f"guard_{next(_numbers)}_{time.time_ns()}", "projectId": "p", "value": "v", "model": "auto"}
    event = {"name": "code-agent/run.requested", "data": data, "id": "e", "ts": 1}
    context = {"attempt": 0, "disable_immediate_execution": False, "run_id": "01RUN", "stack": {"stack": []}}
    body: dict[str, Any] = {"ctx": context, "event": event, "events": [event], "steps": {}, "use_api": False}
    return json.dumps(body | changes, sort_keys=True, separators=(",", ":")).encode()  # canonical


def call(service: Service, body: bytes, signature: str | None = None, method: str = "POST", **query: str) -> Any:
    headers = {"Content-Type": "application/json"} | ({"X-Inngest-Signature": signature} if signature else {})
    query = {"fnId": FUNCTION, "stepId": "step"} | query
    return service.http.request(method, "/api/inngest", params=query, content=body, headers=headers)


def assert_refused(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert set(answer.json()) <= {"error", "details"}
    assert "pydantic" not in answer.text and "Traceback" not in answer.text


@pytest.mark.parametrize("key", [KEY, OLD_KEY], ids=["present", "fallback"])
def test_both_keys_of_a_rotation_are_taken(key: str, production: Service) -> None:
    body = json.dumps(json.loads(call_body()), indent=1).encode()  # a proxy may write JSON anew, but the signature …
    canonical = json.dumps(
        json.loads(body), sort_keys=True, separators=(",", ":")
    ).encode()  # … is of its canonical form
    assert call(production, body, sign(key, canonical)).status_code == 206


@pytest.mark.parametrize("age", [400, -60], ids=["old", "from-the-future"])
def test_a_signature_is_good_for_five_minutes(age: float, production: Service) -> None:
    body = call_body()
    assert_refused(call(production, body, sign(KEY, body, age)), 401)


@pytest.mark.parametrize("age", [200, -5], ids=["delayed", "clock-ahead"])
def test_clocks_may_differ_a_little(age: float, production: Service) -> None:
    body = call_body()
    assert call(production, body, sign(KEY, body, age)).status_code == 206


def test_a_copy_of_a_call_is_refused_by_every_process(production: Service) -> None:
    body = call_body()
    signature = sign(KEY, body)
    assert call(production, body, signature).status_code == 206
    for _ in range(4):
        assert_refused(call(production, body, signature), 409)


@pytest.mark.parametrize(
    "signature",
    ["t=1&s=é", "garbage", "t=&s=", f"t={10**30}&s={'0' * 64}", f"t=now&s={'0' * 64}", f"s={'0' * 64}", "t=1&t=2&s=3"],
)
def test_a_malformed_signature_is_a_refusal(signature: str, production: Service) -> None:
    """Seen: 500 for one that is not ASCII (FINDINGS B6)."""
    with socket.create_connection(("127.0.0.1", production.port), timeout=SENT_WITHIN_SECONDS) as raw:
        head = (
            f"POST /api/inngest?fnId={FUNCTION}&stepId=step HTTP/1.1\r\nHost: x\r\nX-Inngest-Signature: {signature}\r\n"
        )
        raw.sendall(head.encode() + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
        assert b" 401 " in raw.makefile("rb").readline()


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_an_unsigned_body_is_not_waited_for(method: str, production: Service) -> None:
    """Seen: up to 32 MB of each was held before the signature was looked at (FINDINGS B4)."""
    with socket.create_connection(("127.0.0.1", production.port), timeout=SENT_WITHIN_SECONDS) as raw:
        raw.sendall(f"{method} /api/inngest HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n{{".encode())
        assert b" 401 " in raw.makefile("rb").readline()


def test_only_inngest_registers(cloud: InngestExecutor, production: Service) -> None:
    """Seen: an unsigned PUT made an outbound call each time (FINDINGS B4)."""
    cloud.functions.clear()
    assert_refused(call(production, b"", None, "PUT"), 401)
    assert_refused(call(production, b"", "t=1&s=2", "PUT", probe="trust"), 401)
    assert not cloud.functions
    assert call(production, b"", sign(KEY, b""), "PUT").status_code == 200
    assert FUNCTION in cloud.functions


def test_an_unsigned_look_tells_nothing(production: Service) -> None:
    assert_refused(production.http.get("/api/inngest"), 401)


MALFORMED = {
    "unknown-function": (call_body(), {"fnId": "nobody"}, 404),
    "no-json": (b"{", {}, 400),
    "no-object": (b"[]", {}, 400),
    "empty": (b"", {}, 400),
    "not-utf-8": (b'{"ctx": "\xff"}', {}, 400),
    "deep": (b"[" * 100_000, {}, 400),
    "wrong-context": (call_body(ctx={"attempt": "0"}), {}, 400),
    "wrong-events": (call_body(events=[1]), {}, 400),
    "no-events": (call_body(events=None), {}, 400),
    "wrong-steps": (call_body(steps=[]), {}, 400),
    "wrong-event-data": (call_body(event={"name": "code-agent/run.requested", "data": {"runId": 1}}), {}, 400),
    "a-path-for-a-run": (call_body(ctx=json.loads(call_body())["ctx"] | {"run_id": "../../x"}, use_api=True), {}, 400),
    "failure-of-nothing": (call_body(event={"name": "x", "data": {"event": 1}}), {"fnId": f"{FUNCTION}-failure"}, 400),
    "cancelled-nothing": (call_body(event={"name": "x"}), {"fnId": "runwire-code-agent-cancelled"}, 400),
    "wrong-probe": (call_body(), {"probe": "x"}, 400),
}


@pytest.mark.parametrize(("body", "query", "status"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_call_is_a_clear_error_in_development(
    body: bytes, query: dict[str, str], status: int, executor_service: Service
) -> None:
    """Seen: 500 with pydantic's insides (FINDINGS B6)."""
    answer = call(executor_service, body, **query)
    assert answer.status_code == status, answer.text
    assert "pydantic" not in answer.text and "Traceback" not in answer.text


PAGES = {
    "page": {"Origin": "https://evil.example"},
    "form": {"Sec-Fetch-Site": "cross-site"},
    "rebound-name": {"Host": "evil.example"},
}


@pytest.mark.parametrize("headers", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_in_development_a_web_page_cannot_call(method: str, headers: dict[str, str], executor_service: Service) -> None:
    query = {"fnId": FUNCTION, "stepId": "step"}
    answer = executor_service.http.request(
        method, "/api/inngest", params=query, content=call_body() if method == "POST" else b"", headers=headers
    )
    assert_refused(answer, 403)


@pytest.mark.parametrize(("engine", "serve"), [("auto", "false"), ("direct", "true")], ids=["worker", "direct"])
def test_where_inngest_does_not_call_there_is_no_route(engine: str, serve: str, start_service: StartService) -> None:
    service = start_service(AGENT_ENGINE=engine, INNGEST_SERVE=serve)
    for method in ("GET", "POST", "PUT"):
        answer, unknown = (service.http.request(method, path) for path in ("/api/inngest", "/api/nothing"))
        assert (answer.status_code, answer.json()) == (404, unknown.json())


def test_direct_runs_in_production_need_no_inngest(start_service: StartService) -> None:
    service = start_service(
        INNGEST_DEV="",
        AGENT_ENGINE="direct",
        SECRET_KEY="a-secret-key-for-flask-0123456789",
        AGENT_API_KEYS="tests:a-key-that-nobody-guesses-0123456789",
    )
    assert service.http.get("/readyz").status_code == 200
    assert service.http.post("/api/inngest").status_code == 404


@pytest.mark.parametrize(("step", "use_api", "status"), [("a" * 40, False, 409), ("step", True, 503)])
def test_a_call_that_cannot_be_served_now_may_come_again(
    step: str, use_api: bool, status: int, executor_service: Service
) -> None:
    """A step that is not the next one; a state that Inngest does not hand out. The SDK says 500 to both."""
    answer = call(executor_service, call_body(use_api=use_api), stepId=step)
    assert (answer.status_code, answer.headers["X-Inngest-No-Retry"]) == (status, "false")

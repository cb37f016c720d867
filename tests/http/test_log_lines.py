"""One access line a request; a stream's at its end, with its events; and ids by which lines are found again."""

import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import httpx
import pytest

from lab.service import Service, has
from lab.sse import EVENT_STREAM, sse_events
from tests.conftest import next_database
from tests.http.callers import KEYS, PROMPT, WEB, bearer
from tools.processes import wait_until
from tools.redis_server import RedisServer

SECONDS = 10.0


@pytest.fixture(scope="module")
def shared(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": KEYS, "AGENT_OFFLINE_DELAY": "0", "LOG_FORMAT": "json"}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), env=env) as running:
        yield running


def watched(service: Service, project: str) -> AbstractContextManager[httpx.Response]:
    """A run and its stream."""
    body = PROMPT | {"projectId": project}
    return service.http.stream("POST", "/agent/run", json=body, headers=bearer(WEB) | EVENT_STREAM)


def test_each_request_is_one_line_with_its_id_and_without_its_query(shared: Service) -> None:
    headers = bearer(WEB) | {"X-Request-Id": "from-the-router-1"}
    answer = shared.http.get("/agent/models?secret=hidden-query", headers=headers)
    assert answer.headers["x-request-id"] == "from-the-router-1"
    lines = [line for line in shared.log_lines() if line.get("request_id") == "from-the-router-1"]
    assert len(lines) == 1
    assert has(lines, event="http.request", method="GET", path="/agent/models", status=200, caller="web")
    assert "hidden-query" not in shared.log()


@pytest.mark.parametrize("given", ["", "a b", "x" * 101, 'a"b', "a\tb"])
def test_an_id_that_is_none_is_replaced(shared: Service, given: str) -> None:
    answer = shared.http.get("/healthz", headers={"X-Request-Id": given})
    assert answer.status_code == 200
    request_id = answer.headers["x-request-id"]
    assert len(request_id) == 16
    assert has(shared.log_lines(), event="http.request", path="/healthz", request_id=request_id, caller="-")


@pytest.mark.parametrize(
    "host", ["a..b", ".localhost", f"{'a' * 64}.example", "[::1", "\N{LATIN SMALL LETTER E WITH ACUTE}"]
)
def test_a_host_that_can_be_no_name_is_answered_like_others(shared: Service, host: str) -> None:
    """Seen: 500 without an id, two tracebacks and no access line, for whoever asked."""
    answer = shared.http.get("/healthz", headers=[(b"Host", host.encode("latin-1"))])
    assert answer.status_code == 200
    assert has(shared.log_lines(), event="http.request", request_id=answer.headers["x-request-id"])
    assert not has(shared.log_lines(), level="error")


def test_what_is_said_of_garbage_names_nobody_who_asked_before_on_the_connection(shared: Service) -> None:
    """A router's connection carries the requests of many."""
    first = f"GET /agent/models HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {WEB}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", shared.port), timeout=SECONDS) as client:
        client.sendall(first.encode() + b"nothing-of-http\r\n\r\n")
        received = b""
        while data := client.recv(65_536):
            received += data
    assert received.startswith(b"HTTP/1.1 200 ") and b"HTTP/1.1 400 " in received
    line = next(line for line in shared.log_lines() if "nothing-of-http" in line["event"])
    assert "request_id" not in line and "caller" not in line


def test_refused_and_unknown_requests_are_lines_too(shared: Service) -> None:
    for path, status in (("/agent/models", 401), ("/not/there", 404)):
        request_id = shared.http.get(path).headers["x-request-id"]
        assert has(shared.log_lines(), event="http.request", path=path, status=status, request_id=request_id)


def test_a_stream_is_one_line_at_its_end_with_its_events(shared: Service, unique: Callable[[str], str]) -> None:
    with watched(shared, unique("p")) as answer:
        run_id, request_id = answer.headers["x-run-id"], answer.headers["x-request-id"]
        events = list(sse_events(answer))

    def ended() -> bool:
        return has(shared.log_lines(), event="http.request", request_id=request_id, events=len(events), caller="web")

    wait_until(ended, SECONDS, "the stream's line")
    lines = [line for line in shared.log_lines() if line.get("run_id") == run_id]
    assert has(lines, event="run.accepted", request_id=request_id, caller="web")
    assert has(lines, event="step.started", step="model-1", attempt=0, caller="web")
    assert has(lines, event="step.finished", step="finish", caller="web")


def test_a_viewer_that_leaves_is_a_line(shared: Service, unique: Callable[[str], str]) -> None:
    with watched(shared, unique("p")) as response:
        next(sse_events(response))
        request_id = response.headers["x-request-id"]
    wait_until(
        lambda: has(shared.log_lines(), event="http.request", request_id=request_id), SECONDS, "the viewer's line"
    )


def test_gunicorns_own_lines_have_the_same_form(shared: Service) -> None:
    assert has(shared.log_lines(), logger="gunicorn.error", level="info")

"""Any program may listen on the dev server's port; only a dev server that knows our function is given runs."""

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from lab.sse import assert_whole, run_to_end
from orchestrator.engines.inngest.dev_server import DevServer
from tests.conftest import StartService

NONSENSE = {
    "not JSON": b"<html>It works!</html>",
    "a list": b"[]",
    "a string": b'"functions"',
    "another JSON API": b'{"functions": [{"slug": "x"}]}',
    "functions that are none": b'{"version": "1", "functions": [7]}',
    "functions that are a number": b'{"version": "1", "functions": 7}',
}


class Answers(http.server.BaseHTTPRequestHandler):
    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("body", NONSENSE.values(), ids=NONSENSE.keys())
def test_nonsense_is_no_dev_server(body: bytes, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Answers, "body", body)
    assert DevServer(f"http://127.0.0.1:{port}").functions() is None


def test_a_dev_server_names_its_functions(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    functions = [{"slug": "a-b"}, {"slug": "c-d"}]
    monkeypatch.setattr(Answers, "body", json.dumps({"version": "1", "functions": functions}).encode())
    assert DevServer(f"http://127.0.0.1:{port}").functions() == frozenset({"a-b", "c-d"})


def test_another_program_on_that_port_gets_no_run_and_is_named_once(
    port: int, monkeypatch: pytest.MonkeyPatch, start_service: StartService
) -> None:
    """Every POST, /readyz and the registration broke on an answer that was no object."""
    monkeypatch.setattr(Answers, "body", b"[]")
    service = start_service(AGENT_ENGINE="auto", INNGEST_BASE_URL=f"http://127.0.0.1:{port}", AGENT_OFFLINE_DELAY="0")
    for _ in range(2):
        events = run_to_end(service)
        assert_whole(events)
        assert events[-1]["type"] == "complete"
    assert service.http.get("/readyz").json()["engine"] == "direct"
    assert service.log().count("inngest.no_dev_server") <= 2  # once for the runs, once for the registration

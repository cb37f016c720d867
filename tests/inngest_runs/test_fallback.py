"""Without an Inngest that takes the run, the service runs it itself, and says so."""

import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from lab.inngest import InngestExecutor
from lab.sse import assert_whole, events_of, run_to_end, start_run
from tests.conftest import StartService
from tests.inngest_runs.looking import FUNCTION
from tools.processes import free_port, wait_until


class HalfInngest(http.server.BaseHTTPRequestHandler):
    """Answers like a dev server that knows our function, but takes neither functions nor events."""

    def do_GET(self) -> None:
        functions = [{"slug": FUNCTION}] if self.path == "/dev" else []
        self._answer(200, {"version": "0", "functions": functions, "handlers": []})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.path.startswith("/fn/register"):
            self._answer(200, {"error": "this app is not welcome"})  # refusals may come as 200
        else:
            self._answer(400, {"error": "no events today"})

    def _answer(self, status: int, body: object) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def half_inngest() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), HalfInngest)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_nothing_answers_at_inngests_address(start_service: StartService) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    service = start_service(AGENT_ENGINE="auto", INNGEST_BASE_URL=url, AGENT_OFFLINE_DELAY="0")
    events = run_to_end(service)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    assert events[0]["data"] == (
        f"Accepted; the service itself runs the steps, as Inngest at {url} does not answer, or does not know it yet"
    )
    assert service.http.get(f"/agent/run/{events[0]['runId']}").json()["engine"] == "direct"
    ready = service.http.get("/readyz").json()
    assert (ready["status"], ready["redis"], ready["engine"], ready["model"]) == ("ready", "ok", "direct", "offline")


def test_inngest_answers_but_does_not_take_the_event(half_inngest: str, start_service: StartService) -> None:
    service = start_service(AGENT_ENGINE="auto", INNGEST_BASE_URL=half_inngest, AGENT_OFFLINE_DELAY="0")
    events = run_to_end(service)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    moved = f"Inngest at {half_inngest} did not accept the run; the service itself goes on with the run"
    assert moved in [event["data"] for event in events]
    assert service.http.get(f"/agent/run/{events[0]['runId']}").json()["engine"] == "direct"


def test_with_engine_inngest_a_run_that_is_not_taken_fails(half_inngest: str, start_service: StartService) -> None:
    service = start_service(AGENT_ENGINE="inngest", INNGEST_BASE_URL=half_inngest)
    events = run_to_end(service)
    assert_whole(events)
    assert (events[-1]["type"], events[-1]["code"]) == ("error", "failed")

    # The same service cannot register, either, and says why.
    def not_ready() -> bool:
        return service.http.get("/readyz").status_code == 503

    wait_until(not_ready, 15, "/readyz to say that the registration failed")
    ready = service.http.get("/readyz")
    assert "this app is not welcome" in ready.json()["details"]["registration"]
    assert int(ready.headers["retry-after"]) > 0
    assert "inngest.registration_failed" in service.log()
    assert "this app is not welcome" in service.log()


def test_a_run_that_inngest_could_not_be_told_of_is_not_lost(
    executor: InngestExecutor, start_service: StartService
) -> None:
    """The rest of it answers. Each try counted as a move before: after ten of them the run was lost."""
    service = start_service(AGENT_ENGINE="inngest", INNGEST_BASE_URL=executor.base_url, AGENT_STALL_SECONDS="0.5")
    executor.wait_for_function(FUNCTION)
    executor.faults.no_events = True
    run_id = start_run(service)
    wait_until(lambda: executor.faults.events_refused >= 20, 30, "the run to be handed in again and again")
    executor.faults.no_events = False
    events = events_of(service, run_id)
    assert_whole(events)
    assert events[-1]["type"] == "complete"
    said = [event["data"] for event in events if event["type"] == "status"]
    assert not [each for each in said if "does not have the run any more" in each]
    assert len([each for each in said if "does not answer; the run goes on when it does" in each]) == 1
    assert len(executor.runs_for(FUNCTION, runId=run_id)) == 1

"""An error that comes after the view is an answer like other errors, and leaves nothing of the view's behind."""

from collections.abc import Callable, Iterator

import pytest

from lab.service import Service, has
from tests.conftest import next_database
from tests.http.failing_app import FAIL
from tests.http.test_open_streams import SECONDS, Run, viewers, watch
from tools.processes import wait_until
from tools.redis_server import RedisServer


@pytest.fixture(scope="module")
def failing(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "LOG_FORMAT": "json", "SSE_KEEPALIVE": "600"}
    folder, app = tmp_path_factory.mktemp("service"), "tests.http.failing_app:make_app()"
    with Service(next_database(redis_server), folder, env=env, app=app) as running:
        yield running


@pytest.mark.parametrize("what", ["run", "stream", "nothing"])
def test_it_has_an_id_and_headers_and_is_logged_once(failing: Service, unique: Callable[[str], str], what: str) -> None:
    """Flask calls them all again, which fails again: two tracebacks, and no headers. A stream stayed for ever."""
    run = Run(failing.env["REDIS_URL"], unique("run"))
    path = {"run": f"/agent/run/{run.id}", "stream": watch(run), "nothing": "/nowhere"}[what]
    answer = failing.http.get(path, headers={FAIL: "1"})
    assert (answer.status_code, answer.json()) == (500, {"error": "Internal error"})
    assert answer.headers["x-content-type-options"] == "nosniff"
    lines = [line for line in failing.log_lines() if line.get("request_id") == answer.headers["x-request-id"]]
    assert [line["event"] for line in lines] == ["request.crashed", "http.request"]
    assert has(lines, event="http.request", status=500, path=path)
    wait_until(lambda: viewers(failing, run) == 0, SECONDS, "its stream to be closed")
    assert "runwire_viewers 0.0" in failing.http.get("/metrics").text
    run.end()

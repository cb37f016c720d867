"""A POST that is refused starts no run; once there is a run, every answer names it (FINDINGS B12)."""

from collections.abc import Callable

import pytest
import redis

from app import create_app
from lab.model_server import Gate, ModelServer
from lab.sse import post_run
from orchestrator.hub import Follower
from orchestrator.runlog import RunLog
from orchestrator.settings import load_settings
from tests.conftest import StartService
from tests.http.callers import JSON, PROMPT, runs_in


def test_without_a_place_for_its_viewer_no_run_is_started(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    """Seen: each retry after such a 503 was another paid run."""
    gate = Gate()
    service = start_service(workers=1, SSE_MAX_VIEWERS="1", **model_server.environment())
    with post_run(service, value=model_server.script(unique("held"), gate)):
        gate.wait_until_asked()
        refused = service.http.post("/agent/run", json=PROMPT)
        assert (refused.status_code, refused.json()) == (503, {"error": "this process already serves 1 streams"})
        assert refused.headers["retry-after"] and "x-run-id" not in refused.headers
        assert runs_in(service) == 1
        unwatched = service.http.post("/agent/run", json=PROMPT, headers=JSON)
        assert unwatched.status_code == 202 and unwatched.headers["x-run-id"]
        assert runs_in(service) == 2
        gate.finish("Done.")


class _Viewer:
    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("where", "what"), [(RunLog, "create"), (Follower, "open")], ids=["while it is stored", "before it is watched"]
)
def test_a_start_that_breaks_off_says_which_run_it_may_have_been(
    where: type, what: str, redis_url: str, unique: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that got no run id would start, and pay, another one."""
    monkeypatch.setattr(Follower, "attach", lambda *_: _Viewer())
    monkeypatch.setattr(Follower, "confirm", lambda *_: None)
    app = create_app(load_settings(redis_url=redis_url, inngest_dev="1", agent_engine="direct"))

    def breaks_off(*_: object) -> None:
        raise redis.TimeoutError("no reply")

    monkeypatch.setattr(where, what, breaks_off)
    answer = app.test_client().post("/agent/run", json={"projectId": unique("p"), "value": "v"})
    assert answer.status_code == 503
    assert answer.headers["X-Run-Id"].startswith("run_")
    assert answer.headers["X-Stream-Token"]
    assert int(answer.headers["Retry-After"]) > 0

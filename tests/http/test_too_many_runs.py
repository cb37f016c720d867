"""As many unfinished runs as allowed, and not one more."""

from collections.abc import Callable

from tests.conftest import StartService
from tests.http.conftest import contents
from tests.support.model_server import Gate, ModelServer
from tests.support.sse import events_of, start_run


def test_a_run_too_many_is_refused_until_one_has_ended(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    gate = Gate()
    service = start_service(workers=1, AGENT_MAX_ACTIVE_RUNS="1", **model_server.environment())
    first = start_run(service, value=model_server.script(unique("held"), gate))
    gate.wait_until_asked()

    before = contents(service)
    refused = service.http.post("/agent/run", json={"projectId": "p1", "value": "one more"})
    assert refused.status_code == 429
    assert refused.json() == {"error": "1 runs are unfinished; try again later"}
    assert int(refused.headers["retry-after"]) > 0
    assert contents(service).keys() - before.keys() == {
        "agent:project:p1:owner"
    }  # it is theirs, whatever becomes of it

    gate.finish("Done.")
    assert events_of(service, first)[-1]["type"] == "complete"
    assert events_of(service, start_run(service, model="offline"))[-1]["type"] == "complete"

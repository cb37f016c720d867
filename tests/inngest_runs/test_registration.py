"""The service tells Inngest where its functions are: when it starts, and whenever Inngest turns up later."""

import pytest

from lab.inngest import InngestExecutor
from lab.service import Service
from tests.conftest import StartService
from tools.processes import wait_until

FUNCTIONS = ("runwire-code-agent-run", "runwire-code-agent-cancelled", "runwire-code-agent-run-cancelled")


def is_ready(service: Service) -> bool:
    return service.http.get("/readyz").status_code == 200


def test_a_service_registers_when_it_starts_and_when_inngest_comes_back(
    start_service: StartService, executor: InngestExecutor
) -> None:
    service = start_service(workers=2, AGENT_ENGINE="inngest", **executor.environment())
    for function in FUNCTIONS:
        executor.wait_for_function(function)
    wait_until(lambda: is_ready(service), 15, "the service to be ready")
    registered = executor.functions[FUNCTIONS[0]]
    assert registered.url.startswith(f"{service.url}/api/inngest")
    assert registered.triggers == ({"event": "code-agent/run.requested"},)
    assert registered.max_attempts == 4

    with executor.outage():
        executor.functions.clear()  # a dev server forgets everything
        wait_until(lambda: not is_ready(service), 30, "/readyz to say that Inngest is gone")
        assert "no Inngest server answers" in service.http.get("/readyz").json()["details"]["registration"]
        assert service.http.get("/healthz").status_code == 200
    for name in FUNCTIONS:
        executor.wait_for_function(name)
    wait_until(lambda: is_ready(service), 15, "the service to be ready again")


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80"])
def test_a_spoofed_host_is_not_registered(
    executor_service: Service, shared_executor: InngestExecutor, host: str
) -> None:
    """Seen failing without `serve_origin`."""
    executor_service.http.put("/api/inngest", headers={"Host": host})
    ours = [shared_executor.functions[function].url for function in FUNCTIONS]
    assert {url.split("/api/")[0] for url in ours} == {executor_service.url}

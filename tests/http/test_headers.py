"""What every answer says to browsers, and what none says: the server's name."""

from collections.abc import Iterator

import pytest

from lab.service import Service
from lab.sse import post_run, start_run

SECURITY = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
}


@pytest.fixture(scope="module")
def answers(service: Service) -> Iterator[dict[str, dict[str, str]]]:
    run_id = start_run(service, model="offline")
    paths = {"run": f"/agent/run/{run_id}", "poll": f"/agent/run/{run_id}/poll", "models": "/agent/models"}
    paths |= {"health": "/healthz", "ready": "/readyz", "unknown": "/nowhere", "method": "/agent/run"}
    found = {name: dict(service.http.get(path).headers) for name, path in paths.items()}
    found["malformed"] = dict(service.http.get("/healthz", headers={"Host": "a b"}).headers)
    with post_run(service, model="offline") as stream:
        yield found | {"stream": dict(stream.headers)}


@pytest.mark.parametrize(
    "name", ["run", "poll", "models", "health", "ready", "unknown", "method", "malformed", "stream"]
)
def test_every_answer_has_the_security_headers(answers: dict[str, dict[str, str]], name: str) -> None:
    headers = answers[name]
    assert {key: headers.get(key) for key in SECURITY} == SECURITY
    assert headers["cache-control"] == ("no-cache, no-transform" if name == "stream" else "no-store")
    assert "server" not in headers

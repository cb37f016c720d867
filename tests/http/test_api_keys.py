"""With AGENT_API_KEYS nobody gets at a run without one of them."""

from collections.abc import Iterator

import httpx
import pytest

from lab.service import Service
from tests.conftest import next_database
from tests.http.conftest import contents
from tools.redis_server import RedisServer

KEYS = ("first-key-0123456789abcdef", "second-key-0123456789abcdef")
CALLS = [
    pytest.param("POST", "/agent/run", id="start"),
    pytest.param("POST", "/api/agent/run", id="start-alias"),
    pytest.param("GET", "/agent/run/run_1", id="show"),
    pytest.param("GET", "/agent/run/run_1/events", id="events"),
    pytest.param("GET", "/agent/run/run_1/poll", id="poll"),
    pytest.param("POST", "/agent/run/run_1/cancel", id="cancel"),
    pytest.param("GET", "/agent/models", id="models"),
    pytest.param("POST", "/agent/tokens", id="tokens"),
]
GOOD = {"projectId": "p1", "value": "a tip calculator", "model": "offline"}


@pytest.fixture(scope="module")
def guarded(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": f" web:{KEYS[0]} ,ci:{KEYS[1]},"}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), workers=1, env=env) as running:
        yield running


def call(service: Service, method: str, path: str, headers: dict[str, str]) -> httpx.Response:
    return service.http.request(method, path, headers=headers, json=GOOD if method == "POST" else None)


@pytest.mark.parametrize(("method", "path"), CALLS)
@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        pytest.param({}, 401, "An API key is required", id="none"),
        pytest.param({"Authorization": "Bearer"}, 401, "An API key is required", id="empty"),
        pytest.param({"Authorization": f"Basic {KEYS[0]}"}, 401, "An API key is required", id="other-scheme"),
        pytest.param({"Authorization": "Bearer wrong"}, 403, "This API key is not known", id="wrong-bearer"),
        pytest.param({"X-API-Key": "wrong"}, 403, "This API key is not known", id="wrong-header"),
        pytest.param({"X-API-Key": KEYS[0][:-1]}, 403, "This API key is not known", id="prefix"),
        pytest.param({"X-API-Key": KEYS[0] + KEYS[1]}, 403, "This API key is not known", id="both-in-one"),
        pytest.param({"X-API-Key": "k\xe9y"}, 403, "This API key is not known", id="not-ascii"),
    ],
)
def test_a_call_without_a_known_key_is_refused_and_changes_nothing(
    guarded: Service, method: str, path: str, headers: dict[str, str], status: int, error: str
) -> None:
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    before = contents(guarded)
    response = guarded.http.request(method, path, headers=raw, json=GOOD if method == "POST" else None)
    assert (response.status_code, response.json()) == (status, {"error": error})
    assert ("www-authenticate" in response.headers) == (status == 401)
    assert contents(guarded) == before


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Authorization": f"Bearer {KEYS[0]}"}, id="bearer"),
        pytest.param({"Authorization": f"bearer {KEYS[1]}"}, id="second-key-lower-case-scheme"),
        pytest.param({"X-API-Key": KEYS[1]}, id="x-api-key"),
    ],
)
def test_each_key_opens_the_service_by_either_header(guarded: Service, headers: dict[str, str]) -> None:
    assert call(guarded, "GET", "/agent/models", headers).status_code == 200
    body = GOOD | {"projectId": str(headers)}
    with guarded.http.stream("POST", "/agent/run", headers=headers, json=body) as response:
        assert response.status_code == 200


def test_health_needs_no_key(guarded: Service) -> None:
    assert guarded.http.get("/healthz").status_code == 200
    assert guarded.http.get("/readyz").status_code == 200


def test_an_idempotency_key_belongs_to_its_caller(guarded: Service) -> None:
    """Else one caller could attach to another's run by guessing."""
    ids = set()
    for key in KEYS:
        headers = {"X-API-Key": key, "Idempotency-Key": "the-same", "Accept": "application/json"}
        answer = guarded.http.post("/agent/run", headers=headers, json=GOOD | {"projectId": f"of {key}"})
        ids.add(answer.json()["runId"])
    assert len(ids) == 2

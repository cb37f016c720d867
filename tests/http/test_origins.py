"""Web pages: those of listed origins may call; without keys no other page, and no foreign Host, gets anything done."""

from collections.abc import Callable, Iterator

import pytest

from lab.service import Service
from lab.sse import follow, run_to_end
from tests.conftest import next_database
from tests.http.callers import JSON, KEYS, PROMPT, WEB, ask, bearer, runs_in, token
from tools.redis_server import RedisServer

PAGE, OTHER = "https://app.example", "http://[::1]:3000"
FOREIGN = ["https://app.example.evil", "http://app.example", "https://app.example:8443", "https://evil.example", "null"]
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}


@pytest.fixture(scope="module", params=["keys", "no-keys"])
def open_to_pages(
    request: pytest.FixtureRequest, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_CORS_ORIGINS": f"{PAGE},{OTHER}", "AGENT_OFFLINE_DELAY": "0"}
    env |= {"AGENT_API_KEYS": KEYS, "SSE_MAX_VIEWERS": "1"} if request.param == "keys" else {}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), env=env) as running:
        yield running


@pytest.mark.parametrize("origin", [PAGE, OTHER])
@pytest.mark.parametrize("path", ["/agent/run", "/agent/run/run_1/events", "/agent/tokens", "/api/agent/run"])
def test_a_listed_page_may_ask_whether_it_may_call(open_to_pages: Service, origin: str, path: str) -> None:
    answer = open_to_pages.http.options(path, headers={"Origin": origin} | PREFLIGHT)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == origin
    assert answer.headers["access-control-allow-headers"] == "authorization, content-type"
    assert set(answer.headers["access-control-allow-methods"].split(", ")) == {"GET", "POST", "DELETE"}
    assert "origin" in answer.headers["vary"].lower()
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", FOREIGN)
def test_any_other_page_is_told_nothing(open_to_pages: Service, origin: str) -> None:
    for answer in (
        open_to_pages.http.options("/agent/run", headers={"Origin": origin} | PREFLIGHT),
        open_to_pages.http.get("/agent/run/run_1", headers={"Origin": origin} | bearer(WEB)),
    ):
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_streams_and_errors_can_be_read_by_a_listed_page(open_to_pages: Service, unique: Callable[[str], str]) -> None:
    page, key = {"Origin": PAGE}, bearer(WEB)
    body = PROMPT | {"projectId": unique("p")}
    answers = [
        ask(open_to_pages, ("GET", "/agent/run/run_1?token=rwt_x"), page),
        ask(open_to_pages, ("GET", "/agent/run/run_1"), page | key),
        ask(open_to_pages, ("GET", "/nowhere"), page | key),
        open_to_pages.http.post("/agent/run", json={}, headers=page | key),
    ]
    with open_to_pages.http.stream("POST", "/agent/run", json=body, headers=page | key) as stream:
        answers.append(stream)
        if "AGENT_API_KEYS" in open_to_pages.env:
            answers.append(open_to_pages.http.post("/agent/run", json=body, headers=page | key))
            assert answers[-1].headers["retry-after"]
    assert [answer.status_code for answer in answers] == [401, 404, 404, 400, 200, 503][: len(answers)]
    for answer in answers:
        assert answer.headers["access-control-allow-origin"] == PAGE
        exposed = set(answer.headers["access-control-expose-headers"].split(", "))
        assert exposed == {"X-Run-Id", "X-Stream-Token", "Retry-After"}


def test_a_listed_page_starts_runs(open_to_pages: Service, unique: Callable[[str], str]) -> None:
    """A browser says `cross-site` of it, too."""
    page = {"Origin": PAGE, "Sec-Fetch-Site": "cross-site"}
    project = unique("p")
    given = token(open_to_pages, WEB, projectId=project, can=["start"])
    body = PROMPT | {"projectId": project}
    answer = open_to_pages.http.post("/agent/run", json=body, headers=page | JSON | bearer(given))
    assert answer.status_code == 202 and answer.headers["access-control-allow-origin"] == PAGE


FROM_ELSEWHERE = [
    *[pytest.param({"Origin": origin}, id=f"origin-{origin}") for origin in FOREIGN],
    pytest.param({"Origin": "http://localhost:1"}, id="other-port"),
    pytest.param({"Sec-Fetch-Site": "cross-site"}, id="cross-site"),
    pytest.param({"Sec-Fetch-Site": "same-site"}, id="same-site"),
    pytest.param({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, id="contradiction"),
    pytest.param({"Host": "evil.example"}, id="foreign-host"),
    pytest.param({"Host": "evil.example", "Origin": "http://evil.example"}, id="rebinding"),
    pytest.param({"Host": "10.0.0.1:8000"}, id="other-address"),
]
CHANGES = ["/agent/run", "/api/agent/run", "/agent/tokens", "/agent/run/{run}/cancel"]


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize("headers", FROM_ELSEWHERE)
def test_without_keys_a_page_from_elsewhere_changes_nothing(
    service: Service, headers: dict[str, str], path: str
) -> None:
    """Seen: any page could start runs and spend the developer's model key (FINDINGS B9)."""
    before = runs_in(service)
    sent = {"Content-Type": "text/plain"} | headers
    answer = service.http.post(path.format(run="run_1"), content='{"projectId": "p", "value": "v"}', headers=sent)
    assert answer.status_code == 403
    assert answer.json()["error"].startswith(("A page of another origin", "Without API keys only localhost"))
    assert runs_in(service) == before


def test_without_keys_a_foreign_host_reads_nothing_either(service: Service) -> None:
    run_id = run_to_end(service, model="offline")[0]["runId"]
    for path in (f"/agent/run/{run_id}", f"/agent/run/{run_id}/events", "/agent/models", "/readyz", "/healthz"):
        assert ask(service, ("GET", path), {"Host": "evil.example"}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="curl"),
        pytest.param({"Host": "localhost:8000"}, id="by-name"),
        pytest.param({"Host": "127.0.0.5"}, id="by-another-loopback"),
        pytest.param({"Host": "[::1]:8000"}, id="ipv6"),
        pytest.param({"Host": "localhost:8000", "Origin": "http://localhost:8000"}, id="own-page"),
        pytest.param({"Sec-Fetch-Site": "same-origin"}, id="own-page-without-origin"),
        pytest.param({"Sec-Fetch-Site": "none"}, id="typed"),
    ],
)
def test_without_keys_this_machine_calls_without_ceremony(service: Service, headers: dict[str, str]) -> None:
    answer = service.http.post("/agent/run", json=PROMPT, headers=JSON | headers)
    assert answer.status_code == 202


def test_without_origins_there_are_no_cors_headers(service: Service) -> None:
    with follow(service, run_to_end(service, model="offline")[0]["runId"]) as stream:
        assert not [name for name in stream.headers if name.startswith("access-control")]
    answer = service.http.options("/agent/run", headers={"Origin": PAGE} | PREFLIGHT)
    assert not [name for name in answer.headers if name.startswith("access-control")]

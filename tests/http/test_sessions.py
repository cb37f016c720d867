"""The console's session: a key once, then a cookie that scripts cannot read and other pages cannot use."""

from collections.abc import Iterator

import httpx
import pytest

from lab.service import Service
from tests.conftest import next_database
from tests.http.callers import CI, JSON, KEYS, PROMPT, WEB, bearer, start
from tools.redis_server import RedisServer

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def shared(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": KEYS, "AGENT_OFFLINE_DELAY": "0", "LOG_FORMAT": "json"}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), workers=2, env=env) as running:
        yield running


@pytest.fixture
def browser(shared: Service) -> Iterator[httpx.Client]:
    """Keeps cookies, as the console's browser does."""
    with httpx.Client(base_url=shared.url, headers=OWN, trust_env=False, timeout=30) as client:
        yield client


def log_in(browser: httpx.Client, key: str) -> httpx.Response:
    return browser.post("/console/session", json={"key": key})


def test_a_session_does_what_its_key_may_and_ends_with_logging_out(browser: httpx.Client, shared: Service) -> None:
    assert browser.get("/console/session").status_code == 401
    answer = log_in(browser, WEB)
    assert answer.json() == {"caller": "web", "canLogOut": True}
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and WEB not in cookie
    assert browser.get("/console/session").json()["caller"] == "web"
    run_id = browser.post("/agent/run", json=PROMPT, headers=JSON).json()["runId"]
    assert browser.get(f"/agent/run/{run_id}").status_code == 200
    others = start(shared, CI, projectId="of-ci")
    assert browser.get(f"/agent/run/{others}").status_code == 404
    assert browser.delete("/console/session").status_code == 204
    assert browser.get(f"/agent/run/{run_id}").status_code == 401


def test_a_wrong_key_opens_no_session_and_is_nowhere_in_the_log(browser: httpx.Client, shared: Service) -> None:
    answer = log_in(browser, "a-guess-of-somebody-0123456789")
    assert answer.status_code == 403 and "set-cookie" not in answer.headers
    assert "a-guess-of-somebody" not in shared.log() and WEB not in shared.log()


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://[no-address"},
        {"Origin": "//[x]"},
        {},
    ],
)
def test_another_page_cannot_use_the_session(browser: httpx.Client, headers: dict[str, str]) -> None:
    log_in(browser, WEB)
    cookies = dict(browser.cookies)
    with httpx.Client(base_url=browser.base_url, cookies=cookies, trust_env=False, timeout=30) as other:
        assert other.post("/agent/run", json=PROMPT, headers=JSON | headers).status_code == 403
        assert other.post("/console/session", json={"key": WEB}, headers=headers).status_code == 403
        assert other.delete("/console/session", headers=headers).status_code == 403
        assert "access-control-allow-origin" not in other.get("/agent/models", headers=headers).headers


def test_a_session_can_be_neither_made_up_nor_turned_into_a_token(browser: httpx.Client, shared: Service) -> None:
    log_in(browser, WEB)
    session = browser.cookies["runwire_session"]
    with httpx.Client(base_url=shared.url, headers=OWN, trust_env=False, timeout=30) as other:
        for forged in (session[:-2] + "AA", "x", session.swapcase(), "." * 3):
            other.cookies.set("runwire_session", forged)
            assert other.get("/agent/models").status_code == 401
    for given in (bearer(session), bearer("rwt_" + session)):
        assert shared.http.get("/agent/models", headers=given).status_code in (401, 403)
    grant = {"projectId": "a-page", "can": ["read"]}
    token = shared.http.post("/agent/tokens", json=grant, headers=bearer(WEB)).json()["token"]
    with httpx.Client(base_url=shared.url, headers=OWN, trust_env=False, timeout=30) as other:
        other.cookies.set("runwire_session", token.removeprefix("rwt_"))
        assert other.get("/console/session").status_code == 401


def test_the_page_has_a_policy_and_only_its_own_files(shared: Service) -> None:
    for path in ("/", "/console/main.js", "/console/style.css"):
        answer = shared.http.get(path)
        assert answer.status_code == 200
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy and "frame-ancestors 'none'" in policy
        assert shared.http.get(path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304
    for path in ("/console/", "/console/../console.py", "/console/%2e%2e/console.py", "/console/none.js"):
        assert shared.http.get(path).status_code == 404


def test_without_keys_nobody_has_to_log_in(service: Service) -> None:
    assert service.http.get("/console/session").json() == {"caller": "local", "canLogOut": False}

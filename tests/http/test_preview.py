"""The pages that a run has built are served from its stored files, by a token in their path."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import flask
import httpx
import pytest

from lab.llm import says
from lab.model_server import ModelServer
from lab.service import Service
from orchestrator.web.preview import _sent_on
from tests.conftest import next_database
from tests.http.callers import CI, KEYS, WEB, bearer, token
from tools.processes import wait_until
from tools.redis_server import RedisServer

PAGE = "<!doctype html><title>A page</title><link rel=stylesheet href=style.css><p>Grüße</p>\n"
FILES = {
    "out/index.html": PAGE,
    "out/style.css": "p { color: green }\n",
    "out/docs/index.html": "<title>Docs</title>",
    "out/app.mjs": "export const x = 1;\n",
    "out/.env": "SECRET=1\n",
    "next.config.mjs": "export default {};\n",
}
ORIGIN = "https://previews.example"
HTML = {"Accept": "text/html,*/*"}


@dataclass(frozen=True)
class Previewed:
    """A service whose caller `web` has run a model that made FILES."""

    service: Service
    run_id: str
    project_id: str
    url: str

    def get(self, path: str = "", **headers: str) -> httpx.Response:
        """A file, by the address that the run gave."""
        return self.ask(f"{self.path}{path}", **headers)

    def ask(self, path: str, **headers: str) -> httpx.Response:
        return self.service.http.get(path, headers=headers)

    @property
    def path(self) -> str:
        return self.url.removeprefix(ORIGIN)


@pytest.fixture(scope="module")
def guarded(
    model_server: ModelServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": KEYS, "AGENT_PREVIEW_ORIGIN": ORIGIN}
    env |= model_server.environment()
    folder = tmp_path_factory.mktemp("service")
    with Service(next_database(redis_server), folder, workers=1, env=env) as running:
        yield running


@pytest.fixture(scope="module")
def previewed(guarded: Service, model_server: ModelServer) -> Previewed:
    links = "ln -s ../next.config.mjs out/linked.mjs; printf '\\0asm' > out/app.wasm"
    run_id, url = run(guarded, model_server, "preview/pages", FILES, links)
    assert url is not None
    return Previewed(guarded, run_id, "preview/pages", url)


def run(
    service: Service, models: ModelServer, name: str, files: dict[str, str], command: str = "true"
) -> tuple[str, str | None]:
    """Run a model that writes ``files`` in a project of that name; the run's id and the result's url."""
    listed = [{"path": path, "content": content} for path, content in files.items()]
    writes = ("createOrUpdateFiles", json.dumps({"files": listed}))
    models.script(name, says("a", calls=(writes, ("terminal", json.dumps({"command": command})))), says("Done."))
    body = {"projectId": name, "value": name}
    answer = service.http.post("/agent/run", json=body, headers=bearer(WEB) | {"Accept": "application/json"})
    show = f"/agent/run/{answer.json()['runId']}"

    def result() -> dict[str, str | None] | None:
        shown = service.http.get(show, headers=bearer(WEB)).json()
        assert shown["error"] is None, shown["error"]
        return dict(shown["result"]) if shown["result"] else None

    ended = wait_until(result, 30, "the run to end")
    assert ended is not None
    return answer.json()["runId"], ended["url"]


def test_the_result_names_an_address_that_opens_without_a_key(previewed: Previewed) -> None:
    assert re.fullmatch(rf"{ORIGIN}/agent/run/{previewed.run_id}/preview/rwp_[A-Za-z0-9_.-]+/", previewed.url)
    answer = previewed.get()
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_strangers_pages_get_an_origin_of_their_own_and_no_cookies(previewed: Previewed) -> None:
    headers = previewed.get(Origin="null").headers
    policy = headers["content-security-policy"]
    assert policy.startswith("sandbox allow-scripts") and "same-origin" not in policy and "top-nav" not in policy
    assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "private, no-cache" and "set-cookie" not in headers
    # What such a page loads comes as from elsewhere; the token in the path is what allows it.
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert headers["access-control-allow-origin"] == "null" and headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in previewed.get(Origin="https://evil.example").headers


def test_files_have_their_types(previewed: Previewed) -> None:
    kinds = {name: previewed.get(name).headers["content-type"] for name in ("style.css", "app.mjs", "app.wasm")}
    assert kinds == {
        "style.css": "text/css; charset=utf-8",
        "app.mjs": "text/javascript; charset=utf-8",
        "app.wasm": "application/wasm",
    }
    assert previewed.get("app.wasm").content == b"\0asm"


def test_an_etag_is_the_contents_own_and_saves_sending_it_again(previewed: Previewed) -> None:
    etag = previewed.get("style.css").headers["etag"]
    assert etag == f'"{hashlib.sha256(FILES["out/style.css"].encode()).hexdigest()}"'
    again = previewed.get("style.css", **{"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    assert "sandbox" in again.headers["content-security-policy"]
    assert previewed.get("style.css", **{"If-None-Match": '"another"'}).status_code == 200


@pytest.mark.parametrize(
    ("given", "status", "content"),
    [
        ({"Range": "bytes=0-3"}, 206, PAGE.encode()[:4]),
        ({"Range": "bytes=-5"}, 206, PAGE.encode()[-5:]),
        ({"Range": "bytes=10-"}, 206, PAGE.encode()[10:]),
        ({"Range": "bytes=0-3", "If-Range": '"another"'}, 200, PAGE.encode()),
        ({"Range": "bytes=-5000"}, 200, PAGE.encode()),
        ({"Range": "bytes=0-1,4-5"}, 200, PAGE.encode()),
        ({"Range": "lines=1-2"}, 200, PAGE.encode()),
        ({"Range": "nonsense"}, 200, PAGE.encode()),
    ],
    ids=["first", "last", "from", "changed-meanwhile", "more-than-all", "several", "other-unit", "nonsense"],
)
def test_one_range_of_bytes_can_be_had(
    previewed: Previewed, given: dict[str, str], status: int, content: bytes
) -> None:
    answer = previewed.get(**given)
    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers["accept-ranges"] == "bytes"
    if status == 206:
        assert re.fullmatch(rf"bytes \d+-\d+/{len(PAGE.encode())}", answer.headers["content-range"])


def test_a_range_behind_the_end_is_refused_with_the_size(previewed: Previewed) -> None:
    answer = previewed.get(Range="bytes=5000-")
    assert (answer.status_code, answer.headers["content-range"]) == (416, f"bytes */{len(PAGE.encode())}")
    assert "error" in answer.json()


def test_head_says_the_same_without_the_content(previewed: Previewed) -> None:
    answer = previewed.service.http.head(previewed.path, headers={"Range": "bytes=0-3"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(len(PAGE.encode()))


def test_folders_and_unknown_paths_are_answered_as_pages_expect_it(previewed: Previewed) -> None:
    moved = previewed.get("docs")
    assert (moved.status_code, moved.headers["location"]) == (302, f"{previewed.path}docs/")
    for base in (previewed.path, f"/agent/projects/{previewed.project_id}/preview/"):
        bare = previewed.ask(base.rstrip("/"), **(bearer(WEB) if "projects" in base else {}))
        assert (bare.status_code, bare.headers["location"]) == (302, base)
    assert previewed.get("docs/").text == "<title>Docs</title>"
    assert previewed.get("users/5", **HTML).text == PAGE
    for missing in (previewed.get("users/5"), previewed.get("missing.js", **HTML), previewed.get("linked.mjs")):
        assert (missing.status_code, missing.json()["error"]) == (404, "There is no such page")


@pytest.mark.parametrize(
    "path",
    ["%2e%2e/next.config.mjs", "..%2fnext.config.mjs", "..%5cnext.config.mjs", "docs/%2e%2e/%2e%2e/x", "%00", "//x"],
)
def test_no_path_leads_out_of_the_pages(previewed: Previewed, path: str) -> None:
    answer = raw_get(previewed, path)
    assert answer.status_code == 400, answer.text
    assert answer.json() == {"error": "The path leads out of the pages"}
    assert previewed.get(".env", **HTML).status_code == 404


def raw_get(previewed: Previewed, path: str) -> httpx.Response:
    """Without the client's own idea of what a path should look like."""
    url = httpx.URL(previewed.service.url).copy_with(raw_path=f"{previewed.path}{path}".encode())
    return previewed.service.http.send(httpx.Request("GET", url, headers=HTML))


def test_a_run_without_pages_says_so(guarded: Service, model_server: ModelServer) -> None:
    run_id, url = run(guarded, model_server, "preview-none", {"tip.py": "print(1)\n"})
    assert url is None
    answer = guarded.http.get(f"/agent/run/{run_id}/preview/", headers=bearer(WEB))
    assert (answer.status_code, answer.json()) == (404, {"error": "This run has no pages", "details": {"files": 1}})
    unknown = guarded.http.get("/agent/run/run_unknown/preview/", headers=bearer(WEB))
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Unknown or expired run"})


def test_a_key_opens_pages_too_and_a_browser_that_brings_none_along_is_sent_to_a_token(previewed: Previewed) -> None:
    for of in (f"run/{previewed.run_id}", f"projects/{previewed.project_id}"):
        base = f"/agent/{of}/preview/"
        answer = previewed.ask(base, **bearer(WEB))
        assert (answer.status_code, answer.text) == (200, PAGE)
        assert "sandbox" in answer.headers["content-security-policy"]
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        sent = previewed.ask(f"{base}docs/", **bearer(WEB), **{"Sec-Fetch-Mode": "navigate"})
        assert sent.status_code == 302 and re.fullmatch(rf"{base}rwp_[^/]+/docs/", sent.headers["location"])
        assert previewed.ask(sent.headers["location"]).text == "<title>Docs</title>"


def test_the_address_that_a_browser_is_sent_to_keeps_the_query_and_ends_with_the_token_it_came_with(
    previewed: Previewed, guarded: Service
) -> None:
    brought = token(guarded, WEB, runId=previewed.run_id, can=["preview"], expiresIn=60)
    asked = f"/agent/run/{previewed.run_id}/preview/docs?a=b&token={brought}&c=%23"
    sent = previewed.ask(asked, **{"Sec-Fetch-Mode": "navigate"}).headers["location"]
    path, _, query = sent.partition("?")
    assert query == "a=b&c=%23"
    assert ends(path.split("/")[5]) == ends(brought)
    assert previewed.ask(sent).headers["location"] == f"{path}/?{query}"


def ends(token: str) -> int:
    """When a token ends, in seconds since the epoch."""
    said = token.removeprefix("rwp_").partition(".")[0]
    return int(json.loads(base64.urlsafe_b64decode(said + "=" * (-len(said) % 4)))[3])


def test_a_redirect_names_the_project_as_an_address_does() -> None:
    with flask.Flask(__name__).test_request_context():
        sent = flask.current_app.make_response(_sent_on("/agent/projects/a?b#%/preview/"))
    assert sent.headers["location"] == "/agent/projects/a%3Fb%23%25/preview/"


def test_nobody_else_opens_them(previewed: Previewed, guarded: Service, model_server: ModelServer) -> None:
    run_path, project_path = f"/agent/run/{previewed.run_id}", f"/agent/projects/{previewed.project_id}"
    for base in (f"{run_path}/preview/", f"{project_path}/preview/"):
        assert previewed.ask(base).status_code == 401
        assert previewed.ask(base, **bearer(CI)).status_code == 404
        refused = previewed.ask(f"{base}rwp_made.up/")
        assert refused.status_code == 401 and "sandbox" in refused.headers["content-security-policy"]
    other_run, other_url = run(guarded, model_server, "preview-other", {"index.html": PAGE})
    assert other_url is not None
    other_token = other_url.rstrip("/").rpartition("/")[2]
    assert previewed.ask(f"{run_path}/preview/{other_token}/").status_code == 404
    assert previewed.ask(f"{project_path}/preview/{other_token}/").status_code == 404
    reads = token(guarded, WEB, runId=previewed.run_id, can=["read"])
    assert previewed.ask(f"{run_path}/preview/", **bearer(reads)).status_code == 403
    assert other_run != previewed.run_id


def test_the_token_in_a_pages_address_opens_nothing_but_pages(previewed: Previewed) -> None:
    given = previewed.path.rstrip("/").rpartition("/")[2]
    run_path = f"/agent/run/{previewed.run_id}"
    for path in (run_path, f"{run_path}/events", f"{run_path}/poll"):
        assert previewed.ask(path, **bearer(given)).status_code == 403
        assert previewed.ask(f"{path}?token={given}").status_code == 403
    assert previewed.service.http.post(f"{run_path}/cancel", headers=bearer(given)).status_code == 403
    body = {"projectId": previewed.project_id, "value": "x"}
    assert previewed.service.http.post("/agent/run", json=body, headers=bearer(given)).status_code in (403, 404)


def test_a_token_is_made_for_a_project_and_ends(previewed: Previewed, guarded: Service) -> None:
    base = f"/agent/projects/{previewed.project_id}/preview"
    given = token(guarded, WEB, projectId=previewed.project_id, can=["preview"], expiresIn=1)
    assert given.startswith("rwp_")
    refused = wait_until(lambda: _unless(previewed.ask(f"{base}/{given}/"), 200), 5, "the token to expire")
    assert refused is not None
    assert (refused.status_code, refused.json()["error"]) == (401, "This token has expired: ask for a new one")
    body = {"projectId": "p", "can": ["preview", "read"]}
    assert guarded.http.post("/agent/tokens", json=body, headers=bearer(WEB)).status_code == 400


def _unless(answer: httpx.Response, status: int) -> httpx.Response | None:
    return None if answer.status_code == status else answer


def test_the_projects_preview_is_of_its_latest_run(
    guarded: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    project = unique("preview")
    base = f"/agent/projects/{project}/preview/"
    assert guarded.http.get(base, headers=bearer(WEB)).status_code == 404
    for text in ("one", "two"):
        listed = [{"path": "index.html", "content": f"<title>{text}</title>"}]
        call = ("createOrUpdateFiles", json.dumps({"files": listed}))
        prompt = model_server.script(unique(text), says("a", calls=(call,)), says("Done."))
        body = {"projectId": project, "value": prompt}
        guarded.http.post("/agent/run", json=body, headers=bearer(WEB))
        shown = guarded.http.get(base, headers=bearer(WEB))
        assert shown.text == f"<title>{text}</title>"


def test_no_log_line_shows_the_token_of_an_address(previewed: Previewed) -> None:
    previewed.get("style.css")
    assert "/preview/" in previewed.service.log()
    assert not re.search("rwp_[A-Za-z0-9]", previewed.service.log())

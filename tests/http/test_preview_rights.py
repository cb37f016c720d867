"""A run's pages open with the token in their path or with the caller's key, and that token opens nothing else."""

import base64
import json
import re

import flask
import httpx

from lab.model_server import ModelServer
from lab.service import Service
from orchestrator.web.preview import _sent_on
from tests.http.callers import CI, WEB, bearer, token
from tests.http.previews import ORIGIN, PAGE, Previewed, run
from tools.processes import wait_until


def test_the_result_names_an_address_that_opens_without_a_key(previewed: Previewed) -> None:
    assert re.fullmatch(rf"{ORIGIN}/agent/run/{previewed.run_id}/preview/rwp_[A-Za-z0-9_.-]+/", previewed.url)
    answer = previewed.get()
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


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
    previewed: Previewed, preview_service: Service
) -> None:
    brought = token(preview_service, WEB, runId=previewed.run_id, can=["preview"], expiresIn=60)
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


def test_nobody_else_opens_them(previewed: Previewed, preview_service: Service, model_server: ModelServer) -> None:
    run_path, project_path = f"/agent/run/{previewed.run_id}", f"/agent/projects/{previewed.project_id}"
    for base in (f"{run_path}/preview/", f"{project_path}/preview/"):
        assert previewed.ask(base).status_code == 401
        assert previewed.ask(base, **bearer(CI)).status_code == 404
        refused = previewed.ask(f"{base}rwp_made.up/")
        assert refused.status_code == 401 and "sandbox" in refused.headers["content-security-policy"]
    other_run, other_url = run(preview_service, model_server, "preview-other", {"index.html": PAGE})
    assert other_url is not None
    other_token = other_url.rstrip("/").rpartition("/")[2]
    assert previewed.ask(f"{run_path}/preview/{other_token}/").status_code == 404
    assert previewed.ask(f"{project_path}/preview/{other_token}/").status_code == 404
    reads = token(preview_service, WEB, runId=previewed.run_id, can=["read"])
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


def test_a_token_is_made_for_a_project_and_ends(previewed: Previewed, preview_service: Service) -> None:
    base = f"/agent/projects/{previewed.project_id}/preview"
    given = token(preview_service, WEB, projectId=previewed.project_id, can=["preview"], expiresIn=1)
    assert given.startswith("rwp_")
    refused = wait_until(lambda: _unless(previewed.ask(f"{base}/{given}/"), 200), 5, "the token to expire")
    assert refused is not None
    assert (refused.status_code, refused.json()["error"]) == (401, "This token has expired: ask for a new one")
    body = {"projectId": "p", "can": ["preview", "read"]}
    assert preview_service.http.post("/agent/tokens", json=body, headers=bearer(WEB)).status_code == 400


def _unless(answer: httpx.Response, status: int) -> httpx.Response | None:
    return None if answer.status_code == status else answer


def test_no_log_line_shows_the_token_of_an_address(previewed: Previewed) -> None:
    previewed.get("style.css")
    assert "/preview/" in previewed.service.log()
    assert not re.search("rwp_[A-Za-z0-9]", previewed.service.log())

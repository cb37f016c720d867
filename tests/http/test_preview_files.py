"""The pages that a run has built are served from its stored files, with what browsers need to know of them."""

import hashlib
import json
import re
from collections.abc import Callable

import httpx
import pytest

from lab.llm import says
from lab.model_server import ModelServer
from lab.service import Service
from tests.http.callers import WEB, bearer
from tests.http.previews import FILES, PAGE, Previewed, run

HTML = {"Accept": "text/html,*/*"}


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


def test_a_run_without_pages_says_so(preview_service: Service, model_server: ModelServer) -> None:
    run_id, url = run(preview_service, model_server, "preview-none", {"tip.py": "print(1)\n"})
    assert url is None
    answer = preview_service.http.get(f"/agent/run/{run_id}/preview/", headers=bearer(WEB))
    assert (answer.status_code, answer.json()) == (404, {"error": "This run has no pages", "details": {"files": 1}})
    unknown = preview_service.http.get("/agent/run/run_unknown/preview/", headers=bearer(WEB))
    assert (unknown.status_code, unknown.json()) == (404, {"error": "Unknown or expired run"})


def test_the_projects_preview_is_of_its_latest_run(
    preview_service: Service, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    project = unique("preview")
    base = f"/agent/projects/{project}/preview/"
    assert preview_service.http.get(base, headers=bearer(WEB)).status_code == 404
    for text in ("one", "two"):
        listed = [{"path": "index.html", "content": f"<title>{text}</title>"}]
        call = ("createOrUpdateFiles", json.dumps({"files": listed}))
        prompt = model_server.script(unique(text), says("a", calls=(call,)), says("Done."))
        body = {"projectId": project, "value": prompt}
        preview_service.http.post("/agent/run", json=body, headers=bearer(WEB))
        shown = preview_service.http.get(base, headers=bearer(WEB))
        assert shown.text == f"<title>{text}</title>"

"""`/agent/projects`: what a caller has built can be listed, read, downloaded, compared and deleted, by nobody else."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
import pytest
import redis

from lab.llm import Answer, says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import EVENT_STREAM, Event, sse_events
from tests.conftest import next_database
from tests.http.callers import CI, JSON, KEYS, WEB, bearer, token
from tests.reliability.scripts import DONE, runs, writes
from tools.redis_server import RedisServer

UNKNOWN = (404, {"error": "Unknown project"})
MADE = "printf 'a\\0b' > logo.bin; echo 'echo hi' > run.sh; chmod +x run.sh; ln -s src/a.txt link; mkdir empty"
LINK_MODE, EXECUTABLE_MODE = 0o120777, 0o100755


@dataclass
class Workshop:
    """A service with two callers, whose runs do as they are told."""

    service: Service
    models: ModelServer
    unique: Callable[[str], str]

    def run(self, project: str, *answers: Answer, prompt: str | None = None) -> list[Event]:
        value = self.models.script(prompt or self.unique("prompt"), *answers, DONE)
        body = {"projectId": project, "value": value}
        with self.service.http.stream(
            "POST", "/agent/run", json=body, headers=bearer(WEB) | EVENT_STREAM, timeout=60
        ) as response:
            return list(sse_events(response))

    def get(self, path: str, key: str = WEB, **headers: str) -> httpx.Response:
        return self.service.http.get(path, headers=bearer(key) | headers)


@pytest.fixture(scope="module")
def project_service(
    redis_server: RedisServer, model_server: ModelServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": KEYS} | model_server.environment()
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), workers=2, env=env) as running:
        yield running


@pytest.fixture(scope="module")
def shop(project_service: Service, model_server: ModelServer) -> Workshop:
    return Workshop(project_service, model_server, lambda prefix: f"{prefix}_{uuid4().hex[:12]}")


@pytest.fixture(scope="module")
def project(shop: Workshop) -> str:
    """For tests that only look at it."""
    return make_project(shop)


def make_project(shop: Workshop) -> str:
    """Two text files, a binary one, a link, an executable and an empty folder."""
    name = shop.unique("project")
    contents = {"src/a.txt": "one\ntwo\n", "index.html": "<script>alert(1)</script>"}
    files = [{"path": path, "content": content} for path, content in contents.items()]
    both = says("I write these.", calls=(("createOrUpdateFiles", json.dumps({"files": files})),))
    shop.run(name, both, runs(MADE))
    return name


def test_a_project_shows_its_files_runs_and_history(shop: Workshop, project: str) -> None:
    shown = shop.get(f"/agent/projects/{project}").json()
    kinds = {file["path"]: (file["kind"], file["size"]) for file in shown["files"]}
    assert kinds == {
        "index.html": ("file", 25),
        "link": ("link", 9),
        "logo.bin": ("file", 3),
        "run.sh": ("executable", 8),
        "src/a.txt": ("file", 8),
    }
    assert shown["bytes"] == 53 and shown["storedBytes"] > 0
    [run] = shown["runs"]
    assert run["status"] == "complete" and run["runId"] == shown["latestRunId"]
    assert [(done["outcome"], done["summary"]) for done in shown["history"]] == [("done", "Done.")]
    listed = shop.get("/agent/projects").json()["projects"]
    assert listed[0] == {name: shown[name] for name in listed[0]}
    assert project not in {each["projectId"] for each in shop.get("/agent/projects", CI).json()["projects"]}


def test_projects_come_page_by_page_the_latest_used_first(shop: Workshop) -> None:
    names = [shop.unique("page") for _ in range(3)]
    for name in [*names, names[0]]:
        shop.run(name)
    pages, before = [], ""
    for _ in range(3):
        page = shop.get(f"/agent/projects?limit=1{before}").json()
        pages.append(page["projects"][0]["projectId"])
        before = f"&before={page['next']}"
    assert pages == [names[0], names[2], names[1]]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=yesterday"])
def test_a_page_that_cannot_be_is_refused(shop: Workshop, query: str) -> None:
    assert shop.get(f"/agent/projects?{query}").status_code == 400


def test_a_file_is_never_a_page_of_ours(shop: Workshop, project: str) -> None:
    page = shop.get(f"/agent/projects/{project}/files/index.html")
    assert page.text == "<script>alert(1)</script>"
    assert page.headers["content-type"] == "text/plain; charset=utf-8"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in page.headers["content-security-policy"]
    binary = shop.get(f"/agent/projects/{project}/files/logo.bin")
    assert (binary.content, binary.headers["content-type"]) == (b"a\0b", "application/octet-stream")
    assert binary.headers["content-disposition"].startswith("attachment")
    assert shop.get(f"/agent/projects/{project}/files/link").text == "one\ntwo\n"
    again = shop.get(f"/agent/projects/{project}/files/index.html", **{"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("missing.txt", 404, id="missing"),
        pytest.param("src", 404, id="a folder"),
        pytest.param("empty", 404, id="an empty folder"),
        pytest.param("%2e%2e/x", 400, id="above"),
        pytest.param("src/%2e%2e/%2e%2e/x", 400, id="above in the middle"),
        pytest.param("%2Fetc/passwd", 404, id="absolute"),
        pytest.param("a%00b", 400, id="a zero byte"),
        pytest.param("a%0Ab", 404, id="a line break"),
        pytest.param("%2F", 404, id="what lies beside the files"),
    ],
)
def test_a_path_that_is_no_file_of_the_project_is_refused(shop: Workshop, project: str, path: str, status: int) -> None:
    answer = shop.get(f"/agent/projects/{project}/files/{path}")
    assert answer.status_code == status and answer.json()["error"]


def test_files_may_lie_in_folders_that_are_called_as_parts_of_addresses_are(shop: Workshop) -> None:
    """`files/preview/a.html` was taken for the preview of a project `…/files`."""
    project = shop.unique("project")
    paths = ["preview/a.html", "files/b.txt", "files/preview/c.txt", "d/preview/e.txt", "x.zip", "preview/files/f.zip"]
    shop.run(project, *(writes(path, path) for path in paths))
    run_id = shop.get(f"/agent/projects/{project}").json()["latestRunId"]
    for base in (f"/agent/projects/{project}/files", f"/agent/run/{run_id}/files"):
        assert [shop.get(f"{base}/{path}").text for path in paths] == paths
    assert shop.get(f"/agent/projects/{project}/preview/a.html").text == "preview/a.html"


def test_a_zip_holds_all_files_with_modes_and_links_and_is_the_same_each_time(shop: Workshop, project: str) -> None:
    first, second = (shop.get(f"/agent/projects/{project}.zip") for _ in range(2))
    assert first.content == second.content
    assert first.headers["content-disposition"] == f'attachment; filename="{project}.zip"'
    with zipfile.ZipFile(io.BytesIO(first.content)) as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == {
            "empty/": b"",
            "index.html": b"<script>alert(1)</script>",
            "link": b"src/a.txt",
            "logo.bin": b"a\0b",
            "run.sh": b"echo hi\n",
            "src/a.txt": b"one\ntwo\n",
        }
        modes = {info.filename: info.external_attr >> 16 for info in archive.infolist()}
    assert (modes["link"], modes["run.sh"]) == (LINK_MODE, EXECUTABLE_MODE)


def test_a_project_id_may_hold_slashes_and_quotes(shop: Workshop) -> None:
    name = shop.unique('team/"app" é')
    shop.run(name, writes("a.txt", "a"))
    [listed] = [each for each in shop.get("/agent/projects").json()["projects"] if each["projectId"] == name]
    assert shop.get(listed["urls"]["project"]).json()["files"][0]["path"] == "a.txt"
    assert shop.get(listed["urls"]["files"] + "a.txt").text == "a"
    named = re.search('filename="(.*)"', shop.get(listed["urls"]["zip"]).headers["content-disposition"])
    assert named and re.fullmatch(r"team-app-[0-9a-z_-]+\.zip", named[1])


def test_a_run_is_compared_with_the_project_before_it(shop: Workshop) -> None:
    project = make_project(shop)
    change = "printf 'one\\n2\\n' > src/a.txt; rm index.html; printf 'x\\0' > logo.bin"
    change += "; echo new > new.txt; chmod -x run.sh"
    run_id = shop.run(project, runs(change))[-1]["runId"]
    shop.run(project, writes("src/a.txt", "much later\n"))
    answer = shop.get(f"/agent/run/{run_id}/diff").json()
    found = {each["path"]: each for each in answer["files"]}
    assert {path: each["change"] for path, each in found.items()} == {
        "index.html": "deleted",
        "logo.bin": "changed",
        "new.txt": "added",
        "run.sh": "changed",
        "src/a.txt": "changed",
    }
    assert (answer["added"], answer["changed"], answer["deleted"]) == (1, 3, 1)
    assert found["src/a.txt"]["diff"] == "--- a/src/a.txt\n+++ b/src/a.txt\n@@ -1,2 +1,2 @@\n one\n-two\n+2\n"
    assert found["new.txt"]["diff"] == "--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1 @@\n+new\n"
    assert (found["logo.bin"]["diff"], found["logo.bin"]["omitted"]) == (None, "binary")
    assert (found["run.sh"]["before"]["kind"], found["run.sh"]["after"]["kind"]) == ("executable", "file")
    assert found["src/a.txt"]["before"]["size"] == 8 and found["src/a.txt"]["after"]["size"] == 6
    assert shop.get(f"/agent/run/{run_id}/files/src/a.txt").text == "one\n2\n"


def test_a_project_without_files_gives_no_zip(shop: Workshop) -> None:
    name = shop.unique("empty")
    shop.run(name, says("Nothing to do: it was a question."))
    answer = shop.get(f"/agent/projects/{name}.zip")
    assert (answer.status_code, answer.json()) == (404, {"error": "This project has no files"})
    assert shop.get(f"/agent/projects/{name}").json()["files"] == []


def calls_on(project: str) -> list[tuple[str, str]]:
    base = f"/agent/projects/{project}"
    return [("GET", base), ("GET", f"{base}.zip"), ("GET", f"{base}/files/src/a.txt"), ("DELETE", base)]


def test_another_callers_project_looks_like_one_that_is_not_there(shop: Workshop, project: str) -> None:
    run_id = shop.get(f"/agent/projects/{project}").json()["latestRunId"]
    for name, key in ((project, CI), ("never-was", CI), ("never-was", WEB)):
        for method, path in calls_on(name):
            answer = shop.service.http.request(method, path, headers=bearer(key))
            assert (answer.status_code, answer.json()) == UNKNOWN
    for path in (f"/agent/run/{run_id}/diff", f"/agent/run/{run_id}/files/src/a.txt"):
        assert shop.get(path, CI).status_code == 404
        assert shop.service.http.get(path).status_code == 401
    assert shop.get(f"/agent/projects/{project}").status_code == 200


def test_a_token_opens_the_project_that_it_names_to_be_read(shop: Workshop, project: str) -> None:
    other = shop.unique("other")
    shop.run(other, writes("a.txt", "a"))
    reads = token(shop.service, WEB, projectId=project, can=["read"])
    starts = token(shop.service, WEB, projectId=project, can=["start"])
    run_id = shop.get(f"/agent/projects/{project}", reads).json()["latestRunId"]
    of_run = token(shop.service, WEB, runId=run_id, can=["read"])
    for path in (f"/agent/projects/{project}", f"/agent/projects/{project}.zip", f"/agent/run/{run_id}/diff"):
        assert shop.get(path, reads).status_code == 200
        assert shop.get(path, starts).status_code == 403
    assert shop.get(f"/agent/projects/{other}", reads).status_code == 404
    assert shop.get(f"/agent/run/{run_id}/diff", of_run).status_code == 200
    assert shop.get(f"/agent/projects/{project}", of_run).status_code == 404
    assert shop.get("/agent/projects", reads).status_code == 403
    deleted = shop.service.http.delete(f"/agent/projects/{project}", headers=bearer(reads))
    assert deleted.status_code == 403 and shop.get(f"/agent/projects/{project}").status_code == 200


def test_delete_removes_all_of_a_project_and_waits_for_no_run(shop: Workshop) -> None:
    project = make_project(shop)
    gate, path = Gate(), f"/agent/projects/{project}"
    first = shop.get(path).json()["latestRunId"]
    value = shop.models.script(shop.unique("prompt"), gate)
    body = {"projectId": project, "value": value}
    run_id = shop.service.http.post("/agent/run", json=body, headers=bearer(WEB) | JSON).json()["runId"]
    gate.wait_until_asked()
    refused = shop.service.http.delete(path, headers=bearer(WEB))
    assert (refused.status_code, refused.json()["details"]) == (409, {"runIds": [run_id]})
    assert "unfinished" in refused.json()["error"] and shop.get(f"{path}/files/link").status_code == 200
    shop.service.http.post(f"/agent/run/{run_id}/cancel", headers=bearer(WEB))

    assert shop.service.http.delete(path, headers=bearer(WEB)).status_code == 204
    for method, call in calls_on(project):
        assert shop.service.http.request(method, call, headers=bearer(WEB)).status_code == 404
    assert {shop.get(f"/agent/run/{each}").status_code for each in (first, run_id)} == {404}
    assert project not in {each["projectId"] for each in shop.get("/agent/projects").json()["projects"]}
    with redis.Redis.from_url(shop.service.env["REDIS_URL"], decode_responses=True) as client:
        left = [key for key in client.scan_iter() if project in key or first in key or run_id in key]
        # Nobody else gets the project's name before it expires, and no late call a run's.
        assert {key for key in left if not _says_removed(client, key)} == {f"agent:project:{project}:owner"}
    end = shop.run(project, writes("b.txt", "b"))[-1]
    assert end["data"]["files"] == {"b.txt": "b"}
    assert len(shop.get(path).json()["history"]) == 1


def _says_removed(client: "redis.Redis", key: str) -> bool:
    return key.endswith("}:run") and client.hkeys(key) == ["removed"]


def test_the_next_prompt_is_told_what_was_asked_and_done_before(shop: Workshop) -> None:
    """FINDINGS had it only the files. The beginning stays word for word, so that a provider's cache holds it."""
    project, prompts = shop.unique("project"), [shop.unique("make a page"), shop.unique("make it <blue>\n- bold")]
    shop.run(project, writes("a.txt", "a"), says("I made a page."), prompt=prompts[0])
    shop.run(project, writes("a.txt", "b"), says("It is blue now."), prompt=prompts[1])
    last = shop.unique("and now?")
    shop.run(project, runs("cat a.txt"), says("Nothing to do: it is b."), prompt=last)
    asked: list[dict[str, Any]] = shop.models.asked[last]
    openings = {json.dumps(body["messages"][:2]) for body in asked}
    assert len(asked) > 1 and len(openings) == 1
    system = asked[0]["messages"][0]["content"]
    second = prompts[1].replace("\n", "\n    ")
    told = f"- Asked: {prompts[0]}\n  Outcome: done\n  Said: I made a page.\n"
    told += f"- Asked: {second}\n  Outcome: done\n  Said: It is blue"
    assert told in system and last not in system and system.index(told) < system.index("- a.txt")

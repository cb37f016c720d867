"""A run whose model makes pages, and requests for them."""

import json
from dataclasses import dataclass

import httpx

from lab.llm import says
from lab.model_server import ModelServer
from lab.service import Service
from tests.http.callers import WEB, bearer
from tools.processes import wait_until

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

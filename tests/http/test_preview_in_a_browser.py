"""Previews in a real Chromium: pages work with all that they load, and hostile ones reach nothing of the service."""

import json
from collections.abc import Callable, Iterator

import pytest

from lab.browser import Browser
from lab.llm import says
from lab.model_server import ModelServer
from lab.service import Service
from lab.sse import run_to_end
from tests.http.callers import runs_in

PAGE = """<!doctype html><title>A page</title>
<link rel="stylesheet" href="style.css"><script type="module" src="./app.js"></script>
<p id="text">not styled</p>
"""
APP = """import {word} from "./words.js";
const data = await (await fetch("data.json")).json();
document.title = `${word} ${data.number}`;
"""
HOSTILE = """<!doctype html><title>Hostile</title><script>
const tried = {};
const attempt = async (name, what) => {
  try { tried[name] = `got ${await what()}`; } catch (error) { tried[name] = error.name; }
};
const run = {projectId: "stolen", value: "a tip calculator", model: "offline"};
const post = {method: "POST", credentials: "include", body: JSON.stringify(run)};
window.finished = (async () => {
  await attempt("cookies", () => document.cookie);
  await attempt("storage", () => localStorage.secret);
  await attempt("indexedDB", () => indexedDB.open("x"));
  await attempt("start", () => fetch("/agent/run", post));
  await attempt("start-json", () => fetch("/agent/run", {...post, headers: {"Content-Type": "application/json"}}));
  await attempt("read", () => fetch("/agent/models", {credentials: "include"}));
  await attempt("token", () => fetch("/agent/tokens", {method: "POST", body: '{"projectId": "p", "can": ["read"]}'}));
  await attempt("worker", () => navigator.serviceWorker.register("sw.js"));
  await attempt("parent", () => top.document.title);
  await attempt("unread", () => fetch("/agent/run", {...post, mode: "no-cors"}));
  navigator.sendBeacon("/agent/run", JSON.stringify(run));
  return {tried, origin};
})();
</script>
"""


@pytest.fixture(scope="module")
def preview(scripted_service: Service, model_server: ModelServer) -> Callable[[str, dict[str, str]], str]:
    """Runs a model that writes the files given, and returns where they open."""

    def run(name: str, files: dict[str, str]) -> str:
        listed = [{"path": path, "content": content} for path, content in files.items()]
        call = ("createOrUpdateFiles", json.dumps({"files": listed}))
        prompt = model_server.script(name, says("a", calls=(call,)), says("Done."))
        return str(run_to_end(scripted_service, projectId=name, value=prompt)[-1]["data"]["url"])

    return run


@pytest.fixture
def signed_in(browser: Browser, scripted_service: Service) -> Iterator[Browser]:
    """A browser that has something of the service's own origin to steal."""
    browser.open(f"{scripted_service.url}/docs")
    browser.evaluate("document.cookie = 'session=secret; path=/'; localStorage.secret = 'secret'")
    assert browser.evaluate("document.cookie + localStorage.secret") == "session=secretsecret"
    yield browser


@pytest.mark.browser
def test_a_page_loads_its_styles_modules_and_data_from_whatever_address_it_was_opened_at(
    preview: Callable[[str, dict[str, str]], str], browser: Browser, scripted_service: Service
) -> None:
    files = {
        "index.html": PAGE,
        "app.js": APP,
        "words.js": 'export const word = "Number";',
        "data.json": '{"number": 7}',
    }
    url = preview("preview-loads", files | {"style.css": "#text { color: rgb(1, 2, 3) }"})
    without_token = f"{scripted_service.url}/agent/projects/preview-loads/preview/"
    for address in (url, without_token):
        browser.open(address)
        browser.wait_for("document.title === 'Number 7'")
        assert browser.evaluate("getComputedStyle(document.getElementById('text')).color") == "rgb(1, 2, 3)"
        assert "/preview/rwp_" in browser.evaluate("location.href")


@pytest.mark.browser
def test_a_hostile_page_reaches_nothing_of_the_service(
    preview: Callable[[str, dict[str, str]], str], signed_in: Browser, scripted_service: Service
) -> None:
    url = preview("preview-hostile", {"index.html": HOSTILE, "sw.js": ""})
    before = runs_in(scripted_service)
    signed_in.open(url)
    found = signed_in.evaluate("window.finished")
    assert found["origin"] == "null"
    assert found["tried"].pop("parent") == "got Hostile"  # it is its own top: there is nobody above
    assert found["tried"] == {
        "cookies": "SecurityError",
        "storage": "SecurityError",
        "indexedDB": "SecurityError",
        "start": "TypeError",
        "start-json": "TypeError",
        "read": "TypeError",
        "token": "TypeError",
        "worker": "SecurityError",
        "unread": "TypeError",
    }
    assert runs_in(scripted_service) == before

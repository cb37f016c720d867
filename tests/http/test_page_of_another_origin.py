"""A page on another origin, in a real Chromium: with a token it starts, watches and cancels a run; else nothing."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from lab.browser import Browser
from lab.model_server import Gate, ModelServer
from tests.conftest import StartService
from tests.http.callers import KEYS, WEB, ask, bearer, start, token
from tools.processes import wait_until
from tools.web_server import ROOT

SCRIPT = """
window.call = async (path, token, options = {}) => {
  const headers = {'content-type': 'application/json'};
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(SERVICE + path, {...options, headers});
  answer.body?.cancel();
  const [run, stream] = ['x-run-id', 'x-stream-token'].map(name => answer.headers.get(name));
  return {status: answer.status, run, token: stream};
};
window.watch = (run, token) => {
  const seen = [], source = new EventSource(`${SERVICE}/agent/run/${run}/events?token=${token}`);
  source.onmessage = message => {
    const event = JSON.parse(message.data);
    seen.push({id: event.id, type: event.type, code: event.code});
    if (event.type === 'complete' || event.type === 'error') source.close();
  };
  return {seen, source};
};
"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"<!doctype html><title>A page</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def page() -> Iterator[str]:
    """The origin of an empty page; `localhost` is another site than the service's 127.0.0.1."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


@pytest.mark.browser
def test_a_page_with_a_token_starts_watches_resumes_and_cancels(
    start_service: StartService,
    browser: Browser,
    model_server: ModelServer,
    page: str,
    unique: Callable[[str], str],
) -> None:
    gate, again = Gate(), Gate()
    project, prompt = unique("p"), model_server.script(unique("page"), gate, again)
    env = model_server.environment() | {"AGENT_API_KEYS": KEYS, "AGENT_CORS_ORIGINS": page}
    service = start_service(workers=1, **env)
    other = start(service, WEB, projectId=unique("p"))
    starts = token(service, WEB, projectId=project, can=["start"])
    others = token(service, WEB, runId=other, can=["read", "cancel"])
    expired = token(service, WEB, projectId=project, can=["start", "read", "cancel"], expiresIn=1)

    browser.open(page)
    browser.evaluate(SCRIPT.replace("SERVICE", repr(service.url)))
    body = f"{{method: 'POST', body: JSON.stringify({{projectId: '{project}', value: '{prompt}'}})}}"
    started = browser.evaluate(f"call('/agent/run', '{starts}', {body})")
    run, stream = started["run"], started["token"]
    assert started["status"] == 200 and run and stream
    gate.wait_until_asked()
    gate.say("before ")
    browser.evaluate(f"window.mine = watch('{run}', '{stream}'); 0")
    browser.wait_for("mine.seen.some(event => event.type === 'text')")

    wait_until(lambda: ask(service, ("GET", f"/agent/run/{run}"), bearer(expired)).status_code == 401, 10, "its end")
    for given in (others, expired, "rwt_none", ""):
        browser.evaluate(f"window.nothing = watch('{run}', '{given}'); 0")
        browser.wait_for("nothing.source.readyState === EventSource.CLOSED")
        assert browser.evaluate("nothing.seen.length") == 0
        calls = [
            f"call('/agent/run/{run}', '{given}')",
            f"call('/agent/run/{run}/cancel', '{given}', {{method: 'POST'}})",
        ]
        for call in (*calls, f"call('/agent/run', '{given}', {body})"):
            answer = browser.evaluate(call)
            assert answer["status"] in (401, 403, 404) and not answer["run"] and not answer["token"]

    service.kill_worker()
    again.wait_until_asked()
    again.say("after ")
    browser.wait_for("mine.seen.filter(event => event.type === 'text').length > 1")
    cancelled = browser.evaluate(f"call('/agent/run/{run}/cancel', '{stream}', {{method: 'POST'}})")
    assert cancelled["status"] == 202
    browser.wait_for("mine.source.readyState === EventSource.CLOSED")
    seen = browser.evaluate("mine.seen")
    assert [event["id"] for event in seen] == list(range(1, len(seen) + 1))
    assert (seen[-1]["type"], seen[-1]["code"]) == ("error", "cancelled")
    assert [event["type"] for event in seen].count("error") == 1


@pytest.mark.browser
def test_a_page_of_an_origin_that_is_not_listed_reads_nothing(
    start_service: StartService, browser: Browser, page: str, unique: Callable[[str], str]
) -> None:
    service = start_service(workers=1, AGENT_API_KEYS=KEYS, AGENT_OFFLINE_DELAY="0")
    run = start(service, WEB, projectId=unique("p"))
    reads = token(service, WEB, runId=run, can=["read"])
    browser.open(page)
    browser.evaluate(SCRIPT.replace("SERVICE", repr(service.url)))
    browser.evaluate(f"window.nothing = watch('{run}', '{reads}'); 0")
    browser.wait_for("nothing.source.readyState === EventSource.CLOSED")
    assert browser.evaluate("nothing.seen.length") == 0
    assert browser.evaluate(f"call('/agent/run/{run}', '{reads}').catch(error => error.name)") == "TypeError"


@pytest.mark.browser
def test_the_lines_in_the_readme_work(
    start_service: StartService, browser: Browser, page: str, unique: Callable[[str], str]
) -> None:
    lines = (
        (ROOT / "README.md").read_text().partition("## From a browser")[2].partition("```js\n")[2].partition("```")[0]
    )
    service = start_service(AGENT_API_KEYS=KEYS, AGENT_CORS_ORIGINS=page, AGENT_OFFLINE_DELAY="0.1")
    starts = token(service, WEB, projectId="p1", can=["start"], expiresIn=600)
    browser.open(page)
    given = f"const service = {service.url!r}, token = {starts!r}, show = event => shown.push(event)"
    browser.evaluate(f"window.shown = []; (async () => {{ {given}; {lines}; window.cancel = cancel; }})()")
    browser.wait_for("shown.some(event => event.type === 'text')")
    assert browser.evaluate("cancel().then(answer => answer.status)") == 202
    browser.wait_for("shown.some(event => event.code === 'cancelled')")

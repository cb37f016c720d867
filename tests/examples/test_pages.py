"""Every example page in a real browser: what it shows in the end is the fold of the log, over kills and rollbacks."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from lab.approvals import APPROVE
from lab.browser import Browser
from lab.llm import says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import events_of
from orchestrator.formats import History, fold
from tests.conftest import next_database
from tools.clients import build
from tools.examples import APP, names
from tools.redis_server import RedisServer

pytestmark = pytest.mark.browser
Unique = Callable[[str], str]
SECONDS = 60.0
RUN_ID = "(document.querySelector('[data-role=assistant][data-run], main[data-run], body[data-run]')?.dataset.run)"


ASKS = says("I look.", calls=(("terminal", '{"command": "echo ask-me"}'),))
BUTTON = "[...document.querySelectorAll('button')].find(each => each.textContent === '{}')"


@dataclass(frozen=True)
class Page:
    """JavaScript that reads a page: the text it shows, and whether it shows an end."""

    text: str
    end: str


PLAIN = Page("document.getElementById('text').textContent", "document.getElementById('end').textContent")
PAGES = {
    "event-source": PLAIN,
    "original-reader": PLAIN,
    "use-run": PLAIN,
    "ag-ui": Page(
        "[...document.querySelectorAll('[data-role=assistant] .text')].map(e => e.textContent).join('')",
        "document.getElementById('end').textContent",
    ),
    "use-chat": Page(
        "[...document.querySelectorAll('[data-role=assistant] .text')].map(e => e.textContent).join('')",
        "document.querySelector('[data-role=assistant] output')?.textContent",
    ),
}
RESUMING = [name for name in PAGES if name != "original-reader"]


@pytest.fixture(scope="module")
def pages(
    model_server: ModelServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The service with the example pages beside it."""
    build()
    env = {"AGENT_ENGINE": "direct", "SSE_KEEPALIVE": "1"} | APPROVE | model_server.environment()
    folder = tmp_path_factory.mktemp("pages")
    with Service(next_database(redis_server), folder, workers=1, env=env, app=APP) as running:
        yield running


def submit(browser: Browser, service: Service, name: str, prompt: str) -> None:
    browser.open(f"{service.url}/examples/{name}/index.html")
    browser.wait_for("document.querySelector('form') !== null")
    browser.evaluate(
        f"document.querySelector('input').value = {prompt!r}; document.querySelector('form').requestSubmit()"
    )


def check(browser: Browser, service: Service, page: Page) -> None:
    """The page shows what the log comes to."""
    browser.wait_for(page.end, SECONDS)
    history = History()
    for event in events_of(service, browser.wait_for(RUN_ID)):
        history.add(event)
    assert browser.evaluate(page.text) == fold(history)["text"]


def test_every_example_is_tried() -> None:
    assert sorted(names()) == sorted(PAGES)


@pytest.mark.parametrize("name", PAGES)
def test_a_page_shows_a_run(
    pages: Service, browser: Browser, model_server: ModelServer, unique: Unique, name: str
) -> None:
    gate = Gate()
    submit(browser, pages, name, model_server.script(unique(name), gate))
    gate.wait_until_asked()
    gate.say("A page ")
    browser.wait_for(f"{PAGES[name].text}.includes('A page')")
    gate.finish("löst it.")
    check(browser, pages, PAGES[name])


@pytest.mark.parametrize("name", RESUMING)
def test_a_page_goes_on_after_a_kill_and_shows_no_discarded_word(
    pages: Service, browser: Browser, model_server: ModelServer, unique: Unique, name: str
) -> None:
    gate, again = Gate(), Gate()
    submit(browser, pages, name, model_server.script(unique(name), gate, again))
    gate.wait_until_asked()
    gate.say("discarded ")
    browser.wait_for(f"{PAGES[name].text}.includes('discarded')")
    pages.kill_worker()
    again.wait_until_asked()
    again.finish("what counts")
    check(browser, pages, PAGES[name])
    assert "what counts" in browser.evaluate(PAGES[name].text)
    assert "discarded" not in browser.evaluate("document.body.innerText")


@pytest.mark.parametrize("name", RESUMING)
def test_a_page_shows_that_its_run_was_cancelled(
    pages: Service, browser: Browser, model_server: ModelServer, unique: Unique, name: str
) -> None:
    gate = Gate()
    submit(browser, pages, name, model_server.script(unique(name), gate))
    gate.wait_until_asked()
    gate.say("as far as it came")
    browser.wait_for(f"{PAGES[name].text}.includes('as far')")
    browser.evaluate("document.getElementById('cancel').click()")
    check(browser, pages, PAGES[name])
    assert "cancelled" in browser.evaluate(PAGES[name].end)


@pytest.mark.parametrize(("button", "state"), [("Yes", "output-available"), ("No", "output-denied")])
def test_a_page_with_use_chat_is_asked_and_answers_also_after_it_was_loaded_again(
    pages: Service, browser: Browser, model_server: ModelServer, unique: Unique, button: str, state: str
) -> None:
    submit(browser, pages, "use-chat", model_server.script(unique("asks"), ASKS, says("Nothing to do.")))
    found = BUTTON.format(button)
    browser.wait_for(f"{found} !== undefined")
    browser.evaluate("window.isOld = true; location.reload()")
    browser.wait_for(f"!window.isOld && {found} !== undefined")
    browser.evaluate(f"{found}.click()")
    check(browser, pages, PAGES["use-chat"])
    assert browser.evaluate("document.querySelector('pre').dataset.state") == state


def test_a_page_of_ag_ui_is_asked_and_answers(
    pages: Service, browser: Browser, model_server: ModelServer, unique: Unique
) -> None:
    submit(browser, pages, "ag-ui", model_server.script(unique("asks"), ASKS, says("Nothing to do.")))
    browser.wait_for(f"{BUTTON.format('Yes')} !== undefined")
    browser.evaluate(f"{BUTTON.format('Yes')}.click()")
    check(browser, pages, PAGES["ag-ui"])

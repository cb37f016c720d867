"""What somebody does twice while the first request is under way is sent once."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from lab.model_server import Gate, ModelServer
from tests.console.person import Unique, start, state
from tests.reliability.scripts import DONE, runs, writes

pytestmark = pytest.mark.browser


def held(page: Page, url: str) -> list[Route]:
    """The requests to such a URL, which stay under way until they are continued."""
    routes: list[Route] = []
    page.route(re.compile(url), lambda route: routes.append(route))  # a bound method of a list is refused
    return routes


def go_on(page: Page, routes: list[Route]) -> None:
    """Let the one request through, once the page has had the time to send another one."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    [only] = routes
    only.continue_()


def test_a_run_is_started_once(page: Page, model_server: ModelServer, unique: Unique) -> None:
    prompt = model_server.script(unique("twice"), DONE)
    page.get_by_label("Prompt").fill(prompt)
    page.locator("#start").get_by_label("Project").fill(prompt)
    routes = held(page, "/agent/run$")
    page.get_by_label("Prompt").press("Control+Enter")
    page.get_by_label("Prompt").press("Control+Enter")
    go_on(page, routes)
    expect(state(page)).to_have_text(re.compile("nothing-to-do|partial|done"))


def test_words_are_said_once_and_can_be_said_again(page: Page, model_server: ModelServer, unique: Unique) -> None:
    gate = Gate()
    start(page, prompt := model_server.script(unique("twice"), gate, DONE, DONE), prompt)
    gate.wait_until_asked()
    routes = held(page, "/messages$")
    tell = page.get_by_label("Tell it").last
    for _ in range(2):
        tell.fill("in green, please")
        page.get_by_role("button", name="Send").click()
        page.get_by_role("button", name="Send").click()
        go_on(page, routes)
        expect(tell).to_be_empty()
        routes.clear()
    expect(page.locator(".item.user")).to_have_count(2)
    gate.finish("ok")
    expect(state(page)).to_have_text(re.compile("nothing-to-do|partial|done"))


def test_a_question_gets_one_answer(page: Page, model_server: ModelServer, unique: Unique) -> None:
    prompt = model_server.script(unique("twice"), runs("echo ask-me"), writes("a.txt", "a"), DONE)
    start(page, prompt, prompt)
    routes = held(page, "/approvals/")
    page.get_by_role("button", name="Allow").click()
    page.get_by_role("button", name="Forbid").click()
    go_on(page, routes)
    expect(page.locator(".approval .result")).to_contain_text("Allowed")
    expect(state(page)).to_have_text("done")

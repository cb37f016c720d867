"""A session that ends and a service that is away, while somebody is at the page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from lab.model_server import Gate, ModelServer
from lab.service import Service
from tests.conftest import next_database
from tests.console.person import Unique, start_and_read
from tests.reliability.scripts import DONE
from tools.redis_server import RedisServer

pytestmark = pytest.mark.browser
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def locked(model_server: ModelServer, redis_server: RedisServer, tmp_path: Path) -> Iterator[Service]:
    """A service with a key."""
    env = {"AGENT_ENGINE": "direct", "AGENT_API_KEYS": f"me:{KEY}"} | model_server.environment()
    with Service(next_database(redis_server), tmp_path / "service", env=env) as running:
        yield running


def log_in(page: Page) -> None:
    page.get_by_label("API key").fill(KEY)
    page.get_by_label("API key").press("Enter")
    expect(page.locator("#app")).to_be_visible()


def test_a_session_that_ends_in_the_middle_is_said_and_the_run_goes_on_behind_it(
    context: BrowserContext, locked: Service, model_server: ModelServer, unique: Unique
) -> None:
    page = context.new_page()
    page.goto(locked.url)
    form, connection = page.locator("#log-in"), page.locator("#connection")
    expect(form.get_by_label("API key")).to_be_focused()
    expect(form.locator(".problem")).to_be_empty()
    expect(connection).to_be_empty()
    log_in(page)
    gate = Gate()
    prompt = model_server.script(unique("session"), gate, DONE)
    start_and_read(page, prompt, gate, "before")
    expect(connection).to_have_text("live")
    context.clear_cookies()
    expect(form.locator(".problem")).to_have_text("The session has ended. Log in, and what you saw goes on.")
    expect(connection).to_be_empty()
    gate.say("and after")
    log_in(page)
    expect(page.get_by_role("log")).to_contain_text("before and after")
    gate.finish()


def test_a_start_that_nobody_takes_is_said_and_begins_once_when_the_service_is_back(
    context: BrowserContext, locked: Service, model_server: ModelServer, unique: Unique
) -> None:
    page = context.new_page()
    page.goto(locked.url)
    log_in(page)
    locked.kill()
    prompt = model_server.script(unique("away"), DONE)
    page.get_by_label("Prompt").fill(prompt)
    page.get_by_label("Prompt").press("Control+Enter")
    said = page.locator("#start .problem")
    expect(said).to_have_text("Nobody has taken it yet; it is sent again …")
    locked.restart()
    expect(page.get_by_role("log")).to_contain_text("Accepted")
    expect(said).to_be_empty()
    expect(page.locator("#runs li")).to_have_count(1)

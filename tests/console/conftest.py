"""A service with the scripted model, and Debian's Chromium driven by Playwright."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from lab.approvals import APPROVE
from lab.browser import FLAGS, chromium
from lab.model_server import ModelServer
from lab.service import Service
from tests.conftest import next_database
from tools.redis_server import RedisServer

WIDE: ViewportSize = {"width": 1280, "height": 900}
MS = 30_000
"""Longest wait for anything in a page."""


@pytest.fixture(scope="package")
def console(
    model_server: ModelServer, redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "SSE_KEEPALIVE": "1", "AGENT_OFFLINE_DELAY": "0"} | APPROVE
    env |= model_server.environment()
    with Service(next_database(redis_server), tmp_path_factory.mktemp("console"), workers=2, env=env) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
        yield running
        running.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """One person's browser. Whatever a page complains about fails the test."""
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce")
    context.set_default_timeout(MS)
    complaints: list[str] = []
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    yield context
    context.close()
    assert complaints == []


@pytest.fixture
def page(context: BrowserContext, console: Service) -> Page:
    page = context.new_page()
    page.goto(console.url)
    return page


@pytest.fixture
def picture(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Where a test may leave a screenshot, for people."""
    return tmp_path / f"{request.node.name}.png"

"""What a person does at the console, and sees."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from lab.model_server import Gate

Unique = Callable[[str], str]
expect.set_options(timeout=60_000)


def start(page: Page, prompt: str, project: str) -> str:
    """Returns the run's id."""
    page.get_by_label("Prompt").fill(prompt)
    page.get_by_role("form").or_(page.locator("#start")).get_by_label("Project").fill(project)
    page.get_by_label("Prompt").press("Control+Enter")
    page.wait_for_url(re.compile("#/run/"))
    return page.url.rpartition("/")[2]


def start_and_read(page: Page, prompt: str, gate: Gate, words: str) -> str:
    """Start a run whose model says ``words`` first, and see them; returns its id."""
    run_id = start(page, prompt, prompt)
    gate.wait_until_asked()
    gate.say(f"{words} ")
    expect(page.get_by_role("log")).to_contain_text(words)
    return run_id


def state(page: Page) -> Locator:
    return page.locator("header.run .state")

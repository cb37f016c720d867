"""`python -m bench.console`: how soon the console is seen, and whether it stays quick while a long run goes on.

A real service, a real Chromium; the run's events are written to the log as a step would write them.
"""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, sync_playwright

from bench.peers.runwire import Runwire
from lab.browser import FLAGS, chromium
from orchestrator.events import RunRequested, encode_body
from orchestrator.runlog import RunLog
from orchestrator.web.console import FOLDER
from tools.processes import wait_until

STORED: Final = 10_000
RATE: Final = 200
"""Events a second."""
SECONDS: Final = 10
EVERY: Final = 40
"""Each so-many-th event opens a new step with a tool call, as a real run has many."""

STEPS_SEEN: Final = STORED // EVERY

WATCH_FRAMES: Final = """
() => new Promise((done) => {
  const gaps = [];
  let last = performance.now();
  const end = last + %d;
  const look = (now) => {
    gaps.push(now - last);
    last = now;
    window.scrollBy(0, gaps.length %% 2 ? -400 : 400);
    now < end ? requestAnimationFrame(look) : done(gaps.slice(2));
  };
  requestAnimationFrame(look);
})
"""
FIRST_PAINT: Final = """
() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime
"""


class Writer:
    def __init__(self, log: RunLog, run_id: str) -> None:
        self.log, self.run_id, self.number, self.turn = log, run_id, 0, 0
        log.create(RunRequested(run_id=run_id, project_id="console", value="a long run"), "direct", "accepted", "local")

    def write(self, count: int) -> None:
        while count > 0:
            if self.number % EVERY == 0:
                self._next_step()
            room = min(count, EVERY - self.number % EVERY)
            bodies = [self._body(self.number + index) for index in range(room)]
            self.log.append(self.run_id, self.step, 0, self.number % EVERY + 1, bodies)
            self.number += room
            count -= room

    def _next_step(self) -> None:
        self.turn += 1
        self.step = f"model-{self.turn}" if self.turn % 2 else f"tool-{self.turn // 2}-1"
        self.log.begin(self.run_id, self.step, 0, f"nonce-{self.turn}")

    def _body(self, number: int) -> str:
        data: Any = f"word {number} of what a model says in this very long run. "
        kind = "text"
        if not self.turn % 2:
            call = f"call-{self.turn}"
            kind = "tool-output" if number % EVERY else "tool-call"
            data = {"source": "stdout", "chunk": f"line {number}\n", "callId": call}
            if kind == "tool-call":
                data = {"tool": "terminal", "args": {"command": "make"}, "callId": call}
        return encode_body(self.run_id, kind, data, self.step, 0)


def main() -> None:
    size = sum(path.stat().st_size for path in FOLDER.iterdir())
    print(f"all files of the page                       {size / 1000:.1f} kB (goal: under 60)")
    with tempfile.TemporaryDirectory() as folder, Runwire(Path(folder), env={"AGENT_API_KEYS": ""}) as ours:
        writer = Writer(RunLog(ours.client, max_events=100_000), "run_console")
        writer.write(STORED)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS))
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            url = f"http://127.0.0.1:{ours.web.port}/"
            paints = [_first_paint(page, url) for _ in range(5)]
            print(f"first contentful paint, of five             {min(paints):.0f} to {max(paints):.0f} ms (goal: 300)")
            for tab in ("Transcript", "Events"):
                _frames(page, url, writer, tab)
            browser.close()


def _first_paint(page: Page, url: str) -> float:
    page.goto("about:blank")
    page.goto(url)
    return float(wait_until(lambda: page.evaluate(FIRST_PAINT), 10.0, "the first paint"))


def _frames(page: Page, url: str, writer: Writer, tab: str) -> None:
    page.goto("about:blank")
    page.goto(f"{url}#/run/{writer.run_id}")
    page.get_by_role("tab", name=tab).click()
    page.locator(".steps li").nth(STEPS_SEEN - 1).wait_for(state="attached", timeout=60_000)
    time.sleep(2)
    over = threading.Event()

    def keep_writing() -> None:
        while not over.wait(10 / RATE):
            writer.write(10)

    writing = threading.Thread(target=keep_writing)
    for what, writes in (("nothing comes in", False), (f"{RATE} events/s come in", True)):
        if writes:
            writing.start()
        gaps = sorted(page.evaluate(WATCH_FRAMES % (SECONDS * 1000)))
        median, nearly_all, late = gaps[len(gaps) // 2], gaps[int(len(gaps) * 0.99)], sum(gap > 50 for gap in gaps)
        print(f"{tab:<10} of {writer.number:,} events, {what:<23} frames: median {median:.0f} ms, 99 % within", end=" ")
        print(f"{nearly_all:.0f} ms, longest {gaps[-1]:.0f} ms, over 50 ms: {late} of {len(gaps)}")
    over.set()
    writing.join()


if __name__ == "__main__":
    main()

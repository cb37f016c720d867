"""Viewers that come back together read a run's log once."""

from collections.abc import Callable

from orchestrator.events import RunRequested, encode_body
from orchestrator.hub.frames import frame_data
from orchestrator.hub.pages import FULL, Pages
from orchestrator.runlog import Page, RunLog
from orchestrator.runlog.connection import connect

STEP = "model-1"


class CountingLog(RunLog):
    reads = 0

    def read(self, run_id: str, after: int, count: int) -> Page:
        self.reads += 1
        return super().read(run_id, after, count)


def make_run(redis_url: str, run_id: str, events: int) -> CountingLog:
    """A run whose log holds ``events`` events, its first status included."""
    log = CountingLog(connect(redis_url, 2))
    log.create(RunRequested(run_id=run_id, project_id="p", value="v"), "direct", "hello")
    log.begin(run_id, STEP, 0, "nonce")
    append(log, run_id, 1, events - 1)
    return log


def append(log: RunLog, run_id: str, number: int, count: int) -> None:
    bodies = [encode_body(run_id, "text", str(number + i), STEP, 0) for i in range(count)]
    log.append(run_id, STEP, 0, number, bodies)


def test_a_full_page_is_read_once_and_framed_once(redis_url: str, unique: Callable[[str], str]) -> None:
    log = make_run(redis_url, run_id := unique("run"), FULL)
    pages = Pages(log)
    frames = [pages.read(run_id, 0)[1].after(0, frame_data) for _ in range(5)]
    assert log.reads == 1
    assert all(each is frames[0] for each in frames)


def test_what_is_appended_later_follows_a_kept_page(redis_url: str, unique: Callable[[str], str]) -> None:
    log = make_run(redis_url, run_id := unique("run"), FULL)
    pages = Pages(log)
    pages.read(run_id, 0)
    assert pages.read(run_id, FULL)[0].events == []
    append(log, run_id, FULL, 3)
    _, kept = pages.read(run_id, 0)
    page, _ = pages.read(run_id, kept.last)
    assert (kept.last, page.first, len(page.events)) == (FULL, FULL + 1, 3)


def test_a_page_that_may_still_grow_is_read_again(redis_url: str, unique: Callable[[str], str]) -> None:
    log = make_run(redis_url, run_id := unique("run"), FULL - 1)
    pages = Pages(log)
    assert len(pages.read(run_id, 0)[0].events) == FULL - 1
    append(log, run_id, FULL - 1, 1)
    assert len(pages.read(run_id, 0)[0].events) == FULL

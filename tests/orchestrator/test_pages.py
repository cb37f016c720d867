"""Viewers that come back together read a run's log once, and never hold more of it than a page."""

from collections.abc import Callable

from orchestrator.events import RunRequested, encode_body
from orchestrator.hub.frames import frame_data
from orchestrator.hub.pages import KEPT_BYTES, PAGE_BYTES, PAGE_EVENTS, Pages
from orchestrator.runlog import Page, RunLog
from orchestrator.runlog.connection import connect

STEP = "model-1"


class CountingLog(RunLog):
    reads = 0

    def read(self, run_id: str, after: int, count: int, size: int = PAGE_BYTES) -> Page:
        self.reads += 1
        return super().read(run_id, after, count, size)


def make_run(redis_url: str, run_id: str, events: int, characters: int = 5) -> CountingLog:
    """A run whose log holds ``events`` events, its first status included."""
    log = CountingLog(connect(redis_url, 2))
    log.create(RunRequested(run_id=run_id, project_id="p", value="v"), "direct", "hello")
    log.begin(run_id, STEP, 0, "nonce")
    append(log, run_id, 1, events - 1, characters)
    return log


def append(log: RunLog, run_id: str, number: int, count: int, characters: int = 5) -> None:
    bodies = [encode_body(run_id, "text", f"{number + i:0{characters}}", STEP, 0) for i in range(count)]
    log.append(run_id, STEP, 0, number, bodies)


def test_a_page_with_more_behind_it_is_read_once_and_framed_once(redis_url: str, unique: Callable[[str], str]) -> None:
    log = make_run(redis_url, run_id := unique("run"), PAGE_EVENTS + 1)
    pages = Pages(log)
    frames = [pages.read(run_id, 0)[1].after(0, frame_data) for _ in range(5)]
    assert log.reads == 1
    assert all(each is frames[0] for each in frames)


def test_viewers_that_have_missed_different_events_share_what_follows(
    redis_url: str, unique: Callable[[str], str]
) -> None:
    log = make_run(redis_url, run_id := unique("run"), 2 * PAGE_EVENTS + 1)
    pages = Pages(log)
    ends = {pages.read(run_id, after)[1].last for after in (0, 7, PAGE_EVENTS - 1)}
    assert ends == {PAGE_EVENTS}
    assert pages.read(run_id, PAGE_EVENTS) is pages.read(run_id, PAGE_EVENTS)
    assert log.reads == 4


def test_what_is_appended_later_follows_a_kept_page(redis_url: str, unique: Callable[[str], str]) -> None:
    log = make_run(redis_url, run_id := unique("run"), PAGE_EVENTS + 1)
    pages = Pages(log)
    pages.read(run_id, 0)
    append(log, run_id, PAGE_EVENTS + 1, 3)
    _, kept = pages.read(run_id, 0)
    page, _ = pages.read(run_id, kept.last)
    assert (kept.last, page.first, len(page.events)) == (PAGE_EVENTS, PAGE_EVENTS + 1, 4)


def test_a_page_that_may_still_grow_is_read_again(redis_url: str, unique: Callable[[str], str]) -> None:
    log = make_run(redis_url, run_id := unique("run"), PAGE_EVENTS - 1)
    pages = Pages(log)
    assert len(pages.read(run_id, 0)[0].events) == PAGE_EVENTS - 1
    append(log, run_id, PAGE_EVENTS - 1, 1)
    assert len(pages.read(run_id, 0)[0].events) == PAGE_EVENTS


def test_the_last_page_of_a_run_that_has_ended_is_shared_too(redis_url: str, unique: Callable[[str], str]) -> None:
    log = make_run(redis_url, run_id := unique("run"), 3)
    log.complete(run_id, {"files": {}})
    pages = Pages(log)
    assert pages.read(run_id, 0) is pages.read(run_id, 0)


def test_large_events_make_short_pages_that_add_up_to_the_log(redis_url: str, unique: Callable[[str], str]) -> None:
    """Without the limit of bytes in read.lua the first page held all of it."""
    log = make_run(redis_url, run_id := unique("run"), 40, characters=60_000)
    append(log, run_id, 40, 1, characters=2 * PAGE_BYTES)  # more than a page by itself
    append(log, run_id, 41, 1)
    pages, after, sizes, read = Pages(log), 0, [], []
    while (batch := pages.read(run_id, after)[1]).events:
        sizes.append(batch.size)
        read += batch.events
        after = batch.last
    assert read == log.read(run_id, 0, 100, 100_000_000).events
    assert len(read) == 42
    assert sorted(sizes)[-2] <= PAGE_BYTES < max(sizes)
    assert min(sizes[:-1]) > PAGE_BYTES // 2, "pages are filled"


def test_kept_pages_have_a_limit_in_all(redis_url: str, unique: Callable[[str], str]) -> None:
    log = make_run(redis_url, run_id := unique("run"), 2 * KEPT_BYTES // 200_000, characters=200_000)
    pages, after = Pages(log), 0
    while (batch := pages.read(run_id, after)[1]).events:
        after = batch.last
    assert 0 < sum(batch.size for _, batch in pages._kept.values()) <= KEPT_BYTES

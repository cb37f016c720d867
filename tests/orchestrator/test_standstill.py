"""Which runs stand still and which wait, by their beats alone."""

from dataclasses import replace

import pytest

from orchestrator.engines.standstill import Scene, is_out_of_time, worth_saying
from orchestrator.runlog import Beat

NOW = 1_000_000
BETWEEN = Beat("run", "inngest", at=NOW - 10_000, silence=15_000, created=0, claimed="inngest:1")
RUNNING = replace(BETWEEN, at=NOW - 1_000, silence=6_000, step="tool-1-1")


def test_a_run_stands_still_when_its_next_beat_took_longer_than_it_may() -> None:
    gone = replace(RUNNING, at=NOW - 6_001)
    stalled = replace(BETWEEN, at=NOW - 15_001)
    resting = replace(RUNNING, at=NOW - 60_000, silence=75_000)  # the step is tried again later
    assert Scene(NOW, [BETWEEN, RUNNING, gone, stalled, resting], 10).still == [gone, stalled]


@pytest.mark.parametrize(
    ("served", "busy"),
    [
        ([RUNNING, RUNNING], True),
        ([RUNNING, replace(BETWEEN, at=NOW - 1_000)], True),  # its place is empty for a moment
        ([RUNNING, BETWEEN], False),
        ([RUNNING, replace(RUNNING, at=NOW - 10_000)], False),  # its process is gone
        ([RUNNING, replace(BETWEEN, at=NOW - 1_000, claimed=None)], False),  # it has only been accepted
    ],
    ids=["running", "between two steps", "idle", "gone", "new"],
)
def test_an_engine_is_busy_when_all_its_places_are_served(served: list[Beat], busy: bool) -> None:
    """One that says that it runs a run, while places are empty, has lost it."""
    assert Scene(NOW, [BETWEEN, *served], 2).is_busy is busy


def test_who_waits_longest_is_before_the_others() -> None:
    first, second = replace(BETWEEN, run_id="first", at=NOW - 9_000), replace(BETWEEN, run_id="second", at=NOW - 8_000)
    just_now = replace(BETWEEN, at=NOW - 500)
    assert Scene(NOW, [second, RUNNING, just_now, first], 1).waiting == [first, second]


@pytest.mark.parametrize(
    ("before", "said", "again"),
    [(40, None, True), (40, 40, False), (21, 40, False), (19, 40, True), (1, 3, True), (1, 2, False), (0, 1, True)],
)
def test_a_place_in_the_queue_is_said_again_when_it_is_half_as_far(before: int, said: int | None, again: bool) -> None:
    assert worth_saying(before, said) is again


@pytest.mark.parametrize(
    ("beat", "is_over"),
    [
        (replace(RUNNING, created=NOW - 89_000), False),  # its own steps see the time-out first
        (replace(RUNNING, created=NOW - 91_000), True),
        (replace(BETWEEN, created=NOW - 91_000, done_step="finish"), True),
        (replace(RUNNING, created=NOW - 91_000, step="deliver-webhook", done_step="finish"), False),
        (replace(BETWEEN, created=NOW - 91_000, done_step="deliver-convex"), False),
        (replace(RUNNING, created=NOW - 91_000, step="tool-1-1", done_step="deliver-convex"), True),
    ],
    ids=["in its grace", "over", "between two steps", "delivering", "between two deliveries", "working"],
)
def test_a_run_whose_result_is_on_its_way_does_not_run_out_of_time(beat: Beat, is_over: bool) -> None:
    assert is_out_of_time(beat, NOW, run_timeout=60) is is_over

"""A service whose commands are hostile goes on answering others, ends each run and leaves nothing behind."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.escape.attempt import Verdict
from tests.escape.health import runs_through_service

HEAVY = (
    "Let many processes take a little each",
    "Let each process fork two more",
    "Spin in many processes, each for less than the limit",
    "Make small files without end",
    "Write bytes without a newline to both outputs at once",
    "Leave symbolic links to secrets of the host",
    "Leave pipes, sockets and links to devices under the names of files",
    "Leave folders 1,500 deep",
    "Leave thousands of sparse files, each of the largest size that is kept",
    "Leave thousands of hard links to one file",
    "Close the workspace and its files to everybody",
    "Leave names that are no text and names that write on a terminal",
)


@pytest.mark.slow
def test_a_service_is_not_harmed_by_what_its_commands_try(tmp_path: Path) -> None:
    with runs_through_service(tmp_path) as runs:
        outcomes = list(runs.play(HEAVY))
        left = runs.left()
    assert len(outcomes) == len(HEAVY)
    assert [outcome for outcome in outcomes if outcome.verdict is not Verdict.HELD] == []
    assert left == []
    assert (runs.health.asked > 0, runs.health.unanswered) == (True, 0)

"""A service that is short of something says so: what it cannot see is not gone, and what passes ends no run."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.entries import Entry
from agent.errors import PermanentError, TransientError
from agent.protocols import Sandbox
from agent.sandbox import records
from agent.warden import ring
from tests.jail.calls import Calls
from tests.jail.short import no_descriptors_left


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Calls]:
    """A run with a process in the background."""
    run = Calls(tmp_path / "sandboxes")
    run("terminal", command="sleep 60", background=True)
    yield run
    run.end()


def nothing(*_: object) -> None:
    pass


USES: dict[str, Callable[[Sandbox], object]] = {
    "a command": lambda it: it.run("true", timeout=9, on_output=nothing, check=nothing),
    "files": lambda it: it.write({"a": Entry(b"x")}, nothing),
    "a look": lambda it: it.changes({}, nothing),
    "a start in the background": lambda it: it.background.start("bg-9-1", "true", timeout=9),
    "a look at one there": lambda it: it.background.look("bg-1-1", reader="x"),
    "what runs there": lambda it: it.background.running(),
    "a stop": lambda it: it.background.stop("bg-1-1", "stopped"),
    "the stop of all": lambda it: it.background.stop_all("stopped"),
}


@pytest.mark.parametrize("use", USES)
def test_without_descriptors_everything_is_worth_another_attempt(run: Calls, use: str) -> None:
    """Some said that nothing was there, some that the sandbox cannot be used, and some an OSError, as if Redis were
    away: the run was handed over for ever.
    """
    with run.sandbox.hold(nothing):
        with no_descriptors_left(), pytest.raises(TransientError, match="Too many open files"):
            USES[use](run.sandbox)
        assert run.sandbox.background.running() == ["bg-1-1"]


def test_a_workspace_that_cannot_be_taken_for_want_of_descriptors_is_worth_another_attempt(run: Calls) -> None:
    with no_descriptors_left(), pytest.raises(TransientError, match="Too many open files"), run.sandbox.hold(nothing):
        pass
    with run.sandbox.hold(nothing):
        pass


def test_a_full_disk_is_said_where_a_background_process_would_need_some(
    run: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(ring, "make", full)
    with run.sandbox.hold(nothing), pytest.raises(PermanentError, match="No space left on device"):
        run.sandbox.background.start("bg-9-1", "true", timeout=9)
    assert len(records.records(run.folder / run.run_id / "background")) == 1

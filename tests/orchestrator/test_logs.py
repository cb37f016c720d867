"""Log lines: one format for all loggers, with what their context says, and nobody's secrets."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator

import pytest

from orchestrator.logs import bound, configure_logging, get_logger, start_thread
from orchestrator.redact import MASK, Redactor

SECRET = "a-secret-of-the-environment"
REDACT = Redactor.from_environment({"A_KEY": SECRET})

Lines = Callable[[bool], io.StringIO]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is written from now on, as JSON or for people."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level

    def configure(as_json: bool) -> io.StringIO:
        configure_logging("INFO", REDACT, as_json=as_json)
        written = io.StringIO()
        handler = root.handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(written)
        return written

    yield configure
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.mark.parametrize("as_json", [True, False])
def test_lines_are_masked_with_their_fields_and_tracebacks(lines: Lines, as_json: bool) -> None:
    written = lines(as_json)
    try:
        raise ValueError(f"bad {SECRET}")
    except ValueError:
        get_logger("x").exception("run.crashed", said=SECRET)
        logging.getLogger("gunicorn.error").exception("said %s", SECRET)
    assert SECRET not in written.getvalue()
    assert written.getvalue().count(f"bad {MASK}") == 2


def test_every_line_says_what_its_context_does_the_libraries_too(lines: Lines) -> None:
    written = lines(True)
    with bound(run_id="run_1", step="model-1"):
        get_logger("orchestrator.steps").info("step.started", attempt=0)
        logging.getLogger("inngest").warning("a %s", "sentence")
        start_thread(lambda: get_logger("x").info("thread.spoke"), name="t").join()
    get_logger("x").info("run.accepted")
    ours, theirs, thread, after = (json.loads(line) for line in written.getvalue().splitlines())
    assert ours["event"] == "step.started" and ours["attempt"] == 0 and ours["level"] == "info"
    assert theirs["event"] == "a sentence" and theirs["logger"] == "inngest"
    assert {line["run_id"] for line in (ours, theirs, thread)} == {"run_1"}
    assert "run_id" not in after


def test_nothing_that_a_caller_sends_looks_like_another_line(lines: Lines) -> None:
    written = lines(False)
    get_logger("x").info("request.refused", path="/a\nrun.accepted run_id=forged\x1b[2J\u202e\x9b")
    logging.getLogger("gunicorn.error").warning("Invalid request: a\nrun.accepted run_id=forged")
    assert len(written.getvalue().splitlines()) == 2
    assert not set(written.getvalue()) & {"\x1b", "\u202e", "\x9b"}


def test_a_level_that_is_off_writes_nothing(lines: Lines) -> None:
    written = lines(True)
    get_logger("x").debug("hub.tick")
    assert written.getvalue() == ""

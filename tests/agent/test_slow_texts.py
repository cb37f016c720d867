"""Texts that a model may write, and that are long to search."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest

from agent.messages import ModelReply
from agent.models import text_tools, think

LINEAR_SECONDS = 20.0
"""Of processor time, far more than is needed; each of what is tried here took hours, or would have."""


@pytest.fixture
def stopped_by_cpu_time() -> Iterator[None]:
    """Ends a test that computes on and on."""

    def stop(*_: object) -> None:
        raise AssertionError(f"more than {LINEAR_SECONDS} s of processor time")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, LINEAR_SECONDS)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def thinks(*pieces: str) -> None:
    splitter = think.ThinkSplitter()
    for piece in pieces:
        splitter.feed(piece)


def calls(text: str) -> None:
    text_tools.parsed(ModelReply(text=text))


SLOW: dict[str, Callable[[], None]] = {
    "spaces in a thought": lambda: thinks("<think>x", " " * 2_000_000 + "y"),
    "tags": lambda: thinks("<think>a</think>" * 125_000),
    "fences": lambda: calls("```tool\n" * 250_000),
    "a fence that stays open": lambda: calls("```tool\n" + "x\n" * 1_000_000),
    "a fence with spaces": lambda: calls("```tool" + " " * 2_000_000),
}


@pytest.mark.usefixtures("stopped_by_cpu_time")
@pytest.mark.parametrize("look_through", SLOW.values(), ids=SLOW)
def test_no_text_of_a_model_takes_hours_to_look_through(look_through: Callable[[], None]) -> None:
    """A process that searches a text does nothing else: its other runs, its viewers and its pulse stand still."""
    look_through()

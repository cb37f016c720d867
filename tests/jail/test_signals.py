"""A command treats signals as programs do that are started from a shell, whatever the service makes of them."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.jail.conftest import Run

SIGNALS = sum(1 << (number - 1) for number in signal.valid_signals())
"""Without the two that the C library keeps to itself: who is started by its posix_spawn may have them ignored."""


@pytest.fixture(autouse=True)
def _peculiar_service() -> Iterator[None]:
    """As behind ``nohup``, and with a signal held back."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    yield
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
    signal.signal(signal.SIGHUP, before)


def test_none_is_blocked_and_only_that_of_a_file_too_large_is_ignored(run: Run) -> None:
    masks = run("grep -E 'SigBlk|SigIgn' /proc/self/status").output.split()
    assert [int(mask, 16) & SIGNALS for mask in masks[1::2]] == [0, 1 << (signal.SIGXFSZ - 1)]


def test_who_writes_to_a_reader_that_has_gone_ends_without_a_word(run: Run) -> None:
    """It went on and on: the loop of a shell wrote "I/O error" until the budget of its output was used up."""
    assert run("yes | head -1; (while :; do echo x; done) | head -1").output == "y\nx\n"

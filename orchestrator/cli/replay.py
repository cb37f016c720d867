"""Show a stored run as it happened, at its speed or faster; straight from Redis.

python -m orchestrator replay run_8da6fc85f31af9b9c85c5052
python -m orchestrator replay --speed 10 --longest-pause 2 run_8da6fc85f31af9b9c85c5052
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Iterator
from typing import Final

from orchestrator.cli import stored
from orchestrator.runlog import RunLog

NEVER: Final = threading.TIMEOUT_MAX
"""Seconds; a sleep cannot be longer."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_id", metavar="RUN")
    parser.add_argument(
        "--speed", type=_above_zero, default=1.0, help="how many times faster than it was; 1 if not given"
    )
    parser.add_argument(
        "--longest-pause", type=_pause, default=NEVER, metavar="SECONDS", help="nothing takes longer than this"
    )
    stored.output_arguments(parser)


def run(given: argparse.Namespace) -> int:
    events = stored.history(RunLog(stored.redis()), given.run_id)
    return stored.show(_paced(events, given.speed, given.longest_pause), given)


def _paced(events: Iterator[bytes], speed: float, longest: float) -> Iterator[bytes]:
    """Each event when as much time has passed since the one before it as had, divided by ``speed``."""
    before = None
    for event in events:
        at = json.loads(event)["timestamp"] / 1000
        if before is not None and at > before:
            time.sleep(min((at - before) / speed, longest))
        before = at
        yield event


def _above_zero(given: str) -> float:
    if (number := _number(given)) <= 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {given!r}")
    return number


def _pause(given: str) -> float:
    if (number := _number(given)) < 0:
        raise argparse.ArgumentTypeError(f"expected a number from 0, got {given!r}")
    return number


def _number(given: str) -> float:
    """-1 for what is none."""
    try:
        number = float(given)
    except ValueError:
        return -1.0
    return number if number < NEVER else -1.0

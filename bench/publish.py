"""The publishing process: the same events to every contender, in a burst or at an even pace."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gevent import monkey

from bench.job import Link
from orchestrator.events import encode_body

STEP = "model-1"
TEXT = "~{stamp}; of tokens that a model has just said"
"""What one event says; with the envelope about 190 bytes."""


class Publisher(Protocol):
    """Sends events to one contender; made in the parent, opened and used in the publishing process."""

    def open(self) -> None: ...

    def send(self, run: str, number: int, bodies: Sequence[str]) -> None:
        """Send events with ids from `number`, as one batch; does not wait for its answer while few are under way."""

    def finish(self) -> None:
        """Wait for the answers to all that was sent."""

    def deliver(self, run: str, number: int, body: str) -> None:
        """Send one event and wait for the answer."""


@dataclass(frozen=True)
class Burst:
    """`events` for each of `runs`, as fast as they go, `batch` at a time, run after run in turns."""

    runs: Sequence[str]
    events: int
    batch: int
    first: int = 2


@dataclass(frozen=True)
class Steady:
    """`rate` events a second for `seconds`, each to the next run."""

    runs: Sequence[str]
    rate: float
    seconds: float
    first: int = 2


@dataclass(frozen=True)
class Sent:
    started: float
    ended: float
    cpu_seconds: float
    events: int


def body(run: str, stamp: int = 0) -> str:
    return encode_body(run, "text", TEXT.format(stamp=stamp), STEP, 0)


def burst(link: Link, publisher: Publisher, plan: Burst) -> Sent:
    """A Job: prepare, say so, wait for the word, publish."""
    publisher.open()
    bodies = {run: [body(run)] * plan.batch for run in plan.runs}
    link.send("ready")
    link.wait()
    started, cpu = time.monotonic(), time.process_time()
    for done in range(0, plan.events, plan.batch):
        size = min(plan.batch, plan.events - done)
        for run in plan.runs:
            publisher.send(run, plan.first + done, bodies[run][:size])
    publisher.finish()
    return Sent(started, time.monotonic(), time.process_time() - cpu, plan.events * len(plan.runs))


def steady(link: Link, publisher: Publisher, plan: Steady) -> Sent:
    """A Job: prepare, say so, wait for the word, publish at an even pace, each event when the last one is answered."""
    publisher.open()
    sleep = monkey.get_original("time", "sleep")  # gevent's has milliseconds, and nobody else wants the process
    link.send("ready")
    link.wait()
    started, cpu = time.monotonic(), time.process_time()
    for count, (run, number) in enumerate(_turns(plan)):
        wait = started + count / plan.rate - time.monotonic()
        if wait > 0:
            sleep(wait)
        publisher.deliver(run, number, body(run, time.monotonic_ns()))
    return Sent(started, time.monotonic(), time.process_time() - cpu, int(plan.rate * plan.seconds))


def _turns(plan: Steady) -> Iterator[tuple[str, int]]:
    for count in range(int(plan.rate * plan.seconds)):
        turn, place = divmod(count, len(plan.runs))
        yield plan.runs[place], plan.first + turn

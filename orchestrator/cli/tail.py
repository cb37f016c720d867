"""Watch a run, a project's runs, or all of them; straight from Redis.

python -m orchestrator tail                          # all runs, from now on
python -m orchestrator tail run_8da6fc85f31af9b9c85c5052        # one, from its first event to its end
python -m orchestrator tail --project p1 --since 10m
python -m orchestrator tail --type error --type rollback --json
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from orchestrator.cli import stored
from orchestrator.events import TERMINAL_TYPES
from orchestrator.runlog import RunLog, RunMissing
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import RunKeys, channel, listed_of_project

WAIT_SECONDS: Final = 1.0
"""Below the client's time-out: a blocking read that is longer fails."""

SECONDS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_AGO: Final = re.compile(r"([0-9]{1,9})([smhd])", re.ASCII)
_RUN_KEY: Final = re.compile(r"agent:\{(.+)\}:run")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run_id", nargs="?", metavar="RUN", help="the run to watch; all runs without it")
    parser.add_argument("--project", help="only the runs of this project")
    parser.add_argument(
        "--since", type=since, metavar="WHEN", help="also what was stored since then: 30s, 10m, 2h, 1d, or a date"
    )
    stored.output_arguments(parser)


def run(given: argparse.Namespace) -> int:
    redis = stored.redis()
    if given.run_id:
        events = (event for event in tail(redis, given.run_id) if _when(event) >= (given.since or 0))
        return stored.show(events, given)
    return stored.show(Many(redis, given.project).tail(given.since), given)


def since(given: str) -> int:
    """In ms since the epoch."""
    if ago := _AGO.fullmatch(given):
        return int((time.time() - int(ago[1]) * SECONDS[ago[2]]) * 1000)
    try:
        return int(datetime.fromisoformat(given).timestamp() * 1000)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected 30s, 10m, 2h, 1d or a date like 2026-11-25T10:00, got {given!r}"
        ) from None


def tail(redis: Client, run_id: str) -> Iterator[bytes]:
    """A run's events: the stored ones, then those to come, up to the terminal one. Raises RunMissing."""
    log = RunLog(redis)
    with redis.pubsub(ignore_subscribe_messages=False) as pubsub:
        pubsub.subscribe(channel(run_id))
        cursor = 0
        while True:
            message = pubsub.get_message(timeout=WAIT_SECONDS)
            # Every subscription, the first one and those after a reconnect, and every message: the log knows all.
            if message and message["type"] in ("subscribe", "message"):
                for event in stored.history(log, run_id, cursor):
                    cursor = json.loads(event)["id"]
                    yield event
                    if json.loads(event)["type"] in TERMINAL_TYPES:
                        return


class Many:
    """The runs of a project, or all."""

    def __init__(self, redis: Client, project_id: str | None) -> None:
        self._redis, self._log, self._project_id = redis, RunLog(redis), project_id
        self._seen: dict[str, int] = {}
        """Run → its last event that was shown."""
        self._open: set[str] = set()
        """Those of them that go on."""
        self._others: set[str] = set()

    def tail(self, since: int | None) -> Iterator[bytes]:
        """What is published from now on, after what was stored from ``since`` (ms) on, by time."""
        with self._redis.pubsub(ignore_subscribe_messages=False) as pubsub:
            pubsub.psubscribe(channel("*"))
            is_first = True
            while True:
                message = pubsub.get_message(timeout=WAIT_SECONDS)
                if message and message["type"] == "psubscribe":
                    yield from self._stored(since) if is_first and since is not None else self._missed()
                    is_first = False
                elif message and message["type"] == "pmessage":
                    yield from self._fresh(message["data"])

    def _stored(self, since: int) -> Iterator[bytes]:
        events = [event for run_id in self._known() for event in self._read(run_id) if _when(event) >= since]
        yield from sorted(events, key=lambda event: (_when(event), json.loads(event)["id"]))

    def _missed(self) -> Iterator[bytes]:
        """After a reconnect: what the runs that go on have published meanwhile."""
        for run_id in sorted(self._open):
            yield from self._read(run_id)

    def _fresh(self, event: bytes) -> Iterator[bytes]:
        fields = json.loads(event)
        run_id, number = fields["runId"], fields["id"]
        if not self._is_wanted(run_id) or number <= self._seen.get(run_id, 0):
            return
        if run_id in self._seen and number > self._seen[run_id] + 1:
            yield from self._read(run_id)
        else:
            self._note(fields)
            yield event

    def _read(self, run_id: str) -> Iterator[bytes]:
        try:
            for event in stored.history(self._log, run_id, self._seen.get(run_id, 0)):
                self._note(json.loads(event))
                yield event
        except RunMissing:
            self._open.discard(run_id)

    def _note(self, fields: dict[str, Any]) -> None:
        run_id = fields["runId"]
        self._seen[run_id] = fields["id"]
        if fields["type"] in TERMINAL_TYPES:
            self._open.discard(run_id)  # nothing can follow it
        else:
            self._open.add(run_id)

    def _known(self) -> list[str]:
        if self._project_id is not None:
            names: list[bytes] = self._redis.zrange(listed_of_project(self._project_id), 0, -1)
            return [name.decode() for name in names]
        keys = self._redis.scan_iter(match=RunKeys("*").run, count=1_000)
        return [found[1] for key in keys if (found := _RUN_KEY.fullmatch(key.decode()))]

    def _is_wanted(self, run_id: str) -> bool:
        if self._project_id is None or run_id in self._seen:
            return True
        if run_id in self._others:
            return False
        project: bytes | None = self._redis.hget(RunKeys(run_id).run, "projectId")
        if project is not None and project.decode() != self._project_id:
            self._others.add(run_id)
        return project is not None and project.decode() == self._project_id


def _when(event: bytes) -> int:
    ms: int = json.loads(event)["timestamp"]
    return ms

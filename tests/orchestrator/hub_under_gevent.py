"""A program, not a test: a hub whose connection to Redis breaks, or is late (see test_hub_reconnects.py).

The comparison that would find a missed event by itself within seconds is switched off here.
"""

# ruff: noqa: E402 - patching comes first
from gevent import monkey

monkey.patch_all()

import sys
from collections.abc import Iterable
from typing import Any

import gevent
import redis
from gevent.event import Event

from orchestrator.drain import Drain
from orchestrator.events import RunRequested, encode_body
from orchestrator.hub import Follower, Hub, SubscriberConnection, hub
from orchestrator.hub.frames import frame_data
from orchestrator.runlog import Page, RunLog
from orchestrator.runlog.connection import connect
from orchestrator.runlog.keys import channel

STEP = "model-1"
PATIENCE_SECONDS = 20


class LateConnection(SubscriberConnection):
    """Subscribes to nothing while it may not."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.may_send = Event()
        self.may_send.set()

    def send_many(self, commands: Iterable[tuple[Any, ...]]) -> None:
        self.may_send.wait()
        super().send_many(commands)


class LogOfABusyRun(RunLog):
    """An event is published right after the first page was read, and only then may the hub subscribe."""

    def __init__(self, redis: Any, connection: LateConnection) -> None:
        super().__init__(redis)
        self._connection = connection

    def read(self, run_id: str, *args: Any) -> Page:
        page = super().read(run_id, *args)
        if not self._connection.may_send.is_set():
            append(self, run_id)
            self._connection.may_send.set()
        return page


def append(log: RunLog, run_id: str) -> None:
    log.append(run_id, STEP, 0, 1, [encode_body(run_id, "text", "while nobody listened", STEP, 0)])


def loses_its_connection(url: str, run_id: str, client: Any, log: RunLog) -> str:
    opened = Hub(SubscriberConnection(url), client, max_viewers=1, queue_bytes=100_000)
    viewer = opened.attach(run_id)
    viewer.catch_up()
    viewer.cursor = 1
    opened.await_channel(run_id)
    with redis.Redis.from_url(url) as admin:
        admin.client_kill_filter(_type="pubsub")
        while admin.pubsub_numsub(channel(run_id))[0][1]:
            gevent.sleep(0)
        append(log, run_id)
        while not viewer.behind:
            viewer.wait()
    return "reads the log again"


def subscribes_late(url: str, run_id: str, client: Any, log: RunLog) -> str:
    late = LateConnection(url)
    opened = Hub(late, client, max_viewers=2, queue_bytes=100_000)
    opened.attach("run_other")
    opened.await_channel("run_other")
    late.may_send.clear()
    stream = Follower(LogOfABusyRun(client, late), opened, Drain(1.0), 3600.0).open(run_id, 0, frame_data)
    said = stream.begin()
    assert b"while nobody listened" not in said
    while b"while nobody listened" not in said:
        if not stream.viewer.behind:
            stream.viewer.wait()
        said = stream.turn()
    return "finds what it has missed"


def main(what: str, url: str, run_id: str) -> None:
    hub.PULSE_SECONDS = 3600  # type: ignore[misc]  # switched off
    client = connect(url, 2)
    log = RunLog(client)
    log.create(RunRequested(run_id=run_id, project_id="p", value="v"), "direct", "hello")
    log.begin(run_id, STEP, 0, "nonce")
    with gevent.Timeout(PATIENCE_SECONDS):
        print({"lost": loses_its_connection, "late": subscribes_late}[what](url, run_id, client, log))


if __name__ == "__main__":
    main(*sys.argv[1:])

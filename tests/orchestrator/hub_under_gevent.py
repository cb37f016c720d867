"""A program, not a test: a hub whose connection to Redis breaks (see test_hub_reconnects.py).

The comparison that would find a missed event by itself within seconds is switched off here.
"""

# ruff: noqa: E402 - patching comes first
from gevent import monkey

monkey.patch_all()

import sys

import gevent
import redis

from orchestrator.events import RunRequested, encode_body
from orchestrator.hub import Hub, SubscriberConnection, hub
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect
from orchestrator.runlog.keys import channel

STEP = "model-1"
PATIENCE_SECONDS = 20


def main(url: str, run_id: str) -> None:
    hub.PULSE_SECONDS = 3600  # type: ignore[misc]  # switched off
    client = connect(url, 2)
    log = RunLog(client)
    log.create(RunRequested(run_id=run_id, project_id="p", value="v"), "direct", "hello")
    log.begin(run_id, STEP, 0, "nonce")
    viewer = Hub(SubscriberConnection(url), client, max_viewers=1, queue_bytes=100_000).attach(run_id)
    viewer.catch_up()
    viewer.cursor = 1

    with gevent.Timeout(PATIENCE_SECONDS), redis.Redis.from_url(url) as admin:
        admin.client_kill_filter(_type="pubsub")
        while admin.pubsub_numsub(channel(run_id))[0][1]:
            gevent.sleep(0)
        log.append(run_id, STEP, 0, 1, [encode_body(run_id, "text", "while nobody listened", STEP, 0)])
        while not viewer.behind:
            viewer.wait()
    print("reads the log again")


if __name__ == "__main__":
    main(*sys.argv[1:])

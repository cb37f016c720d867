"""`python -m orchestrator.tail [RUN_ID]`: watch a run in a terminal, straight from Redis; all of them without an id."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Final

from redis.exceptions import RedisError

from agent.console import Console, harmless_json
from orchestrator.events import TERMINAL_TYPES
from orchestrator.runlog import RunLog, RunMissing
from orchestrator.runlog.connection import Client, connect
from orchestrator.runlog.keys import channel
from orchestrator.settings import SettingsError, load_settings

WAIT_SECONDS: Final = 1.0
"""Below the client's time-out: a blocking read that is longer fails."""


PAGE_EVENTS: Final = 1_000


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
                while True:
                    page = log.read(run_id, cursor, PAGE_EVENTS)
                    yield from page.events
                    cursor = page.end
                    if not page.has_more:
                        break
                if page.ended:
                    return


def tail_all(redis: Client) -> Iterator[bytes]:
    """Whatever is published from now on."""
    with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        pubsub.psubscribe(channel("*"))
        while True:
            message = pubsub.get_message(timeout=WAIT_SECONDS)
            if message:
                yield message["data"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m orchestrator.tail", description=__doc__)
    parser.add_argument("run_id", nargs="?", help="the run to watch; all runs without it")
    parser.add_argument("--json", action="store_true", help="print the events as they are")
    arguments = parser.parse_args()
    try:
        settings = load_settings()
        redis = connect(settings.redis_url, 2, settings.redis_tls_verify)
        return _show(tail(redis, arguments.run_id) if arguments.run_id else tail_all(redis), arguments.json)
    except SettingsError as error:
        sys.exit(f"runwire cannot start:\n{error}")
    except RunMissing:
        sys.exit(f"unknown or expired run {arguments.run_id!r}")
    except RedisError as error:
        sys.exit(f"Redis does not answer: {error}")
    except KeyboardInterrupt:
        return 130


def _show(events: Iterator[bytes], as_json: bool) -> int:
    consoles: dict[str, Console] = {}
    status = 0
    for event in events:
        if as_json:
            print(harmless_json(event.decode()), flush=True)
            continue
        fields = json.loads(event)
        run_id = fields["runId"]
        if run_id not in consoles:
            print(f"── {run_id}")
        consoles.setdefault(run_id, Console()).show(fields)
        if fields["type"] in TERMINAL_TYPES:
            status = 0 if fields["type"] == "complete" else 1
            del consoles[run_id]
    return status


if __name__ == "__main__":
    sys.exit(main())

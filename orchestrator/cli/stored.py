"""Events straight from Redis, and how they are shown."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

from agent.console import Console, harmless_json
from orchestrator.cli.output import clean
from orchestrator.event_types import EVENT_TYPES
from orchestrator.events import TERMINAL_TYPES
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import Client, connect
from orchestrator.settings import load_fields

CONNECTIONS: Final = 2
PAGE_EVENTS: Final = 1_000
TYPES: Final = [kind.name for kind in EVENT_TYPES]


def redis() -> Client:
    """Raises SettingsError."""
    settings = load_fields()
    return connect(settings.redis_url, CONNECTIONS, settings.redis_tls_verify)


def output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the events as they are")
    parser.add_argument(
        "--type", action="append", default=[], choices=TYPES, metavar="TYPE", help="only these; may be given again"
    )


def history(log: RunLog, run_id: str, after: int = 0) -> Iterator[bytes]:
    """The stored events of a run. Raises RunMissing."""
    while True:
        page = log.read(run_id, after, PAGE_EVENTS)
        yield from page.events
        after = page.end
        if not page.has_more:
            return


def show(events: Iterable[bytes], given: argparse.Namespace) -> int:
    """Print them; 1 where the last run that ended has failed."""
    consoles: dict[str, Console] = {}
    status = 0
    for event in events:
        fields: dict[str, Any] = json.loads(event)
        run_id, is_end = fields["runId"], fields["type"] in TERMINAL_TYPES
        if is_end:
            status = 0 if fields["type"] == "complete" else 1
        if given.type and fields["type"] not in given.type:
            continue
        if given.json:
            print(harmless_json(event.decode()), flush=True)
            continue
        if run_id not in consoles:
            print(f"── {clean(run_id)}")
        consoles.setdefault(run_id, Console()).show(fields)
        if is_end:
            del consoles[run_id]
    return status

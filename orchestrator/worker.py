"""The `worker` process: `python -m orchestrator.worker` takes Inngest's calls over an outbound connection.

For places that Inngest cannot reach over HTTP. Set INNGEST_SERVE=false for the web processes then: of a served endpoint
and a worker, the last one to register gets the work. It runs in plain threads; nothing here is patched for gevent.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable
from typing import Final

from inngest.connect import ConnectionState, connect

from orchestrator.logs import configure_logging
from orchestrator.redact import Redactor
from orchestrator.refusals import warn_of_slips
from orchestrator.runlog.fitness import refuse_unfit_redis
from orchestrator.service import Service, build_service
from orchestrator.settings import Settings, SettingsError, load_settings

POLL_SECONDS: Final = 0.5


async def serve(service: Service) -> None:
    """Run until SIGTERM or Ctrl-C. Running steps are then given up for a retry after the drain's time."""
    connection = connect([(service.client, service.functions)])
    ended = threading.Event()
    watcher = asyncio.create_task(_drain_when_closing(connection.get_state, service, ended))
    try:
        await connection.start()
    finally:
        ended.set()
        await watcher


async def _drain_when_closing(state: Callable[[], ConnectionState], service: Service, ended: threading.Event) -> None:
    while not ended.is_set():
        if state() in (ConnectionState.CLOSING, ConnectionState.CLOSED):
            service.drain.start()
        await asyncio.sleep(POLL_SECONDS)


def main() -> None:
    try:
        settings: Settings = load_settings()
    except SettingsError as error:
        sys.exit(f"runwire cannot start:\n{error}")
    configure_logging(settings.log_level, Redactor.from_environment(os.environ), as_json=settings.logs_as_json)
    warn_of_slips(os.environ, (name.upper() for name in type(settings).model_fields))
    if not settings.dev:
        refuse_unfit_redis(settings)
    # The SDK's pool would otherwise be as small as the machine; steps mostly wait.
    os.environ.setdefault("INNGEST_THREAD_POOL_MAX_WORKERS", str(settings.inngest_concurrency))
    service = build_service(settings)
    service.housekeeping.start()
    asyncio.run(serve(service))


if __name__ == "__main__":
    main()

"""`make example NAME=use-chat`: builds the example pages and serves them beside the service, until Ctrl-C."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from tools.clients import CLIENTS, build
from tools.processes import StartError
from tools.serve import WATCH_SECONDS, port_from
from tools.stack import STATE_DIRECTORY, Stack, environment
from tools.stopping import StopRequested, stop_on_signals

APP = "tools.examples_app:app"


def names() -> list[str]:
    pages: list[Path] = sorted((CLIENTS / "examples").glob("*/index.html"))
    return [page.parent.name for page in pages]


def main() -> int:
    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in names():
        print(f"usage: make example NAME=…   one of: {', '.join(names())}", file=sys.stderr)
        return 2
    stop_on_signals()
    try:
        build()
        serve(name)
    except StopRequested:
        pass
    except (StartError, TimeoutError) as error:
        print(f"Could not start: {error}", file=sys.stderr)
        return 1
    return 0


def serve(name: str) -> None:
    env = environment()
    port = port_from(env)
    with Stack(port, env, redis_directory=STATE_DIRECTORY / f"redis-{port}", app=APP) as stack:
        print(f"\n  Open {stack.web.url}/examples/{name}/index.html   (Ctrl-C stops everything)\n", flush=True)
        while not (failure := stack.failure()):
            time.sleep(WATCH_SECONDS)
        raise StartError(failure)


if __name__ == "__main__":
    sys.exit(main())

"""`make run`: Redis and the service in the foreground, until Ctrl-C."""

import sys
import time

from tools.processes import StartError
from tools.stack import STATE_DIRECTORY, Stack, environment
from tools.stopping import StopRequested, stop_on_signals

DEFAULT_PORT = 8000
WATCH_SECONDS = 0.5


def main() -> int:
    stop_on_signals()
    try:
        return serve()
    except StopRequested:
        return 0
    except (StartError, TimeoutError) as error:
        print(f"Could not start: {error}", file=sys.stderr)
        return 1


def serve() -> int:
    env = environment()
    port = port_from(env)
    with Stack(port, env, redis_directory=STATE_DIRECTORY / f"redis-{port}") as stack:
        print(welcome(stack), flush=True)
        try:
            while not (failure := stack.failure()):
                time.sleep(WATCH_SECONDS)
        except StopRequested:
            print("\nStopping: running steps get a moment to finish …", flush=True)
            failure = None
    if failure is None:
        print("Stopped.")
        return 0
    print(f"Stopped, because {failure}.", file=sys.stderr)
    return 1


def port_from(env: dict[str, str]) -> int:
    text = env.get("PORT") or str(DEFAULT_PORT)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise StartError(f"PORT must be a number from 1 to 65535, got {text!r}")
    return int(text)


def welcome(stack: Stack) -> str:
    url, redis_url = stack.web.url, stack.redis_url
    kept = f"(own server; data in {stack.redis.directory})" if stack.redis else "(from REDIS_URL)"
    return f"""
  Runwire   {url}
  Redis     {hide_password(redis_url)} {kept}

  Open {url}/ in a browser, or start a run and watch it here:
    curl -N {url}/agent/run -H 'content-type: application/json' \\
      -d '{{"projectId": "p1", "value": "a tip calculator"}}'
  Watch all runs from outside:
    redis-cli -u {hide_password(redis_url)} psubscribe 'agent:*'
    REDIS_URL={hide_password(redis_url)} .venv/bin/python -m orchestrator tail

  Ctrl-C stops everything.
"""


def hide_password(url: str) -> str:
    """`rediss://user:secret@host` without what stands before the @."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://…@{rest.rpartition('@')[2]}" if "@" in rest else url


if __name__ == "__main__":
    sys.exit(main())

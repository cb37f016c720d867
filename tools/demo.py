"""`make demo PROMPT="…"`: start the service, post the prompt, watch the run, and keep the files it made."""

import http.client
import json
import os
import sys
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from agent.console import Console
from tools.keep_files import describe, keep_files
from tools.processes import StartError, free_port
from tools.stack import STATE_DIRECTORY, Stack, environment
from tools.stopping import StopRequested, stop_on_signals

LOG_PATH = STATE_DIRECTORY / "demo.log"
LOG_LINES = 30
STOPPED_BY_USER = 130  # what shells report for Ctrl-C
SILENCE_SECONDS = 60.0  # keepalives come every 15 s; a longer silence means that the service is gone

Event = dict[str, Any]


class DemoError(Exception):
    """The run did not get as far as it should have."""


def main(prompt: str) -> int:
    stop_on_signals()
    LOG_PATH.unlink(missing_ok=True)
    started = time.monotonic()
    try:
        with Stack(free_port(), environment(), log_path=LOG_PATH) as stack:
            result = watch(stack.web.port, prompt)
            folder = keep_files(result["files"], result.get("title") or prompt)
            print(f"\n{describe(folder)}\n\nDone in {time.monotonic() - started:.1f} s.", flush=True)
            if result["url"]:
                preview = opened(stack.web.port, urlsplit(result["url"]).path)
                print(f"\nPreview:  {preview}", flush=True)
                keep_serving(os.environ.get("SERVE", ""))
    except StopRequested:
        print("\nStopped.")
        return STOPPED_BY_USER
    except (StartError, TimeoutError, DemoError, ValueError, OSError, http.client.HTTPException) as error:
        print(f"\nThe demo failed: {error}\n\n{log_tail()}", file=sys.stderr)
        return 1
    return 0


def opened(port: int, path: str) -> str:
    """Where the preview is here, once it has been seen to open."""
    url = f"http://127.0.0.1:{port}{path}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENCE_SECONDS)
    try:
        connection.request("GET", path, headers={"Accept": "text/html"})
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise DemoError(f"the preview at {url} does not open: {response.status}")
    finally:
        connection.close()
    return url


def keep_serving(seconds: str) -> None:
    """Let the preview be opened: for so many ``seconds``, or, in a terminal, until Enter or Ctrl-C."""
    try:
        if seconds:
            print(f"It is served for {seconds} s.", flush=True)
            time.sleep(float(seconds))
        elif sys.stdin.isatty() and sys.stdout.isatty():
            print("It is served until you press Enter.", flush=True)
            sys.stdin.readline()
        else:
            print("It is served until the demo ends, that is now; SERVE=60 keeps it for a minute.", flush=True)
    except StopRequested:
        print()


def watch(port: int, prompt: str) -> Event:
    """Post the prompt, show every event as it comes, and return the data of the `complete` event."""
    console = Console()
    for event in post(port, prompt):
        console.show(event)
        if event["type"] == "complete":
            return dict(event["data"])
        if event["type"] == "error":
            raise DemoError(f"the run ended with {event.get('code')!r}: {event['data']}")
    raise DemoError("the stream ended before the run did")


def post(port: int, prompt: str) -> Iterator[Event]:
    """Read the run as the simplest of clients: split on blank lines, parse what stands after `data: `."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENCE_SECONDS)
    try:
        body = json.dumps({"projectId": f"demo-{time.time_ns()}", "value": prompt})
        connection.request("POST", "/agent/run", body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        if response.status != http.HTTPStatus.OK:
            raise DemoError(f"the service answered {response.status}: {response.read().decode(errors='replace')}")
        buffer = b""
        while chunk := response.read1():
            *frames, buffer = (buffer + chunk).split(b"\n\n")
            for frame in frames:
                if frame.startswith(b"data: "):
                    yield json.loads(frame.removeprefix(b"data: "))
    finally:
        connection.close()


def log_tail() -> str:
    if not LOG_PATH.exists():
        return ""
    lines = LOG_PATH.read_text(errors="replace").splitlines()
    return "\n".join([f"The end of {LOG_PATH}:", *lines[-LOG_LINES:]])


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.exit('usage: make demo PROMPT="what to build"')
    sys.exit(main(sys.argv[1]))

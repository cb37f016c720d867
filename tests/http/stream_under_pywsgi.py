"""A program, not a test: the application served by another WSGI server than ours (see test_another_server.py)."""

# ruff: noqa: E402 - patching comes first
from gevent import monkey

monkey.patch_all()

import os
import sys
import urllib.request

import gevent
from gevent.pywsgi import WSGIServer

from app import create_app
from orchestrator.events import RunRequested, encode_body
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect
from orchestrator.settings import load_settings

STEP = "model-1"
PATIENCE_SECONDS = 30
PIECE = "x" * 50_000
PIECES = 20


def main(url: str, run_id: str) -> None:
    os.environ |= {"REDIS_URL": url, "INNGEST_DEV": "1", "AGENT_ENGINE": "direct"}
    log = RunLog(connect(url, 2))
    log.create(RunRequested(run_id=run_id, project_id="p", value="v"), "direct", "hello")
    log.begin(run_id, STEP, 0, "nonce")
    log.append(run_id, STEP, 0, 1, [encode_body(run_id, "text", PIECE, STEP, 0)] * PIECES)  # more than a page
    server = WSGIServer(("127.0.0.1", 0), create_app(load_settings()), log=None)
    server.start()
    with gevent.Timeout(PATIENCE_SECONDS):
        address = f"http://127.0.0.1:{server.server_port}/agent/run/{run_id}/events"
        with urllib.request.urlopen(urllib.request.Request(address, headers={"Accept": "text/event-stream"})) as stream:
            for number in range(1, 4):
                log.append(run_id, STEP, 0, PIECES + number, [encode_body(run_id, "text", "live", STEP, 0)])
                gevent.sleep(0)
            log.fail(run_id, "enough", "failed")
            received = stream.read()
    ids = [int(line[4:]) for line in received.split(b"\n") if line.startswith(b"id: ")]
    print("whole" if ids == list(range(1, PIECES + 6)) else ids)


if __name__ == "__main__":
    main(*sys.argv[1:])

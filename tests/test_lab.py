"""What the other tests stand on works: own servers start, break and leave nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from lab.browser import Browser
from lab.inngest import InngestServer
from lab.service import Service
from lab.sse import assert_whole, events_of, run_to_end, start_run
from tests.conftest import StartService
from tools.keep_files import safe_path, slug
from tools.processes import wait_until
from tools.redis_server import RedisServer
from tools.web_server import ROOT

STARTS_REDIS_AND_WAITS = """
from tools.redis_server import RedisServer
server = RedisServer().start()
print(server.pid, flush=True)
input()
"""


def test_an_own_redis_keeps_its_data_over_a_crash(own_redis: RedisServer) -> None:
    with redis.Redis.from_url(own_redis.url) as client:
        client.set("key", "value")
        own_redis.restart()
        assert client.get("key") == b"value"


def test_a_paused_redis_goes_on(own_redis: RedisServer) -> None:
    with redis.Redis.from_url(own_redis.url, socket_timeout=0.2, retry=None) as client:
        with own_redis.paused(), pytest.raises(redis.TimeoutError):
            client.ping()
        assert client.ping()


def test_redis_dies_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", STARTS_REDIS_AND_WAITS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        parent.kill()
    wait_until(lambda: not _is_running(pid), 10, f"redis-server {pid} to be gone")


def test_a_run_ends_whole_and_reads_the_same_again(service: Service) -> None:
    events = run_to_end(service)
    assert_whole(events)
    run_id = events[0]["runId"]
    assert events_of(service, run_id) == events
    assert events_of(service, run_id, after=3) == events[3:]


def test_a_killed_worker_is_replaced(start_service: StartService) -> None:
    service = start_service(workers=2)
    pid = service.kill_worker()
    assert not _is_running(pid)
    assert service.http.get("/healthz").is_success


def test_nothing_of_a_service_is_left_when_it_is_killed(start_service: StartService) -> None:
    service = start_service(workers=2)
    workers = service.worker_pids()
    service.kill()
    wait_until(lambda: not any(map(_is_running, workers)), 10, "the workers to be gone")


def test_runs_go_through_inngest(
    inngest_service: Service, inngest_server: InngestServer, unique: Callable[[str], str]
) -> None:
    assert_whole(events_of(inngest_service, start_run(inngest_service, projectId=unique("project"))))
    assert inngest_service.http.get("/readyz").json()["engine"] == "inngest"


@pytest.mark.browser
def test_a_browser_opens_the_service(service: Service, browser: Browser) -> None:
    browser.open(f"{service.url}/healthz", as_page=True)
    assert browser.evaluate("fetch('/healthz').then(answer => answer.status)") == 200


@pytest.mark.parametrize("name", ["/etc/passwd", "../up", "a/../../up", ""])
def test_demo_files_stay_in_their_folder(name: str) -> None:
    with pytest.raises(ValueError, match="inside the project"):
        safe_path(name)


def test_a_title_makes_a_folder_name() -> None:
    assert slug("  A tip calculator — with “quotes”! ") == "a-tip-calculator-with-quotes"
    assert slug("计算器") == "run"


def _is_running(pid: int) -> bool:
    """Whether the process exists and is no zombie."""
    try:
        os.kill(pid, signal.SIG_DFL)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False

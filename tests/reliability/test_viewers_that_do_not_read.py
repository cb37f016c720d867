"""Viewers that do not read cost a page each, and do not hold up the end of the process."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from lab.service import Service
from lab.sse import assert_whole, events_of
from orchestrator.events import RunRequested, encode_body
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect
from tests.conftest import StartService
from tools.processes import wait_until

STEP = "tool-1-1"
CHARACTERS = 240_000  # of one event, near the most that a step may emit
LARGE_LOG = 17_000_000
MIB = 1_048_576
VIEWERS = 200
LOOKS = 50


def make_large_run(redis_url: str, run_id: str) -> None:
    log = RunLog(connect(redis_url, 2))
    log.create(RunRequested(run_id=run_id, project_id=run_id, value="v"), "direct", "hello")
    log.begin(run_id, STEP, 0, "nonce")
    for number in range(1, LARGE_LOG // CHARACTERS + 1):
        log.append(run_id, STEP, 0, number, [encode_body(run_id, "text", "x" * CHARACTERS, STEP, 0)])


@contextmanager
def silent_viewers(
    service: Service, run_id: str, count: int, what: str = "events", times: int = 1
) -> Iterator[list[socket.socket]]:
    """Clients that ask for the run's events and then take nothing but what their kernel takes for them."""
    request = f"GET /agent/run/{run_id}/{what} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with ExitStack() as stack:
        viewers = []
        for _ in range(count):
            viewer = stack.enter_context(socket.create_connection(("127.0.0.1", service.port), timeout=30))
            viewer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            viewer.sendall(request.encode() * times)
            viewers.append(viewer)
        for viewer in viewers:
            assert viewer.recv(12) == b"HTTP/1.1 200"
        yield viewers


def resident(pid: int) -> int:
    """Bytes of memory that the process holds."""
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))


def open_sockets(pid: int) -> int:
    return sum("socket:" in link for link in map(_target, Path(f"/proc/{pid}/fd").iterdir()))


def untaken(port: int) -> int:
    """Bytes of the service's that the system holds because clients do not take them."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(int(row[4].partition(":")[0], 16) for row in rows if row[1].endswith(f":{port:04X}"))


def wait_until_held_up(port: int) -> None:
    """Until nothing more can be sent: the bytes have been as many for some looks."""
    seen: list[int] = []

    def is_still() -> bool:
        seen.append(untaken(port))
        return len(seen) > LOOKS and seen[-1] > 0 and len(set(seen[-LOOKS:])) == 1

    wait_until(is_still, 30, "viewers to be held up")


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except OSError:  # closed meanwhile
        return ""


def test_forty_viewers_of_a_large_log_cost_little(
    start_service: StartService, redis_url: str, unique: Callable[[str], str]
) -> None:
    """At 500 events a page, whatever their size, they took 1,084 MiB (limit of bytes in read.lua, Stream's slices)."""
    service = start_service(workers=1)
    make_large_run(redis_url, run_id := unique("run"))
    [pid] = service.worker_pids()
    assert service.http.get(f"/agent/run/{run_id}/poll").is_success
    idle = resident(pid)
    with silent_viewers(service, run_id, 40) as viewers:
        assert service.http.get("/healthz").is_success  # all of them have been served as far as they let it
        taken = resident(pid) - idle
        assert taken < 60 * MIB, f"{taken / MIB:.0f} MiB for {len(viewers)} viewers"


def test_two_hundred_of_them_do_not_hold_up_the_end(
    start_service: StartService, redis_url: str, unique: Callable[[str], str]
) -> None:
    """A stream whose client takes nothing never looks up. Without Hub.hang_up_all the process ended over them."""
    service = start_service(workers=1)
    make_large_run(redis_url, run_id := unique("run"))
    with silent_viewers(service, run_id, VIEWERS):
        wait_until_held_up(service.port)
        service.terminate()
        wait_until(lambda: not service.is_alive(), 25, "the service to be gone")
    assert service.log().count("Worker exiting") == 1, "the worker was killed"
    assert service.log().count(f"path=/agent/run/{run_id}/events") == VIEWERS, "streams were not ended"


def test_clients_that_take_nothing_are_hung_up_on(
    start_service: StartService, redis_url: str, unique: Callable[[str], str]
) -> None:
    """They kept their places and what waited for them for ever, streams as other answers (gunicorn.conf.py)."""
    service = start_service(workers=1, RESPONSE_TIMEOUT="2")
    make_large_run(redis_url, run_id := unique("run"))
    [pid] = service.worker_pids()
    with silent_viewers(service, run_id, 20), silent_viewers(service, run_id, 20, what="poll", times=20):
        wait_until(lambda: open_sockets(pid) < 20, 30, "their sockets to be free; some are Redis'")
    assert "Traceback" not in service.log()


def test_a_viewer_that_reads_gets_all_of_it(
    start_service: StartService, redis_url: str, unique: Callable[[str], str]
) -> None:
    service = start_service(workers=1)
    make_large_run(redis_url, run_id := unique("run"))
    RunLog(connect(redis_url, 2)).fail(run_id, "enough", "failed")
    events = events_of(service, run_id)
    assert_whole(events)
    assert sum(len(event["data"]) for event in events) > LARGE_LOG - CHARACTERS

"""Clients that begin a request and do not finish it cost nobody else anything (FINDINGS B5).

Seen: 1,070 half-sent heads silenced /healthz for 100 s, and bodies had no time limit at all.
"""

import http.client
import json
import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress

import pytest

from lab.llm import says
from lab.model_server import Gate, ModelServer
from lab.service import Service
from lab.sse import EVENT_STREAM, post_run, sse_events
from tests.conftest import StartService

HALF_HEAD = b"GET /agent/models HTTP/1.1\r\nHost: x\r\nX-Slow: "
HALF_BODY = (
    b"POST /agent/run HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
)
HEALTHZ = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
CONNECTIONS = 1_200
HEALTHY_SECONDS = 10.0  # milliseconds on a quiet machine, see docs/reliability.md


@pytest.fixture(scope="module", autouse=True)
def enough_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4_096)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def connect(service: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", service.port), timeout=60)


@pytest.mark.parametrize("half", [HALF_HEAD, HALF_BODY, b""], ids=["heads", "bodies", "nothing"])
def test_1200_half_open_connections_leave_healthz_alone(half: bytes, start_service: StartService) -> None:
    """Their own time is long enough here not to help; without the bound the worker's connections are used up."""
    service = start_service(
        SSE_MAX_VIEWERS="10", REQUEST_HEAD_TIMEOUT="120", REQUEST_BODY_TIMEOUT="120", AGENT_OFFLINE_DELAY="0"
    )
    with ExitStack() as stack:
        for _ in range(CONNECTIONS):
            stack.enter_context(connect(service)).sendall(half)
        for _ in range(5):
            assert service.http.get("/healthz", timeout=HEALTHY_SECONDS).status_code == 200
        with post_run(service, model="offline", headers=EVENT_STREAM) as response:
            assert next(sse_events(response))["id"] == 1


def test_a_crowd_that_connects_before_it_asks_is_served(service: Service) -> None:
    """Of 1,200 that were there before the first one asked, those beyond 512 a process were hung up on."""
    with ExitStack() as stack:
        crowd = [stack.enter_context(connect(service)) for _ in range(CONNECTIONS)]
        for _ in range(10):  # behind them in the queue of each process: they are not waiting there any more
            with connect(service) as asking:
                asking.sendall(HEALTHZ)
                assert asking.recv(100).startswith(b"HTTP/1.1 200")
        for each in crowd:
            each.sendall(HEALTHZ)
        assert all(each.recv(100).startswith(b"HTTP/1.1 200") for each in crowd)


def test_the_one_that_owes_longest_is_hung_up_on(service: Service) -> None:
    """At once, not after its time: each of two workers has room for 512, however unevenly they share."""
    with ExitStack() as stack:
        first = stack.enter_context(connect(service))
        first.sendall(HALF_HEAD)
        for _ in range(2 * CONNECTIONS):
            stack.enter_context(connect(service)).sendall(HALF_HEAD)
        first.settimeout(5)
        assert first.recv(100) == b""


def test_head_and_body_must_be_whole_in_time_however_slowly_they_go_on(start_service: StartService) -> None:
    service = start_service(REQUEST_HEAD_TIMEOUT="1", REQUEST_BODY_TIMEOUT="1.5", SSE_KEEPALIVE="0.2")
    with connect(service) as slow:
        slow.sendall(HALF_HEAD)
        assert _trickle_until_closed(slow) == b""
    with connect(service) as slow:
        slow.sendall(HALF_BODY)
        answer = _trickle_until_closed(slow)
        assert b" 408 " in answer.splitlines()[0]
        assert b'{"error":' in answer


def test_streams_and_idle_connections_have_no_such_limit(
    start_service: StartService, model_server: ModelServer, unique: Callable[[str], str]
) -> None:
    env = {"REQUEST_HEAD_TIMEOUT": "0.5", "REQUEST_BODY_TIMEOUT": "0.5", "SSE_KEEPALIVE": "0.2"}
    service = start_service(workers=1, **env, **model_server.environment())
    gate = Gate()
    body = json.dumps({"projectId": "p", "value": model_server.script(unique("slow"), gate, says("Done."))})
    with closing(http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)) as connection:
        connection.request("POST", "/agent/run", body, {"Content-Type": "application/json"})
        stream, quiet = connection.getresponse(), 0
        while quiet < 10:  # 2 s
            quiet += stream.readline() == b": keepalive\n"
        gate.finish("Done.")
        assert b'"type":"complete"' in stream.read()
        same = connection.sock
        connection.request("GET", "/healthz")
        assert connection.getresponse().read() == b'{"status":"ok"}\n'
        assert connection.sock is same


@pytest.mark.parametrize("chunk", [b"0x5\r\nhello\r\n", b"-1\r\n", b"zz\r\n", b"5\r\nhelloXY", b"\r\n\r\n"])
@pytest.mark.parametrize("path", ["/agent/run", "/api/agent/run"])
def test_malformed_chunks_are_a_bad_request(chunk: bytes, path: str, service: Service) -> None:
    """Seen: 500 for `0x5` (FINDINGS B6)."""
    with connect(service) as raw:
        head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        raw.sendall(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)
        answer = raw.makefile("rb").read()
        assert b" 400 " in answer.splitlines()[0]
        assert b'{"error":' in answer


@pytest.mark.parametrize("rest", [b"zz\r\n", b"5\r\nhel"], ids=["malformed", "too short"])
def test_a_body_that_nobody_needs_is_not_answered_a_second_time(rest: bytes, service: Service) -> None:
    """Read only to find the next request behind it; a 500 followed, and the log had a traceback."""
    with connect(service) as raw:
        raw.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        answer = raw.makefile("rb")
        while answer.readline() != b'{"status":"ok"}\n':
            pass
        raw.sendall(rest)
        raw.shutdown(socket.SHUT_WR)
        assert answer.read() == b""


def _trickle_until_closed(sock: socket.socket, most_seconds: float = 15) -> bytes:
    """What the service says before it closes, while bytes still come."""
    sock.settimeout(0.2)
    received, give_up = b"", time.monotonic() + most_seconds
    while time.monotonic() < give_up:
        try:
            piece = sock.recv(10_000)
        except TimeoutError:
            with suppress(BrokenPipeError, ConnectionResetError):
                sock.sendall(b"a")
            continue
        except ConnectionResetError:
            return received
        if not piece:
            return received
        received += piece
    pytest.fail(f"still open after {most_seconds} s; it said {received!r}")

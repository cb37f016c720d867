"""What clients do with an open stream's connection costs nobody else anything, and none of it is left behind.

The service sends no heartbeat here: that a client has gone only the poller can say.
"""

import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import redis

from lab.service import Service
from lab.sse import assert_whole, events_of, parse
from orchestrator.events import RunRequested, encode_body
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect
from tests.conftest import next_database
from tools.processes import wait_until
from tools.redis_server import RedisServer

STEP = "tool-1-1"
SECONDS = 30.0
GARBAGE = b"\x00\xff not HTTP at all \r\n\r\n" * 3_000
"""66 KB: as much as a socket takes that nobody reads."""


class Run:
    """A run that says what the test has it say."""

    def __init__(self, redis_url: str, run_id: str) -> None:
        self.id, self._log, self._said = run_id, RunLog(connect(redis_url, 2)), 0
        self._log.create(RunRequested(run_id=run_id, project_id=run_id, value="v"), "direct", "hello")
        self._log.begin(run_id, STEP, 0, "nonce")

    def say(self, text: str, times: int = 1) -> None:
        self._log.append(self.id, STEP, 0, self._said + 1, [encode_body(self.id, "text", text, STEP, 0)] * times)
        self._said += times

    def end(self) -> None:
        self._log.fail(self.id, "enough", "failed")


@pytest.fixture(scope="module")
def quiet(redis_server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    env = {"AGENT_ENGINE": "direct", "SSE_KEEPALIVE": "600", "AGENT_STALL_SECONDS": "600"}
    with Service(next_database(redis_server), tmp_path_factory.mktemp("service"), env=env) as running:
        yield running


@pytest.fixture
def run(quiet: Service, unique: Callable[[str], str]) -> Iterator[Run]:
    made = Run(quiet.env["REDIS_URL"], unique("run"))
    yield made
    made.end()


def request(path: str, version: str = "1.1", *fields: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/{version}", "Host: 127.0.0.1", *fields, "", ""]).encode()


def watch(run: Run) -> str:
    return f"/agent/run/{run.id}/events"


@contextmanager
def opened(service: Service, sent: bytes) -> Iterator[socket.socket]:
    """A client that has got the run's first event."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=SECONDS) as client:
        client.sendall(sent)
        received = b""
        while b"data: " not in received:
            received += client.recv(1)
        yield client


def rest_of(client: socket.socket) -> bytes:
    """Until the service has closed the connection."""
    received = b""
    try:
        while data := client.recv(65_536):
            received += data
    except ConnectionResetError:  # it has closed with input unread
        pass
    return received


def texts(received: bytes) -> list[str]:
    found = (parse(event) for event in re.findall(r'\{"id":.*?\}(?=\r?\n)', received.decode()))
    return [event["data"] for event in found if event["type"] == "text"]


def viewers(service: Service, run: Run) -> int:
    with redis.Redis.from_url(service.env["REDIS_URL"]) as client:
        return int(client.pubsub_numsub(f"agent:{run.id}")[0][1])


def test_a_client_that_has_gone_is_noticed_without_a_heartbeat(quiet: Service, run: Run) -> None:
    """Without GONE among what the poller watches it stayed until the next event."""
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(opened(quiet, request(watch(run))))
        assert viewers(quiet, run) == 1
    wait_until(lambda: viewers(quiet, run) == 0, SECONDS, "the gone viewers to be noticed")


def test_a_client_that_closes_its_half_is_gone(quiet: Service, run: Run) -> None:
    """As for nginx and Go: no client of event streams does that and reads on."""
    with opened(quiet, request(watch(run))) as client:
        client.shutdown(socket.SHUT_WR)
        assert texts(rest_of(client)) == []
    wait_until(lambda: viewers(quiet, run) == 0, SECONDS, "its place to be free")


def test_garbage_on_an_open_stream_is_looked_at_when_the_stream_is_over(quiet: Service, run: Run) -> None:
    with opened(quiet, request(watch(run))) as rude, opened(quiet, request(watch(run))) as other:
        rude.sendall(GARBAGE)
        for number in range(5):
            run.say(f"word {number}")
        run.end()
        received = rest_of(rude)
        stream, _, after = received.partition(b"\r\n0\r\n\r\n")
        assert texts(stream) == [f"word {number}" for number in range(5)]
        assert after == b"" or after.startswith(b"HTTP/1.1 400 ")
        other.sendall(request("/healthz", "1.1", "Connection: close"))
        received = rest_of(other)
        assert texts(received) == [f"word {number}" for number in range(5)]
        assert received.endswith(b'{"status":"ok"}\n')


def test_one_that_sent_garbage_and_has_gone_is_noticed(quiet: Service, run: Run) -> None:
    with opened(quiet, request(watch(run))) as rude:
        rude.sendall(GARBAGE)
    wait_until(lambda: viewers(quiet, run) == 0, SECONDS, "its place to be free")


@pytest.mark.parametrize("when", ["with the first", "meanwhile"])
def test_a_second_request_is_answered_when_the_stream_is_over(quiet: Service, run: Run, when: str) -> None:
    """Without ``ahead`` what was read together with the first request was lost."""
    second = request("/healthz", "1.1", "Connection: close")
    with opened(quiet, request(watch(run)) + (second if when == "with the first" else b"")) as client:
        if when == "meanwhile":
            client.sendall(second)
        run.say("word")
        run.end()
        received = rest_of(client)
    assert texts(received) == ["word"]
    _, end, answer = received.partition(b"\r\n0\r\n\r\n")
    assert end and answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b'{"status":"ok"}\n')


def test_a_body_that_nobody_has_read_is_no_request(quiet: Service, run: Run) -> None:
    """The connection ends with the stream: what follows on it cannot be told from the rest of the body."""
    with opened(quiet, request(watch(run), "1.1", "Content-Length: 100") + b"x" * 100) as client:
        client.sendall(request("/healthz"))
        run.end()
        assert b"HTTP/1.1" not in rest_of(client)


def test_a_body_in_chunks_that_was_read_to_its_end_is_followed_by_a_next_request(service: Service) -> None:
    """It was taken for one that may go on, and the request behind it was dropped."""
    body = b'{"projectId": "chunks", "value": "v", "model": "offline"}'
    fields = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    post = request("/agent/run", "1.1", *fields).replace(b"GET", b"POST") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with opened(service, post + request("/healthz", "1.1", "Connection: close")) as client:
        _, end, answer = rest_of(client).partition(b"\r\n0\r\n\r\n")
    assert end and answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b'{"status":"ok"}\n')


def test_http_1_0_gets_frames_as_they_are_and_the_end_of_the_connection(quiet: Service, run: Run) -> None:
    with opened(quiet, request(watch(run), "1.0", "Connection: keep-alive")) as client:
        run.say("word")
        run.end()
        received = rest_of(client)
    assert texts(received) == ["word"]
    assert received.count(b"\n\ndata: {") == 2  # the word and the end; no chunk sizes between
    assert received.endswith(b"}\n\n")


def test_one_that_stops_reading_holds_up_nobody_and_gets_all_of_it(quiet: Service, run: Run) -> None:
    """What it does not take is dropped and read from the log when it reads again (Parked.flush)."""
    piece, times = "0123456789" * 6_000, 200
    with opened(quiet, request(watch(run), "1.1", "Connection: close")) as client:
        for _ in range(times):
            run.say(piece)
        run.end()
        assert_whole(events_of(quiet, run.id))  # another one, meanwhile
        assert texts(rest_of(client)) == [piece] * times

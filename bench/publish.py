"""The publishers: the same events to every contender, each in the way that is best for it."""

import json
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import redis

from bench.job import Link
from orchestrator.events import encode_body
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect

STEP = "model-1"
TEXT = "~{stamp}; of tokens that a model has just said"
"""What one event says; with the envelope about 190 bytes."""


class Publisher(Protocol):
    """Sends events to one contender; made in the parent, opened and used in the publishing process."""

    def open(self) -> None: ...

    def send(self, run: str, number: int, bodies: Sequence[str]) -> None:
        """Send events with ids from `number`, as one batch."""


@dataclass(frozen=True)
class Burst:
    """`events` for each of `runs`, as fast as they go, `batch` at a time, run after run in turns."""

    runs: Sequence[str]
    events: int
    batch: int
    first: int = 2


@dataclass(frozen=True)
class Steady:
    """`rate` events a second for `seconds`, each to the next run."""

    runs: Sequence[str]
    rate: float
    seconds: float
    first: int = 2


@dataclass(frozen=True)
class Sent:
    started: float
    ended: float
    cpu_seconds: float
    events: int


def body(run: str, stamp: int = 0) -> str:
    return encode_body(run, "text", TEXT.format(stamp=stamp), STEP, 0)


def burst(link: Link, publisher: Publisher, plan: Burst) -> Sent:
    """A Job: prepare, say so, wait for the word, publish."""
    publisher.open()
    bodies = {run: [body(run)] * plan.batch for run in plan.runs}
    link.send("ready")
    link.wait()
    started, cpu = time.monotonic(), time.process_time()
    for done in range(0, plan.events, plan.batch):
        size = min(plan.batch, plan.events - done)
        for run in plan.runs:
            publisher.send(run, plan.first + done, bodies[run][:size])
    return Sent(started, time.monotonic(), time.process_time() - cpu, plan.events * len(plan.runs))


def steady(link: Link, publisher: Publisher, plan: Steady) -> Sent:
    """A Job: prepare, say so, wait for the word, publish at an even pace."""
    publisher.open()
    link.send("ready")
    link.wait()
    started, cpu = time.monotonic(), time.process_time()
    for count, (run, number) in enumerate(_turns(plan)):
        wait = started + count / plan.rate - time.monotonic()
        if wait > 0:
            time.sleep(wait)
        publisher.send(run, number, [body(run, time.monotonic_ns())])
    return Sent(started, time.monotonic(), time.process_time() - cpu, int(plan.rate * plan.seconds))


def _turns(plan: Steady) -> Iterator[tuple[str, int]]:
    for count in range(int(plan.rate * plan.seconds)):
        turn, place = divmod(count, len(plan.runs))
        yield plan.runs[place], plan.first + turn


class RunLogPublisher:
    """Ours: the append script, which numbers, stores and publishes, as every engine uses it."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._log: Any = None

    def open(self) -> None:
        self._log = RunLog(connect(self._url, 2))

    def send(self, run: str, number: int, bodies: Sequence[str]) -> None:
        # The run's first event is its status, so the step's own numbers are one behind the ids.
        self._log.append(run, STEP, 0, number - 1, bodies)


class ChannelPublisher:
    """PUBLISH, a batch in one pipeline: nothing is stored or numbered by the server."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url
        self._redis: Any = None

    def open(self) -> None:
        self._redis = redis.Redis.from_url(self._url)

    def send(self, run: str, number: int, bodies: Sequence[str]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for id, text in enumerate(bodies, number):
            pipe.publish(f"agent:{run}", self.message(id, text))
        pipe.execute()

    def message(self, id: int, text: str) -> str:
        return f'{{"id":{id},{text}'


class FlaskSsePublisher(ChannelPublisher):
    """The JSON that `flask_sse.sse.publish` sends, without its new connection for each event."""

    def message(self, id: int, text: str) -> str:
        return json.dumps({"data": super().message(id, text)})


class PostPublisher:
    """POSTs on one connection; the answers to all requests of a batch are waited for together."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: Any = None

    def open(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port))

    def post(self, path: str, bodies: Sequence[str], *headers: str) -> None:
        self._socket.sendall(b"".join(self._request(path, body, headers) for body in bodies))
        left, tail = len(bodies), b""
        while left:
            data = self._socket.recv(262_144)
            if not data:
                raise ConnectionError("the server closed the publisher's connection")
            data = tail + data
            left -= data.count(b"HTTP/1.1 20")
            tail = data[-10:]

    def _request(self, path: str, body: str, headers: Sequence[str]) -> bytes:
        head = [f"POST {path} HTTP/1.1", "Host: b", f"Content-Length: {len(body)}", *headers]
        return ("\r\n".join(head) + f"\r\n\r\n{body}").encode()


class NchanPublisher(PostPublisher):
    """POST to Nchan's publisher location, a batch pipelined."""

    def send(self, run: str, number: int, bodies: Sequence[str]) -> None:
        self.post(f"/pub/{run}", [f'{{"id":{id},{text}' for id, text in enumerate(bodies, number)])


class DurableStreamsPublisher(PostPublisher):
    """A batch is one POST of a JSON array, each member of which is a message."""

    def send(self, run: str, number: int, bodies: Sequence[str]) -> None:
        messages = ",".join(f'{{"id":{id},{text}' for id, text in enumerate(bodies, number))
        self.post(f"/stream/{run}", [f"[{messages}]"], "Content-Type: application/json")


class PushpinPublisher:
    """Messages to the PULL socket of Pushpin's handler; there is no answer."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: Any = None

    def open(self) -> None:
        import zmq  # only the benchmark's environment has it

        self._socket = zmq.Context.instance().socket(zmq.PUSH)
        self._socket.connect(f"tcp://127.0.0.1:{self._port}")

    def send(self, run: str, number: int, bodies: Sequence[str]) -> None:
        for id, text in enumerate(bodies, number):
            content = {"content": f'data: {{"id":{id},{text}\nid: {id}\n\n'}
            self._socket.send_string("J" + json.dumps({"channel": run, "formats": {"http-stream": content}}))

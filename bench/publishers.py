"""How each contender is published to: in the way that is best for it, with a few batches under way at once."""

import json
import socket
from collections import deque
from collections.abc import Sequence
from typing import Any, Final

import gevent
import hiredis
from gevent import monkey
from gevent.pool import Pool

from bench.publish import STEP
from orchestrator.runlog import RunLog
from orchestrator.runlog.connection import connect

UNDER_WAY: Final = 8
"""Batches that are sent before the first one's answer must be there; fewer than runs, so each run's stay in order."""

RECEIVE_BYTES: Final = 262_144


class RunLogPublisher:
    """Ours: the append script, which numbers, stores and publishes, as every engine uses it: from greenlets."""

    def __init__(self, redis_url: str) -> None:
        self._url = redis_url

    def open(self) -> None:
        monkey.patch_all(ssl=False)  # as in the processes that serve: their greenlets share a connection
        self._log = RunLog(connect(self._url, 2))
        self._batches = Pool(UNDER_WAY)
        self._failed: list[gevent.Greenlet[..., None]] = []

    def send(self, run: str, number: int, bodies: Sequence[str]) -> None:
        batch = self._batches.spawn(self._append, run, number, bodies)
        batch.link_exception(self._failed.append)

    def finish(self) -> None:
        self._batches.join()
        for batch in self._failed:
            batch.get()

    def deliver(self, run: str, number: int, body: str) -> None:
        self._append(run, number, [body])

    def _append(self, run: str, number: int, bodies: Sequence[str]) -> None:
        # The run's first event is its status, so the step's own numbers are one behind the ids.
        self._log.append(run, STEP, 0, number - 1, bodies)


class SocketPublisher:
    """Requests on one connection, whose answers are only counted."""

    def __init__(self, port: int) -> None:
        self._port = port

    def open(self) -> None:
        self._socket = socket.create_connection(("127.0.0.1", self._port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._owed: deque[int] = deque()

    def write(self, batch: bytes, answers: int) -> None:
        """Send a batch that gets so many answers."""
        if len(self._owed) == UNDER_WAY:
            self._receive()
        self._socket.sendall(batch)
        self._owed.append(answers)

    def finish(self) -> None:
        while self._owed:
            self._receive()

    def deliver(self, run: str, number: int, body: str) -> None:
        self.send(run, number, [body])
        self.finish()

    def send(self, run: str, number: int, bodies: Sequence[str]) -> None:
        raise NotImplementedError

    def count(self, data: bytes) -> int:
        """How many answers end in what has just come."""
        raise NotImplementedError

    def _receive(self) -> None:
        """Until the first batch that is under way is answered."""
        before = len(self._owed)
        while len(self._owed) == before:
            data = self._socket.recv(RECEIVE_BYTES)
            if not data:
                raise ConnectionError("the server closed the publisher's connection")
            answered = self.count(data)
            while answered:
                taken = min(answered, self._owed[0])
                answered -= taken
                self._owed[0] -= taken
                if not self._owed[0]:
                    self._owed.popleft()


class ChannelPublisher(SocketPublisher):
    """PUBLISH, a batch in one pipeline: nothing is stored or numbered by the server."""

    def send(self, run: str, number: int, bodies: Sequence[str]) -> None:
        channel = f"agent:{run}"
        self.write(b"".join([self._publish(channel, id, text) for id, text in enumerate(bodies, number)]), len(bodies))

    def message(self, id: int, text: str) -> str:
        return f'{{"id":{id},{text}'

    def _publish(self, channel: str, id: int, text: str) -> bytes:
        command: tuple[Any, ...] = ("PUBLISH", channel, self.message(id, text))
        packed: bytes = hiredis.pack_command(command)
        return packed

    def count(self, data: bytes) -> int:
        return data.count(b"\n")  # ":<subscribers>"


class FlaskSsePublisher(ChannelPublisher):
    """The JSON that `flask_sse.sse.publish` sends, without its new connection for each event."""

    def message(self, id: int, text: str) -> str:
        return json.dumps({"data": super().message(id, text)})


class PostPublisher(SocketPublisher):
    """POSTs."""

    _tail = b""

    def post(self, path: str, bodies: Sequence[str], *headers: str) -> None:
        self.write(b"".join([self._request(path, body, headers) for body in bodies]), len(bodies))

    def count(self, data: bytes) -> int:
        data = self._tail + data
        self._tail = data[-10:]
        return data.count(b"HTTP/1.1 20")

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

    def finish(self) -> None:
        pass

    def deliver(self, run: str, number: int, body: str) -> None:
        self.send(run, number, [body])

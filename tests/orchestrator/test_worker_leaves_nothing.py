"""What belongs to a request goes with it. Until the collector came each idle viewer had kept 2 KiB of its own."""

import gc
import socket
import weakref
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from orchestrator.web.connection import Debtors, Patience, TimedSocket
from orchestrator.web.gunicorn_worker import DrainingWorker

PEER = ("127.0.0.1", 4000)
REQUEST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


def answer(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [environ["wsgi.input"].read()]


@pytest.fixture
def worker() -> Any:
    """As gunicorn has made it, but for what it does at its start."""
    made: Any = DrainingWorker.__new__(DrainingWorker)
    made.cfg, made.log = Config(), SimpleNamespace(access=lambda *_: None, debug=lambda *_: None)
    made.wsgi, made.alive, made.nr, made.max_requests = answer, True, 0, 10
    made._serving, made._bodies = set(), Debtors(1)
    return made


@pytest.mark.usefixtures("no_collector")
def test_a_connection_and_its_request_are_gone_once_they_are_through(worker: DrainingWorker) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(REQUEST)
        sock = TimedSocket(ours, Patience(5, 5))
        request = next(RequestParser(worker.cfg, sock, PEER))
        left = weakref.ref(sock), weakref.ref(request), weakref.ref(request.body)
        worker.handle_request(PEER, request, sock, PEER)
        del sock, request
        assert theirs.recv(1000).endswith(b"{}")
    assert [ref() for ref in left] == [None, None, None]

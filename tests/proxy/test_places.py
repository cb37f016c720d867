"""Connections that ask for nothing do not keep out those that do."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from agent.proxy import head, serve
from agent.proxy.allowed import parse
from agent.proxy.counts import Counts
from agent.proxy.serve import AT_ONCE, Proxy

SECONDS = 60.0
"""Within which an answer has to come; a machine may be busy."""
NOT_ALLOWED = b"GET http://elsewhere.example/ HTTP/1.1\r\n\r\n"


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """Where a proxy listens that by itself would wait for ever."""
    monkeypatch.setattr(head, "SECONDS", 3600.0)
    monkeypatch.setattr(serve, "ANSWER_SECONDS", 3600.0)
    ours, control = socket.socketpair()
    with socket.create_server(("127.0.0.1", 0), backlog=AT_ONCE * 2) as listening, ours, control:
        proxy = Proxy({listening: ""}, parse("allowed.example"), Counts(1000), None)
        thread = threading.Thread(target=proxy.serve, args=(control,))
        thread.start()
        yield listening.getsockname()
        ours.close()
        thread.join()


@pytest.mark.parametrize(
    "said", [b"", b"GET http://elsewhere", NOT_ALLOWED], ids=["silent", "half-a-head", "refusal-left-there"]
)
def test_a_request_is_answered_though_others_fill_the_proxy(door: tuple[str, int], said: bytes) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(AT_ONCE):
            client = stack.enter_context(socket.create_connection(door))
            client.sendall(said)
        asking = stack.enter_context(socket.create_connection(door, timeout=SECONDS))
        asking.sendall(NOT_ALLOWED)
        assert asking.recv(1000).startswith(b"HTTP/1.1 403 Forbidden\r\n")

"""Heads of requests: what can be read in two ways is refused."""

from __future__ import annotations

import socket

import pytest

from agent.proxy import head
from agent.proxy.head import Malformed, Request, receive


def read(text: bytes) -> tuple[Request, bytes]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(text)
        theirs.shutdown(socket.SHUT_WR)
        return receive(ours)


def test_a_tunnel_is_asked_for() -> None:
    request, rest = read(b"CONNECT Registry.Example:443 HTTP/1.1\r\nHost: registry.example:443\r\n\r\nhello")
    assert (request.method, request.host, request.port, rest) == ("CONNECT", "registry.example", 443, b"hello")


def test_fields_for_the_proxy_are_not_passed_on() -> None:
    request, _ = read(
        b"GET http://a.example/x?y HTTP/1.1\r\nHost: a.example\r\nAccept: */*\r\nConnection: close, X-Secret\r\n"
        b"X-Secret: 1\r\nProxy-Authorization: Basic x\r\nUpgrade: h2c\r\n\r\n"
    )
    assert (request.path, request.port, request.fields) == (b"/x?y", 80, ((b"Accept", b"*/*"),))


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", 400),
        (b"GET https://a.example/ HTTP/1.1\r\n\r\n", 400),
        (b"GET ftp://a.example/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://user:pw@a.example/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://a.example HTTP/1.1 HTTP/1.1\r\n\r\n", 400),
        (b"GET http://a.example?x HTTP/1.1\r\n\r\n", 400),
        (b"GET http://2130706433/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://0x7f000001/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://0177.0.0.1/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\n\r\n", 400),
        (b"GET http://a.example/ HTTP/1.1\r\nHost: a.example\r\nHost: a.example\r\n\r\n", 400),
        (b"CONNECT a.example:443 HTTP/1.1\r\nHost: b.example:443\r\n\r\n", 400),
        (b"CONNECT a.example HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT a.example:0443x HTTP/1.1\r\n\r\n", 400),
        (b"GET http://a.example/ HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
        (b"GET http://a.example/ HTTP/1.1\r\nContent-Length: +1\r\n\r\nx", 400),
        (b"GET http://a.example/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx", 411),
        (b"GET http://a.example/ HTTP/1.1\r\nX: 1\r\n folded: 2\r\n\r\n", 400),
        (b"GET http://a.example/ HTTP/1.1\r\nX : 1\r\n\r\n", 400),
        (b"GET http://a.example/ HTTP/1.1\r\nX: 1\nHost: b.example\r\n\r\n", 400),
        (b"GET http://a.example/\0 HTTP/1.1\r\n\r\n", 400),
        (b"GET http://a.example/ HTTP/2.0\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
        (b"GET http://a.example/ HTTP/1.1\r\nHost: a.example", 400),
        (b"GET http://a.example/ HTTP/1.1\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", 431),
        (b"GET http://a.example/ HTTP/1.1\r\n" + b"X: 1\r\n" * 101 + b"\r\n", 431),
    ],
)
def test_what_is_not_clear_is_refused(text: bytes, status: int) -> None:
    with pytest.raises(Malformed, match=r"Expected|proxy") as error:
        read(text)
    assert error.value.status == status


def test_a_head_that_never_ends_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head, "SECONDS", 0.05)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"GET http://a.example/ HTTP/1.1\r\n")
        with pytest.raises(Malformed, match="whole head within") as error:
            receive(ours)
    assert error.value.status == 408

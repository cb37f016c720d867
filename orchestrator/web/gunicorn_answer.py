"""gunicorn, spared what it does anew for each request.

It sends an answer's head and the first bytes behind it one after the other, and searches each header for what may not
be sent, those too that all answers have. It looks into two dictionaries and calls a function for each of the thirty
times that a request asks for a setting, and reads the peer's address to compare it with those of the proxies that it
trusts. It has no settings for any of this.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from gunicorn import util
from gunicorn.http import wsgi
from gunicorn.http.message import HeaderPolicy, Request
from gunicorn.http.parser import RequestParser

from orchestrator.web.headers import SECURITY, STREAM

OFTEN: Final = frozenset({*SECURITY.items(), *STREAM.items()})
"""Headers that may be sent as they are."""


class Answer(wsgi.Response):
    """Its head leaves together with the first bytes of the body, and does not say what sent it."""

    _head = b""

    def process_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        for header in headers:
            if header in OFTEN:
                self.headers.append(header)  # type: ignore[attr-defined]  # a list; the stubs do not say so
            else:
                super().process_headers((header,))

    def default_headers(self) -> list[str]:
        major, minor = self.req.version or (1, 1)
        what_then = "upgrade" if self.upgrade else "close" if self.should_close() else "keep-alive"
        chunked = "Transfer-Encoding: chunked\r\n" if self.chunked else ""
        date = _date(int(time.time()))
        return [f"HTTP/{major}.{minor} {self.status}\r\nDate: {date}\r\nConnection: {what_then}\r\n{chunked}"]

    def write(self, arg: bytes) -> None:
        if self.headers_sent:
            super().write(arg)
            return
        lines = [*self.default_headers(), *[f"{name}: {value}\r\n" for name, value in self.headers], "\r\n"]
        self._head = "".join(lines).encode("latin-1")
        self.headers_sent = True
        super().write(arg)
        if self._head:  # no body may be sent
            self._emit_body(b"")

    def _emit_body(self, data: bytes) -> None:
        head, self._head = self._head, b""
        if self.chunked and data:
            data = b"%X\r\n%b\r\n" % (len(data), data)
        self.sock.sendall(head + data)


class PeeredRequest(Request):
    """Whether its peer is a proxy that is trusted is asked once for each address."""

    def _peer_is_trusted_proxy(self) -> bool:
        return _is_trusted_proxy(self.cfg, self.peer_addr[:1] if isinstance(self.peer_addr, tuple) else None)


@lru_cache(maxsize=1024)
def _is_trusted_proxy(cfg: Any, peer: tuple[str] | None) -> bool:
    policy: Any = HeaderPolicy()
    policy.cfg, policy.peer_addr = cfg, peer
    return bool(policy._peer_is_trusted_proxy())


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    return util.http_date(second)


def spare_gunicorn() -> None:
    """Patch it. To be called before the workers are made."""
    make_first = lru_cache(maxsize=1)(wsgi.base_environ)
    wsgi.base_environ = lambda cfg: dict(make_first(cfg))
    wsgi.Response = Answer  # type: ignore[misc]  # the stubs take it for final
    RequestParser.mesg_class = PeeredRequest


def keep_at_hand(cfg: Any) -> None:
    """Have gunicorn's settings, which are final by now, as plain attributes: it asks them of a function otherwise."""
    vars(cfg).update({name: setting.get() for name, setting in cfg.settings.items()})

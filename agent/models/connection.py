"""One request to an endpoint, which another thread may break off at any moment."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from functools import cache
from typing import Final, Generic, Protocol, TypeVar

import httpx2

from agent.models.wire import AS_IT_IS, NoReply, bound, hang_up

TIMEOUT: Final = httpx2.Timeout(connect=10.0, read=120.0, write=30.0, pool=10.0)
"""Seconds. ``read`` is the longest silence inside a reply: a model that thinks says nothing for a minute or more."""
WHOLE_TIMEOUT: Final = httpx2.Timeout(connect=10.0, read=600.0, write=30.0, pool=10.0)
"""Seconds, where the reply comes in one piece: nothing is heard before it is complete."""


@cache
def tls() -> ssl.SSLContext:
    """Loading the certificates takes 0.1 s or more, so once per process and not once per client."""
    return httpx2.create_ssl_context()


def http(make: type[httpx2.Client]) -> httpx2.Client:
    """What an SDK, whose own kind of client ``make`` is, speaks HTTP with."""
    return make(verify=tls(), headers=AS_IT_IS, event_hooks={"response": [bound]})


Item = TypeVar("Item", covariant=True)


class Stream(Protocol[Item]):
    """The SDKs' streams, which share this much."""

    response: httpx2.Response

    def __iter__(self) -> Iterator[Item]: ...


T = TypeVar("T")


class Connection(Generic[T]):
    """``open``: send the request; ``whole``: a complete reply's JSON as an item, for a server that did not stream."""

    def __init__(self, open: Callable[[], Stream[T]], whole: Callable[[bytes], T]) -> None:
        self.was_whole = False
        self._open = open
        self._whole = whole
        self._response: httpx2.Response | None = None
        self._is_closed = threading.Event()

    def items(self) -> Iterator[T]:
        stream = self._open()
        response = self._response = stream.response
        try:
            if self._is_closed.is_set():  # before there was anything to hang up on
                return
            kind = response.headers.get("content-type", "").partition(";")[0].strip()
            if kind in ("text/event-stream", ""):
                yield from self._streamed(stream)
            elif kind.endswith("json"):
                self.was_whole = True
                yield self._whole(response.read())
            else:
                raise NoReply(f"{kind} instead of a stream")
        finally:
            self._response = None
            response.close()

    def close(self) -> None:
        """Make ``items`` end: at once if the reply has begun, else when its first bytes or its timeout come."""
        self._is_closed.set()
        if (response := self._response) is not None:
            hang_up(response)

    def _streamed(self, stream: Stream[T]) -> Iterator[T]:
        for item in stream:
            if self._is_closed.is_set():
                return
            yield item

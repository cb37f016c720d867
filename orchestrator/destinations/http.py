"""One POST to a destination: bounded in time and size, never redirected, and what its answer means."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx2

from agent.errors import PermanentError, TransientError
from agent.models.connection import tls
from agent.models.faults import retry_after

SILENCE: Final = 5.0
"""Seconds to connect, and between two bytes."""
WHOLE: Final = 10.0
"""Seconds for all of it; a receiver that answers byte by byte gets no more."""
LARGEST_ANSWER: Final = 1_000_000
"""Bytes, as they come: what is packed is not unpacked, as that may be a thousand times as much."""
ALWAYS: Final = {"User-Agent": "runwire", "Accept-Encoding": "identity"}
LONGEST_DELAY: Final = 30.0
"""Seconds that a receiver may ask for: the viewers wait for the end of the run meanwhile."""
TRANSIENT: Final = frozenset({408, 425, 429})


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


def post(url: str, body: bytes, headers: Mapping[str, str], *, silence: float = SILENCE, whole: float = WHOLE) -> Reply:
    """Raises TransientError where there was no whole answer; nobody knows then whether the body was taken."""
    client = httpx2.Client(verify=tls(), timeout=silence, follow_redirects=False)
    is_late = threading.Event()

    def give_up() -> None:
        is_late.set()
        client.close()

    timer = threading.Timer(whole, give_up)
    timer.daemon = True
    timer.start()
    try:
        with client.stream("POST", url, content=body, headers={**ALWAYS, **headers}) as response:
            return Reply(response.status_code, response.headers, _read(response))
    except Exception as error:
        if is_late.is_set() or isinstance(error, httpx2.TimeoutException):
            raise TransientError("it did not answer in time") from error
        if isinstance(error, httpx2.ConnectError):
            raise TransientError("it cannot be reached") from error
        if isinstance(error, httpx2.HTTPError):
            raise TransientError("the connection broke off") from error
        raise
    finally:
        timer.cancel()
        client.close()


def check(reply: Reply) -> None:
    """Raise what a status that is no 2xx means."""
    if 200 <= reply.status < 300:
        return
    if reply.status in TRANSIENT or reply.status >= 500:
        wished = retry_after(reply.headers)
        delay = None if wished is None else min(wished, LONGEST_DELAY)
        raise TransientError(f"it answered {reply.status}", delay)
    if 300 <= reply.status < 400:
        raise PermanentError(f"it answered {reply.status}, and redirects are not followed")
    raise PermanentError(f"it answered {reply.status}")


def _read(response: httpx2.Response) -> bytes:
    body = b""
    for chunk in response.iter_raw():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            break
    return body[:LARGEST_ANSWER]

"""`/api/inngest`, and who may call it.

In production only what Inngest has signed, a few minutes ago at the most, and only once; in development only this
machine, and no web page on it. The service's own registration comes through here too, marked in the WSGI environment.
"""

from __future__ import annotations

import hashlib
import io
import ipaddress
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import urlsplit

import flask
import inngest.flask
from redis.exceptions import RedisError
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wsgi import get_input_stream

from orchestrator.engines.inngest.long_reply import View, with_long_reply
from orchestrator.engines.inngest.registration import OWN_CALL
from orchestrator.engines.inngest.signature import (
    MOST_AGE_SECONDS,
    MOST_AHEAD_SECONDS,
    SignatureRefused,
    read_signature,
)
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import signature_seen
from orchestrator.settings import Settings
from orchestrator.web.errors import RETRY_SECONDS, Problem
from orchestrator.web.inngest_call import check_call

MOST_BODY_BYTES: Final = 8 * 1024 * 1024
"""Inngest sends up to 4 MB of state, and lets the SDK fetch what is more."""

MOST_UNVERIFIED_BYTES: Final = 64 * 1024 * 1024
"""Held at a time by all bodies that are still on their way: nobody knows yet whether they are signed."""

PIECE_BYTES: Final = 65_536

_MAY_COME_AGAIN: Final = {"step_unexpected": 409, "unknown": 503}
"""By the SDK's code: the step asked for is not the next one; anything else, as a state that could not be fetched."""


def serve_inngest(
    app: flask.Flask, client: inngest.Inngest, functions: list[inngest.Function[Any]], settings: Settings, redis: Client
) -> None:
    """Add the route, where the settings want one."""
    if not settings.inngest_endpoint:
        return
    # The guard below has let it in, so the SDK need not ask again who registers.
    inngest.flask.serve(app, client, functions, serve_origin=settings.serve_origin, enable_unauthed_sync=True)
    known = {name for function in functions for name in (function.id, function.on_failure_fn_id) if name}
    guard = _Guard(settings, redis, known)
    app.view_functions["inngest_api"] = guard.around(with_long_reply(app.view_functions["inngest_api"]))


class _Guard:
    def __init__(self, settings: Settings, redis: Client, functions: set[str]) -> None:
        self._dev, self._origin, self._keys = settings.dev, settings.serve_origin, settings.signing_keys
        self._redis, self._functions = redis, functions
        self._held = 0

    def around(self, view: View) -> View:
        def answer() -> Any:
            if not flask.request.environ.get(OWN_CALL):
                with self._problems_are_not_final():
                    self._check()
            return _as_specified(flask.make_response(view()))

        return answer

    def _check(self) -> None:
        if self._dev:
            _only_this_machine(self._origin)
            body = self._body()
        else:
            body = self._signed_body()
        if flask.request.method == "POST":
            check_call(flask.request.args, body, self._functions)

    def _signed_body(self) -> bytes:
        try:
            signature = read_signature(flask.request.headers.get("X-Inngest-Signature"), time.time())
            body = self._body()
            signature.check(body, self._keys)
        except SignatureRefused as error:
            raise Problem(401, str(error)) from None
        if flask.request.method != "GET":
            self._only_once(signature.digest)
        return body

    def _only_once(self, digest: str) -> None:
        """Remembered in Redis, as any process may get the copy. Without Redis no step could run anyway."""
        name = signature_seen(hashlib.sha256(digest.encode()).hexdigest())
        with suppress(RedisError, OSError):
            if not self._redis.set(name, 1, nx=True, ex=MOST_AGE_SECONDS + MOST_AHEAD_SECONDS):
                raise Problem(409, "This very call has come before")

    def _body(self) -> bytes:
        """Read the body, and put it back for the SDK."""
        environ = flask.request.environ
        if (flask.request.content_length or 0) > MOST_BODY_BYTES:
            raise RequestEntityTooLarge
        stream = get_input_stream(environ, max_content_length=MOST_BODY_BYTES)
        body = b"".join(self._pieces(stream.read))
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = io.BytesIO(body), str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return body

    def _pieces(self, read: Callable[[int], bytes]) -> Iterator[bytes]:
        held = 0
        try:
            while piece := read(PIECE_BYTES):
                held += len(piece)
                self._held += len(piece)
                if self._held > MOST_UNVERIFIED_BYTES:
                    raise Problem(503, "Too many large calls at once", headers={"Retry-After": str(RETRY_SECONDS)})
                yield piece
        finally:
            self._held -= held

    @contextmanager
    def _problems_are_not_final(self) -> Iterator[None]:
        """Inngest tries again what carries no `X-Inngest-No-Retry`; say so only where the call itself is wrong."""
        try:
            yield
        except Problem as problem:
            problem.headers.setdefault("X-Inngest-No-Retry", "true" if problem.status in (400, 404) else "false")
            raise


def _only_this_machine(origin: str | None) -> None:
    """Nothing is signed in development. A page in a browser on this machine is no caller either."""
    request = flask.request
    named = urlsplit(f"//{request.host}").hostname or ""
    allowed = {"localhost", urlsplit(origin or "").hostname}
    if not _is_loopback(request.remote_addr) or not (named in allowed or _is_loopback(named)):
        raise Problem(403, "In development only this machine may call as Inngest")
    if "Origin" in request.headers or request.headers.get("Sec-Fetch-Site", "none") != "none":
        raise Problem(403, "A web page may not call as Inngest")


def _is_loopback(address: str | None) -> bool:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return (mapped or parsed).is_loopback


def _as_specified(response: flask.Response) -> flask.Response:
    """The SDK says 500 to everything; by its specification an error that must not be tried again is 400."""
    if response.status_code != 500:
        return response
    said = response.get_json(silent=True) or {}
    if response.headers.get("X-Inngest-No-Retry") == "true":
        response.status_code = 400
        if "X-Inngest-Signature" not in response.headers:
            response.set_data(flask.json.dumps({**said, "stack": None}))  # ours is of no use to who made the mistake
    elif said.get("code") in _MAY_COME_AGAIN:
        response.status_code = _MAY_COME_AGAIN[said["code"]]
        response.headers["X-Inngest-No-Retry"] = "false"
    return response

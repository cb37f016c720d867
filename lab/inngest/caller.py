"""Makes the HTTP calls to the app, as Inngest's HTTP driver does, and applies the faults."""

import hashlib
import hmac
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import httpx
import jcs

from lab.inngest.faults import Faults
from lab.inngest.model import Call, Json, Run, ulid
from lab.inngest.reply import BadReply, Reply, read_reply

DISCOVERY = "step"  # "go on with whatever comes next" rather than with one planned step
CALL_SECONDS = 7200.0  # the longest that Inngest waits for an answer
STATE_IN_REQUEST_BYTES = 4 * 1024 * 1024  # above this an SDK fetches the state from the API


class Lost(Exception):
    """No usable answer: refused, cut, dropped, or not from an SDK. Counts as an attempt."""


class Overtaken(Lost):
    """The call goes on by itself, and is to be made again at once."""


class Caller:
    """Calls for all runs; every call is recorded in `calls`."""

    def __init__(self, faults: Faults, signing_key: str | None) -> None:
        self.calls: list[Call] = []
        self.outages = 0  # counts outages begun; an answer that spans one is lost
        self._faults = faults
        self._signing_key = signing_key

    def call(self, run: Run, target: str, attempt: int) -> Reply:
        """Call and return the reply, or raise Lost."""
        call = Call(run.function.id, run.id, run.event, run.known, attempt, target)
        body = request_body(run, attempt)
        self.calls.append(call)
        if rule := self._faults.take("delay", call):
            call.fault = "delayed"
            time.sleep(rule.seconds)
        if rule := self._faults.take("duplicate", call):
            call.fault = "overtaken"
            threading.Thread(target=self._ignore, args=(run, call, body), daemon=True).start()
            time.sleep(rule.seconds)
            raise Overtaken
        return self._deliver(run, call, body)

    def _ignore(self, run: Run, call: Call, body: bytes) -> None:
        with suppress(Lost):
            self._deliver(run, call, body)

    def _deliver(self, run: Run, call: Call, body: bytes) -> Reply:
        outages = self.outages
        try:
            reply = self._send(run, call, body)
        except (httpx.TransportError, BadReply) as error:
            call.fault = call.fault or f"{type(error).__name__}: {error}"
            raise Lost(call.fault) from error
        finally:
            call.ended = time.monotonic()
        if rule := self._faults.take("delay_answer", call):
            call.fault = "answer delayed"
            time.sleep(rule.seconds)
        if self._faults.take("drop", call) or outages != self.outages:
            call.fault = "answer dropped"
            raise Lost(call.fault)
        return reply

    def _send(self, run: Run, call: Call, body: bytes) -> Reply:
        if rule := self._faults.take("refuse", call):
            call.status, call.fault = rule.status, "refused"
            return read_reply(rule.status, {}, b"<h1>Bad gateway</h1>")
        url = httpx.URL(run.function.url).copy_merge_params({"stepId": call.target})
        # The read timeout is that between two bytes, which is how platform routers count, too.
        timeout = httpx.Timeout(CALL_SECONDS, connect=5.0, read=self._faults.cut_seconds or CALL_SECONDS)
        response = httpx.post(url, content=body, headers=self._headers(run, body), timeout=timeout, trust_env=False)
        call.status = response.status_code
        reply = read_reply(response.status_code, dict(response.headers), response.content)
        call.streamed = reply.streamed
        call.status = reply.status
        call.answered = tuple((op["op"], step_name(op)) for op in reply.operations)
        return reply

    def _headers(self, run: Run, body: bytes) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "X-Inngest-Server-Kind": "cloud" if self._signing_key else "dev",
            "X-Run-ID": run.id,
            "X-Request-ID": ulid(),
        }
        return headers | ({"X-Inngest-Signature": sign(self._signing_key, body)} if self._signing_key else {})


def request_body(run: Run, attempt: int) -> bytes:
    """The Call Request of SDK_SPEC 4.4.1, in canonical JSON as the server sends it."""
    body = _request(run, attempt, {"steps": run.steps, "events": [run.event]}, use_api=False)
    if len(body) > STATE_IN_REQUEST_BYTES:
        body = _request(run, attempt, {"steps": {}, "events": []}, use_api=True)
    return body


def _request(run: Run, attempt: int, state: Json, *, use_api: bool) -> bytes:
    context = {
        "run_id": run.id,
        "fn_id": run.function.id,
        "step_id": DISCOVERY,
        "attempt": attempt,
        "max_attempts": run.function.max_attempts,
        "disable_immediate_execution": run.planned,
        "stack": {"stack": list(run.steps), "current": len(run.steps)},
        "env": "test",
        "use_api": use_api,
    }
    body: Any = {"ctx": context, "event": run.event, "use_api": use_api, "version": 1, **state}
    canonicalize: Callable[[Any], bytes] = jcs.canonicalize
    return canonicalize(body)


def sign(signing_key: str, body: bytes, age: float = 0) -> str:
    """The value of X-Inngest-Signature (SDK_SPEC 4.1.3), as of ``age`` seconds ago."""
    now = str(int(time.time() - age))
    secret = re.sub(r"^signkey-\w+-", "", signing_key)
    digest = hmac.new(secret.encode(), body + now.encode(), hashlib.sha256).hexdigest()
    return f"t={now}&s={digest}"


def step_name(operation: Json) -> str:
    return str(operation.get("displayName") or operation.get("name") or operation["id"])

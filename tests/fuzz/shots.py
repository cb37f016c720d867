"""Makes requests, most of them wrong in one place or several, as the bytes that go over the wire. Seeded."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from lab.inngest.caller import sign

T = TypeVar("T")

RUN_ID = "run_0123456789abcdef01234567"
FUNCTIONS = (
    "runwire-code-agent-run",
    "runwire-code-agent-run-failure",
    "runwire-code-agent-cancelled",
    "runwire-code-agent-run-cancelled",
)
PATHS = (
    "/agent/run",
    "/api/agent/run",
    f"/agent/run/{RUN_ID}",
    f"/agent/run/{RUN_ID}/events",
    f"/agent/run/{RUN_ID}/poll",
    f"/agent/run/{RUN_ID}/cancel",
    "/agent/models",
    "/agent/runs",
    "/agent/tokens",
    "/api/inngest",
    "/api/chat",
    "/agui",
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/",
)
METHODS = ("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "G\x00T", "")
ODD = (
    "",
    "0",
    "-1",
    "9" * 30,
    "1e309",
    "NaN",
    "null",
    "é",
    "\u202e",
    "\x00",
    "../../x",
    "%00",
    "%ff",
    "a" * 5_000,
    "[]",
)
HEADERS = (
    "Last-Event-ID",
    "Idempotency-Key",
    "Accept",
    "Authorization",
    "X-API-Key",
    "Content-Type",
    "Origin",
    "Host",
    "X-Inngest-Signature",
    "X-Inngest-Server-Kind",
    "X-Inngest-Sync-Kind",
    "X-Forwarded-For",
    "X-Forwarded-Proto",
    "Cookie",
    "Expect",
    "Range",
    "Upgrade",
    "Transfer-Encoding",
    "Content-Length",
)
QUERIES = ("after", "wait", "projectId", "fnId", "stepId", "probe", "token", "syncId", "model")


@dataclass(frozen=True)
class Target:
    """A service, and what its rightful callers have."""

    port: int
    api_key: str | None = None
    signing_key: str | None = None


class Shots:
    def __init__(self, target: Target, seed: int) -> None:
        self._target, self._random = target, random.Random(seed)

    def next(self) -> bytes:
        pick = self._random.random()
        if pick < 0.1:
            return self._raw()
        if pick < 0.4:
            return self._inngest()
        return self._request()

    def _request(self) -> bytes:
        path = self._any(PATHS) if self._often() else self._any(PATHS) + self._odd()
        if self._rarely():
            path += "?" + "&".join(f"{self._any(QUERIES)}={self._odd()}" for _ in range(self._random.randint(1, 3)))
        body = self._json(self._prompt()) if self._random.random() < 0.6 else b""
        method = self._any(METHODS[:2]) if self._often() else self._any(METHODS)
        return self._wire(method, path, self._headers(), body)

    def _inngest(self) -> bytes:
        body = self._json(self._call())
        headers = [("X-Inngest-Server-Kind", "dev")] if self._rarely() else []
        if self._target.signing_key and self._often():
            headers.append(("X-Inngest-Signature", self._signature(body)))
        function = self._any(FUNCTIONS) if self._often() else self._odd()
        path = f"/api/inngest?fnId={function}&stepId={self._any(('step', 'x'))}"
        return self._wire(self._any(("POST", "POST", "POST", "PUT", "GET")), path, headers + self._headers(0.1), body)

    def _signature(self, body: bytes) -> str:
        age = self._any((0.0, 0.0, 400.0, -400.0))
        signed = sign(self._target.signing_key or "", body, age)
        return signed if self._often() else self._mutated(signed.encode()).decode("latin-1")

    def _headers(self, chance: float = 0.5) -> list[tuple[str, str]]:
        headers = [("Content-Type", "application/json")] if self._often() else []
        if self._target.api_key and self._often():
            headers.append(("Authorization", f"Bearer {self._target.api_key}"))
        while self._random.random() < chance:
            headers.append((self._any(HEADERS), self._odd()))
        return headers

    def _prompt(self) -> object:
        return self._broken({"projectId": "fuzz", "value": "a tip calculator", "model": "offline"})

    def _call(self) -> object:
        asked: dict[str, object] = {"runId": RUN_ID, "projectId": "fuzz", "value": "v", "model": "offline"}
        data = self._any((self._broken(asked), {"event": self._broken({"data": self._broken(asked)})}))
        event = self._broken({"name": "code-agent/run.requested", "data": data, "id": "e"})
        context = {"attempt": 0, "disable_immediate_execution": False, "run_id": "01RUN", "stack": {"stack": []}}
        body = {"ctx": self._broken(context), "event": event, "events": [event], "steps": {}, "use_api": False}
        return self._broken(body)

    def _broken(self, value: dict[str, object]) -> object:
        """Most often with one thing wrong."""
        pick = self._random.random()
        if pick < 0.55:
            return value
        if pick < 0.6:
            return self._any((None, [], 1, "x", True, {}))
        name = self._any(tuple(value))
        if pick < 0.7:
            return {key: item for key, item in value.items() if key != name}
        wrong: tuple[object, ...] = (
            None,
            [],
            {},
            1,
            -1,
            1e308,
            True,
            "x" * 30_000,
            "\ud800",
            [[]],
            {"a": {"b": []}},
            *ODD,
        )
        return {**value, name: self._any(wrong)}

    def _json(self, value: object) -> bytes:
        body = json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
        if self._random.random() < 0.1:
            return self._any(
                (b"[" * 50_000, b'{"a":' * 5_000, b"\xff\xfe", b"{", b"NaN", body + b"x", b"\0", b'"\\ud800"')
            )
        return self._mutated(body) if self._random.random() < 0.1 else body

    def _raw(self) -> bytes:
        """What is hardly HTTP."""
        whole = self._request()
        spoil: Callable[[bytes], bytes] = self._any(
            (
                self._mutated,
                lambda wire: wire[: self._random.randint(0, len(wire))],
                lambda wire: wire.replace(b"\r\n", b"\n"),
                lambda wire: wire + wire,
                lambda wire: self._random.randbytes(self._random.randint(1, 300)),
                lambda wire: wire.replace(
                    b"HTTP/1.1", self._any((b"HTTP/9", b"HTTP/0.9", b"HTTP/2.0", b"", b"HTTP/1.0"))
                ),
                lambda wire: b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * self._random.randint(50, 300) + b"\r\n",
            )
        )
        return spoil(whole)

    def _wire(self, method: str, path: str, headers: list[tuple[str, str]], body: bytes) -> bytes:
        named = {name.lower() for name, _ in headers}
        lines = [f"{method} {path} HTTP/1.1"]
        if "host" not in named:
            lines.append(f"Host: 127.0.0.1:{self._target.port}")
        if self._random.random() < 0.15 and "transfer-encoding" not in named:
            lines.append("Transfer-Encoding: chunked")
            body = self._chunked(body)
        elif "content-length" not in named:
            lines.append(f"Content-Length: {len(body)}")
        lines += [f"{name}: {value}" for name, value in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace") + body

    def _chunked(self, body: bytes) -> bytes:
        size = (
            b"%x" % len(body) if self._often() else self._any((b"0x5", b"-1", b"", b"zz", b"5;a=b", b"f" * 20, b" 5"))
        )
        return size + b"\r\n" + body + b"\r\n0\r\n\r\n"

    def _mutated(self, given: bytes) -> bytes:
        spoilt = bytearray(given)
        for _ in range(self._random.randint(1, 4)):
            if spoilt:
                spoilt[self._random.randrange(len(spoilt))] = self._random.randrange(256)
        return bytes(spoilt)

    def _odd(self) -> str:
        return self._any(ODD)

    def _any(self, values: Sequence[T]) -> T:
        return self._random.choice(values)

    def _often(self) -> bool:
        return self._random.random() < 0.75

    def _rarely(self) -> bool:
        return self._random.random() < 0.25

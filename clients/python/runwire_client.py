"""Start, watch, fold, cancel, steer and approve Runwire runs. See docs/frontends.md."""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any, Final, Self

import httpx
from httpx_sse import EventSource, SSEError

Event = dict[str, Any]
State = dict[str, Any]

RETRY_SECONDS: Final = 0.3
LONGEST_RETRY_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 45.0
"""The service speaks every 15 s; a connection that is silent for longer than this is dead."""

TEMPORARY: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
TERMINAL: Final = ("complete", "error")


class RunwireError(Exception):
    """The service said no. ``is_temporary``: the same request may work later."""

    def __init__(self, status: int, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.status, self.details, self.is_temporary = status, details, status in TEMPORARY


class Runwire:
    """``token``: a key or a token, or a function that gets one; it is asked again when the last one is refused."""

    def __init__(self, url: str, token: str | Callable[[], str] | None = None) -> None:
        self._renew = token if callable(token) else None
        self._token = token if isinstance(token, str) else None
        timeout = httpx.Timeout(SILENCE_SECONDS, connect=5.0)
        self._http = httpx.Client(base_url=url, timeout=timeout, trust_env=False)

    def start(self, project_id: str, value: str, model: str | None = None, key: str | None = None) -> Run:
        """Start a run. Sent again over broken connections; the key makes sure that it starts once."""
        body = {"projectId": project_id, "value": value} | ({"model": model} if model else {})
        headers = {"Accept": "application/json", "Idempotency-Key": key or str(uuid.uuid4())}
        failures = 0
        while True:
            try:
                return Run(self, self.request("POST", "/agent/run", json=body, headers=headers).json()["runId"])
            except (httpx.TransportError, RunwireError) as error:
                _pause_or_raise(error, failures)
            failures += 1

    def run(self, run_id: str) -> Run:
        return Run(self, run_id)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Raises RunwireError and httpx' TransportError. With ``stream=True`` the body is not read: close it."""
        stream = options.pop("stream", False)
        headers = options.pop("headers", {})
        response = self._send(method, path, stream, headers, options)
        if response.status_code == httpx.codes.UNAUTHORIZED and self._renew:
            response.close()
            self._token = None
            response = self._send(method, path, stream, headers, options)
        if response.is_success:
            return response
        with closing(response):
            raise _refusal(response)

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(
        self, method: str, path: str, stream: bool, headers: dict[str, str], options: dict[str, Any]
    ) -> httpx.Response:
        if self._token is None and self._renew:
            self._token = self._renew()
        authorization = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        request = self._http.build_request(method, path, headers={**headers, **authorization}, **options)
        return self._http.send(request, stream=stream)


class Run:
    def __init__(self, client: Runwire, run_id: str) -> None:
        self._client, self.run_id = client, run_id

    def watch(self, after: int = 0) -> Iterator[Event]:
        """The events after the id ``after``, once and in order, over any broken connection, up to the terminal one."""
        failures = 0
        while True:
            cause: Exception | None = None
            try:
                for event in self._events(after):
                    if event.get("id", after + 1) <= after:
                        continue
                    after, failures = event.get("id", after), 0
                    yield event
                    if event["type"] in TERMINAL:
                        return
            except _Ended:
                return
            except (httpx.TransportError, SSEError, RunwireError) as error:
                cause = error
            _pause_or_raise(cause, failures)
            failures += 1

    def states(self) -> Iterator[State]:
        """Watch and fold: the state after each event."""
        fold = Fold()
        for event in self.watch():
            yield fold.add(event)

    def show(self) -> dict[str, Any]:
        shown: dict[str, Any] = self._client.request("GET", self._path()).json()
        return shown

    def cancel(self) -> None:
        self._client.request("POST", self._path("/cancel"))

    def steer(self, value: str) -> None:
        """Add the user's words before the next model call."""
        self._client.request("POST", self._path("/messages"), json={"value": value})

    def approve(self, approval_id: str, allow: bool) -> None:
        self._client.request("POST", self._path(f"/approvals/{approval_id}"), json={"allow": allow})

    def _events(self, after: int) -> Iterator[Event]:
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        if after:
            headers["Last-Event-ID"] = str(after)
        response = self._client.request("GET", self._path("/events"), headers=headers, stream=True)
        with closing(response):
            if response.status_code == httpx.codes.NO_CONTENT:
                raise _Ended
            for message in EventSource(response).iter_sse():
                yield json.loads(message.data)

    def _path(self, rest: str = "") -> str:
        return f"/agent/run/{self.run_id}{rest}"


class Fold:
    """A run as a frontend shows it. What was rolled back is gone, as if it had never been."""

    def __init__(self) -> None:
        self.state = _empty()
        self._kept: list[Event] = []

    def add(self, event: Event) -> State:
        if event["type"] == "rollback":
            self._kept = [old for old in self._kept if not _is_discarded(old, event["data"])]
            self.state = _empty()
            for old in self._kept:
                _apply(self.state, old)
        else:
            self._kept.append(event)
            _apply(self.state, event)
        return self.state


def fold(events: Iterable[Event]) -> State:
    folded = Fold()
    for event in events:
        folded.add(event)
    return folded.state


def _is_discarded(event: Event, data: dict[str, Any]) -> bool:
    return event.get("step") == data["step"] and bool(data["fromId"] <= event.get("id", 0) <= data["toId"])


def _empty() -> State:
    lists: State = {"messages": [], "tools": [], "files": {}, "approvals": {}, "gaps": []}
    return {"text": "", "reasoning": "", "progress": None, "status": None, "end": None} | lists


def _apply(state: State, event: Event) -> None:
    kind, data = event["type"], event["data"]
    if kind in ("text", "reasoning"):
        state[kind] += data
    elif kind in ("progress", "status"):
        state[kind] = data
    elif kind == "user-message":
        state["messages"].append(data["value"])
    elif kind.startswith("tool-"):
        _apply_tool(state["tools"], kind, data)
    elif kind in ("file-created", "file-updated"):
        state["files"][data["path"]] = {name: value for name, value in data.items() if name != "path"}
    elif kind == "file-deleted":
        state["files"].pop(data["path"], None)
    elif kind == "files":
        _take_files(state["files"], data, event)
    elif kind == "approval-request":
        state["approvals"][data["approvalId"]] = {"callId": data["callId"], "allow": None}
    elif kind == "approval-answer" and data["approvalId"] in state["approvals"]:
        state["approvals"][data["approvalId"]]["allow"] = data["allow"]
    elif kind == "gap":
        state["gaps"].append(data)
    elif kind in TERMINAL:
        _apply_end(state, event)


def _apply_tool(tools: list[dict[str, Any]], kind: str, data: dict[str, Any]) -> None:
    if kind == "tool-call":
        begun = {"stdout": "", "stderr": "", "state": "running", "note": None, "elapsed": None}
        tools.append({"callId": data["callId"], "tool": data["tool"], "args": data["args"]} | begun)
        return
    for tool in tools:
        if tool["callId"] == data["callId"]:
            if kind == "tool-output":
                tool[data["source"]] += data["chunk"]
            elif kind == "tool-result":
                state = "done" if data["ok"] else "failed"
                tool |= {"state": state, "note": data["note"], "elapsed": data["elapsed"]}


def _take_files(files: dict[str, Any], contents: dict[str, str], event: Event) -> None:
    for path, content in contents.items():
        known = files.get(path)
        if known is None or (known["content"] != content and not event.get("truncated")):
            files[path] = {"content": content}


def _apply_end(state: State, event: Event) -> None:
    for tool in state["tools"]:
        if tool["state"] == "running":
            tool["state"] = "stopped"
    if event["type"] == "complete":
        _take_files(state["files"], event["data"]["files"], event)
        rest = {name: value for name, value in event["data"].items() if name != "files"}
        state["end"] = {"type": "complete", **rest}
    else:
        beside = {name: event[name] for name in ("code", "receipt") if event.get(name) is not None}
        state["end"] = {"type": "error", "error": event["data"], **beside}


class _Ended(Exception):
    """204: nothing is to come."""


def _refusal(response: httpx.Response) -> RunwireError:
    response.read()
    try:
        body = response.json()
    except ValueError:
        body = {}
    said = body.get("error") if isinstance(body, dict) else None
    details = body.get("details") if isinstance(body, dict) else None
    return RunwireError(response.status_code, said or f"The service answered {response.status_code}", details)


def _pause_or_raise(error: Exception | None, failures: int) -> None:
    """Wait before the next try, or raise what no other try can mend."""
    if isinstance(error, RunwireError) and not error.is_temporary:
        raise error
    longest = min(RETRY_SECONDS * 2 ** min(failures, 10), LONGEST_RETRY_SECONDS)
    time.sleep(longest * random.uniform(0.5, 1.0))

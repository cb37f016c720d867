"""Two readers of event streams, written from the clients' side and sharing nothing with the service's own code."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from lab.service import Service

Event = dict[str, Any]
EVENT_STREAM = {"Accept": "text/event-stream"}
TERMINAL_TYPES = ("complete", "error")


@dataclass(frozen=True)
class Message:
    """One dispatched SSE message, as EventSource would hand it out."""

    data: str
    id: str
    name: str = "message"

    def json(self) -> Event:
        return parse(self.data)


def legacy_events(response: httpx.Response) -> Iterator[Event]:
    """Read as the existing frontends do: split on blank lines, take frames starting with `data: `, parse the rest."""
    buffer = ""
    for chunk in response.iter_text():
        *frames, buffer = (buffer + chunk).split("\n\n")
        for frame in frames:
            if frame.startswith("data: "):
                yield parse(frame[len("data: ") :])


def sse_messages(response: httpx.Response) -> Iterator[Message]:
    """Read as the WHATWG specification says (HTML Standard, 9.2.6): a frame that is cut off is never dispatched."""
    data: list[str] = []
    last_id, name = "", ""
    for line in _lines(response):
        if not line:
            if data:
                yield Message("\n".join(data), last_id, name or "message")
            data, name = [], ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
        elif field == "id" and "\0" not in value:
            last_id = value


def sse_events(response: httpx.Response) -> Iterator[Event]:
    """The JSON of each message, whose SSE id must be the event's own (a `gap` has none)."""
    for message in sse_messages(response):
        event = message.json()
        if "id" in event:
            assert message.id == str(event["id"]), f"SSE id {message.id!r} on event {event!r}"
        yield event


@contextmanager
def post_run(service: Service, *, headers: dict[str, str] | None = None, **body: Any) -> Iterator[httpx.Response]:
    """POST /agent/run; the response streams. `projectId` and `value` have defaults."""
    payload = {"projectId": f"tests-{uuid4().hex}", "value": "a tip calculator", **body}
    with service.http.stream("POST", "/agent/run", json=payload, headers=headers) as response:
        yield response


@contextmanager
def follow(service: Service, run_id: str, after: int | None = None) -> Iterator[httpx.Response]:
    """GET …/events as EventSource does; with `after` as a client that reconnects (Last-Event-ID)."""
    headers = EVENT_STREAM if after is None else EVENT_STREAM | {"Last-Event-ID": str(after)}
    with service.http.stream("GET", f"/agent/run/{run_id}/events", headers=headers) as response:
        yield response


def start_run(service: Service, **body: Any) -> str:
    """Start a run without watching it; returns its id."""
    payload = {"projectId": f"tests-{uuid4().hex}", "value": "a tip calculator", **body}
    response = service.http.post("/agent/run", json=payload, headers={"Accept": "application/json"})
    assert response.status_code == httpx.codes.ACCEPTED, response.text
    return str(response.json()["runId"])


def run_to_end(service: Service, **body: Any) -> list[Event]:
    """Post a run and return all its events, the terminal one last."""
    with post_run(service, **body) as response:
        assert response.status_code == httpx.codes.OK, response.read()
        return list(legacy_events(response))


def events_of(service: Service, run_id: str, after: int | None = None) -> list[Event]:
    """All events of a run from a cursor to its end (waits for the end)."""
    with follow(service, run_id, after) as response:
        if response.status_code == httpx.codes.NO_CONTENT:
            return []
        assert response.status_code == httpx.codes.OK, response.read()
        return list(sse_events(response))


def assert_whole(events: list[Event], first: int = 1) -> None:
    """Ids without holes or repeats from `first`, and exactly one terminal event, at the end."""
    assert [event["id"] for event in events] == list(range(first, first + len(events)))
    assert [event["type"] in TERMINAL_TYPES for event in events] == [False] * (len(events) - 1) + [True]


def parse(text: str) -> Event:
    event = json.loads(text)
    assert isinstance(event, dict), f"expected a JSON object, got {text!r}"
    return event


def _lines(response: httpx.Response) -> Iterator[str]:
    """Lines end with LF, CR or CRLF and nothing else (str.splitlines would also split on U+2028 and friends)."""
    buffer = ""
    for chunk in response.iter_text():
        buffer += chunk
        held = "\r" if buffer.endswith("\r") else ""  # its LF may be still to come
        text = buffer.removesuffix("\r").replace("\r\n", "\n").replace("\r", "\n")
        *lines, rest = text.split("\n")
        buffer = rest + held
        yield from lines

"""Pure reading of an app's replies: status, headers and body to what the executor does next (SDK_SPEC 4.4, 5.1, 9)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

Json = dict[str, Any]
SDK_HEADER = "x-inngest-sdk"
NO_RETRY_HEADER = "x-inngest-no-retry"


class BadReply(Exception):
    """The reply is none that an SDK gives."""


@dataclass(frozen=True)
class Reply:
    """A reply after unwrapping the streamed form."""

    status: int
    body: Any
    no_retry: bool
    retry_after: float | None
    streamed: bool

    @property
    def operations(self) -> list[Json]:
        """The reported steps of a 206; an empty report is an empty list."""
        if self.status != HTTPStatus.PARTIAL_CONTENT:
            return []
        return self.body if isinstance(self.body, list) else [self.body]

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def read_reply(status: int, headers: Mapping[str, str], raw: bytes) -> Reply:
    """`headers` are lower-case."""
    streamed = status == HTTPStatus.CREATED
    if streamed:
        status, headers, raw = _unwrap(headers, raw)
    if 200 <= status < 300 and SDK_HEADER not in headers:
        raise BadReply("the response did not come from an Inngest SDK")
    return Reply(
        status=status,
        body=_json_or_text(raw) if SDK_HEADER in headers else _fatal(status, raw),
        no_retry=headers.get(NO_RETRY_HEADER) == "true",
        retry_after=_seconds_until(headers.get("retry-after")),
        streamed=streamed,
    )


def error_of(body: Any) -> Json:
    """The error in the shape that failure events carry."""
    given = body if isinstance(body, dict) else {"message": str(body)}
    message = str(given.get("message") or "no message")
    error = {"error": message, "name": str(given.get("name") or "Error"), "message": message}
    return error | ({"stack": given["stack"]} if given.get("stack") else {})


def no_answer(message: str) -> Json:
    """The error where no call was answered: the real server says it twice, the second time as text."""
    error = error_of({"message": message})
    return error | {"message": json.dumps({"error": error})}


def _fatal(status: int, raw: bytes) -> Json:
    """What the real server makes of a refusal that no SDK has written, such as a router's page."""
    message = f"Your server returned HTTP {status} before the SDK responded."
    return {"name": "Server returned a fatal error", "message": message, "stack": raw.decode(errors="replace")}


def _unwrap(headers: Mapping[str, str], raw: bytes) -> tuple[int, Mapping[str, str], bytes]:
    """A 201 holds spaces, then `{"status", "headers", "body"}`; its headers add to the real ones."""
    try:
        inner = json.loads(raw)
        status, body = int(inner["status"]), inner["body"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadReply(f"error parsing stream: {raw[-200:]!r}") from error
    own = {name.lower(): value for name, value in (inner.get("headers") or {}).items()}
    return status, {**headers, **own}, body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _json_or_text(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return raw.decode(errors="replace")


def _seconds_until(header: str | None) -> float | None:
    """Retry-After as seconds, as an ISO time (what SDKs send) or as an HTTP date."""
    if not header:
        return None
    if header.isdigit():
        return float(header)
    try:
        at = datetime.fromisoformat(header)
    except ValueError:
        at = parsedate_to_datetime(header)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())

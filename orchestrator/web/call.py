"""What a call of the HTTP interface is described by, and the words that several of them share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import BaseModel

ERRORS: Final = {
    400: "The request is not as described; `details` says where",
    401: "No key or token, or one that has expired",
    403: "The key is not known, or the token does not allow this",
    404: "Unknown, expired, or another caller's",
    409: "Another run of the project is unfinished, and `onConflict` is `reject`; or the run has ended, or is about "
    "to, or has not, or its question has been answered, or the "
    "step is not finished",
    413: "The body is too large",
    416: "The file has no such bytes",
    422: "The same key or run id came before with a different body",
    429: "Too many runs are unfinished; see Retry-After",
    503: "Redis does not answer or is full, or this process serves as many streams as it takes; see Retry-After",
}
Parameter = tuple[Literal["path", "query", "header"], str, str]
STREAM: Final = "text/event-stream"
ANY: Final = "*/*"
"""A file, as its name says."""

RUN: Final[Parameter] = ("path", "runId", "The run's id")
PROJECT: Final[Parameter] = ("path", "projectId", "The project's id")
FILE: Final[Parameter] = ("path", "path", "The file's path in the project")
FILE_BYTES: Final = "application/octet-stream"
ZIP: Final = "application/zip"
PAGE: Final[Parameter] = (
    "path",
    "path",
    "A path below the folder of the pages, after a token that can `preview`",
)
KEY: Final[Parameter] = ("header", "Idempotency-Key", "1 to 255 printable characters of the caller's")
CHAT: Final[Parameter] = ("path", "chatId", "The chat's id")
RESUME: Final[tuple[Parameter, ...]] = (
    ("header", "Last-Event-ID", "Go on after this event"),
    ("query", "after", "The same, for clients that cannot set headers"),
)
OLD_AI: Final[tuple[Parameter, ...]] = (
    ("header", "X-AI-SDK", "The version of the client's `ai` package; below 7 steps are shown when they are committed"),
    ("query", "ai", "The same"),
)


@dataclass(frozen=True)
class Call:
    method: Literal["get", "post", "delete"]
    path: str
    summary: str
    gives: dict[int, type[BaseModel] | str | None]
    """Status → the answer's model, a media type, or None for no body."""
    refuses: tuple[int, ...] = ()
    takes: type[BaseModel] | None = None
    parameters: tuple[Parameter, ...] = field(default=())
    is_public: bool = False

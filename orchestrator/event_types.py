"""Every type of event and the shape of its ``data``, in one place.

`docs/events.md`, the types of `clients/js` and `/openapi.json` are made from this list (`python -m tools.event_docs`).
Sizes are bytes, durations and times milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Data(BaseModel):
    """The ``data`` of one type. Fields may be added: readers pass over what they do not know."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True)


class Usage(Data):
    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    abandoned: int = 0
    cost: float = 0.0


class Progress(Data):
    stage: str
    turn: int
    max_turns: int
    usage: Usage


class TimeBudget(Data):
    remaining: int
    stage: str


class ToolCall(Data):
    tool: str
    args: dict[str, Any]
    call_id: str


class ToolOutput(Data):
    source: Literal["stdout", "stderr"]
    chunk: str
    call_id: str


class ToolResult(Data):
    call_id: str
    ok: bool
    note: str
    elapsed: int


class FileWritten(Data):
    path: str
    content: str
    size: int
    truncated: bool = False
    binary: bool = False


class FileDeleted(Data):
    path: str
    reason: str | None = None


class UserMessage(Data):
    value: str
    message_id: str | None = None


class ApprovalRequest(Data):
    approval_id: str
    call_id: str
    tool: str
    args: dict[str, Any]


class ApprovalAnswer(Data):
    approval_id: str
    allow: bool
    reason: str | None = None


class Rollback(Data):
    step: str
    attempt: int
    from_id: int
    to_id: int
    reason: str


class Gap(Data):
    from_id: int
    to_id: int


class Delivery(Data):
    to: str
    delivered: bool
    reason: str | None = None


class FileMark(Data):
    size: int
    hash: str


class Complete(Data):
    outcome: Literal["done", "partial", "nothing-to-do"]
    missing: str | None = None
    url: str | None
    title: str
    files: dict[str, str]
    manifest: dict[str, FileMark] = {}
    unnamed: int = 0
    summary: str
    sandbox_id: str | None
    framework: str
    usage: Usage
    deliveries: list[Delivery] | None = None


@dataclass(frozen=True)
class EventType:
    name: str
    data: Any
    """The type of ``data``, as pydantic takes it."""
    when: str
    """A sentence for docs/events.md."""


EVENT_TYPES: Final = (
    EventType(
        "status",
        str,
        "something a person should know. The first one says which model works, and for the offline model that it is a "
        "script",
    ),
    EventType(
        "progress",
        Progress,
        'a model call (`stage: "model"`) or a check (`"check"`) begins; `usage` is what the run has used before it',
    ),
    EventType("time-budget", TimeBudget, "beside `progress`, where the run has a deadline"),
    EventType("text", str, "a piece of the model's text; pieces join without anything between them"),
    EventType(
        "reasoning",
        str,
        "a piece of what the model thinks before it answers, where its endpoint shows that; never part of `text`",
    ),
    EventType("user-message", UserMessage, "the user's words during the run; the next model call gets them"),
    EventType("tool-call", ToolCall, "a tool is about to run; `callId` is unique in the run"),
    EventType(
        "approval-request", ApprovalRequest, "the call of `callId` waits until somebody allows or forbids it, for days"
    ),
    EventType("approval-answer", ApprovalAnswer, "somebody did; `reason` in their words"),
    EventType("tool-output", ToolOutput, "output of a command as it comes. At most 256 KiB for each command"),
    EventType("tool-result", ToolResult, "the tool has ended; `note` is a few words such as `exit code 1`"),
    EventType("file-created", FileWritten, "after the tool that made the file"),
    EventType("file-updated", FileWritten, "after the tool that changed the file"),
    EventType(
        "file-deleted",
        FileDeleted,
        "after the tool that deleted the file; `reason` where the file is there and not kept any more",
    ),
    EventType(
        "files",
        dict[str, str],
        "path → content, once, at the end: all text files; above `EVENTS_MAX_BYTES` cut (whole, up to 2 MB, in "
        "`complete`)",
    ),
    EventType(
        "rollback",
        Rollback,
        "an attempt failed or was cut off: discard the events of `step` from `fromId` to `toId`; where it failed, a "
        "`status` after it says when another follows",
    ),
    EventType(
        "error",
        str,
        "ends the run; `code` stands beside `data`: `failed`, `refused`, `cancelled`, `timeout` or `lost`",
    ),
    EventType("complete", Complete, "ends the run"),
)

GAP: Final = EventType("gap", Gap, "those events are no longer stored; a frame without an `id`, never in the log")

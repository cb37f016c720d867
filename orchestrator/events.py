"""The event that viewers see, and the Inngest events, each with its encoding.

On the wire an event is one compact JSON object that starts with its id: the run log's script puts ``{"id":N,`` before
the body that is encoded here, and readers find the id and the type by their position instead of parsing.
"""

from __future__ import annotations

import json
import time
from typing import Any, Final, Literal

from pydantic import Field

from agent.errors import PermanentError
from agent.messages import RUN_ID, Outcome, Value

TERMINAL_TYPES: Final = frozenset({"complete", "error"})
EndCode = Literal["failed", "refused", "cancelled", "timeout", "lost"]
AGENT_CODES: Final[dict[str, EndCode]] = {"timeout": "timeout", "refused": "refused"}

RUN_REQUESTED: Final = "code-agent/run.requested"
RUN_COMPLETE: Final = "code-agent/run.complete"
RUN_ERROR: Final = "code-agent/run.error"
RUN_CANCELLED: Final = "code-agent/run.cancelled"


class RunRequested(Value):
    run_id: str = Field(pattern=f"^{RUN_ID}$")
    project_id: str
    value: str
    model: str = "auto"
    framework: str | None = None
    """The template that an empty project is to begin with."""
    generation: int = 0
    """How often the run was moved before: what an earlier request starts is settled without doing anything."""


class RunProgress(Value):
    """The envelope of every event (``id`` from 1, without holes; ``timestamp`` in ms since the epoch)."""

    id: int
    run_id: str
    type: str
    data: Any
    timestamp: int
    step: str | None = None
    attempt: int = 0
    code: EndCode | None = None
    receipt: dict[str, Any] | None = None
    truncated: bool | None = None


class RunComplete(Value):
    run_id: str
    project_id: str
    title: str
    summary: str
    outcome: Outcome
    missing: str | None = None


class RunError(Value):
    run_id: str
    project_id: str
    error: str
    code: EndCode


class RunCancelled(Value):
    run_id: str = Field(pattern=f"^{RUN_ID}$")


def end_code(error: PermanentError) -> EndCode:
    """The code of the ``error`` event that an agent's error becomes."""
    return AGENT_CODES.get(error.code, "failed")


def now_ms() -> int:
    return int(time.time() * 1000)


_compact: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
"""``json.dumps`` makes an encoder for every call."""


def dumps(value: Any) -> str:
    """Compact JSON that can be encoded as UTF-8, whatever a model or a command has produced."""
    return _compact(value).encode("utf-8", "replace").decode()


def encode_head(run_id: str, type: str) -> str:
    """The part of an event's body that readers find by position."""
    return f'"runId":"{run_id}","type":"{type}"'


def encode_body(run_id: str, type: str, data: Any, step: str, attempt: int, extra: dict[str, Any] | None = None) -> str:
    """An event's JSON without the leading ``{"id":N,``, which only the run log can know."""
    more = f",{dumps(extra)[1:-1]}" if extra else ""
    return f'{encode_head(run_id, type)},"data":{dumps(data)},{encode_place(step)},"attempt":{attempt}{more}}}'


def encode_place(step: str) -> str:
    """The part of an event's body between its data and its attempt."""
    return f'"timestamp":{now_ms()},"step":{dumps(step)}'

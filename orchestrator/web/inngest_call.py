"""What Inngest sends when it calls a function (SDK specification 4.4.1), as far as the SDK reads it.

The SDK answers anything else with 500 and its validator's words; here it is a Problem 400 before the SDK sees it.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.datastructures import MultiDict

from orchestrator.web.errors import Problem

MOST_SAID: Final = 5
"""Faults named in one answer."""


class _Part(BaseModel):
    model_config = ConfigDict(strict=True)


class _Stack(_Part):
    stack: list[str] | None = None


class _Context(_Part):
    attempt: int = Field(ge=0, le=1_000)
    disable_immediate_execution: bool
    max_attempts: int | None = None
    run_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")
    stack: _Stack


class _Event(_Part):
    name: str
    data: dict[str, Any] | None = None
    id: str = ""
    ts: int = 0


class _Call(_Part):
    ctx: _Context
    event: _Event
    events: list[_Event] | None = None
    steps: dict[str, Any]
    use_api: bool


class _Query(_Part):
    fn_id: str = Field(alias="fnId")
    step_id: str | None = Field(None, alias="stepId", max_length=200)
    probe: Literal["trust"] | None = None


def check_call(query: MultiDict[str, str], body: bytes, functions: Container[str]) -> None:
    """Raises Problem 400 for what is no call, 404 for one of a function that is not ours."""
    if query.get("probe") == "trust":
        return
    try:
        asked = _Query.model_validate(query.to_dict())
        call = _Call.model_validate_json(body)
    except ValidationError as error:
        raise Problem(400, "This is not a call of an Inngest function", _faults(error)) from None
    if call.events is None and not call.use_api:
        raise Problem(400, "This is not a call of an Inngest function", {"events": "missing"})
    if asked.fn_id not in functions:
        raise Problem(404, "There is no such function here", {"fnId": asked.fn_id[:100]})


def _faults(error: ValidationError) -> dict[str, str]:
    """Where, and what was expected; never what was sent."""
    found = error.errors(include_input=False, include_url=False, include_context=False)
    if any(fault["type"] == "json_invalid" for fault in found):
        return {"body": "not valid JSON"}
    return {".".join(map(str, fault["loc"])) or "body": _said(fault["type"]) for fault in found[:MOST_SAID]}


def _said(kind: str) -> str:
    return "missing" if kind == "missing" else f"wrong ({kind.replace('_', ' ')})"

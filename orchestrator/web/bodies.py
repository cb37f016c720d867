"""A JSON body as a model; what is wrong with it becomes a Problem."""

from __future__ import annotations

import json
import re
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from orchestrator.web.errors import Problem
from orchestrator.web.here import this_request

M = TypeVar("M", bound=BaseModel)

SURROGATES: Final = re.compile(rb"\\u[dD][89a-fA-F]")
"""Halves of characters, which only JSON's escapes can write."""


def body(model: type[M], max_bytes: int) -> M:
    """The JSON body as ``model``, whose validators may raise Problems of their own. Raises Problem 400 or 413."""
    given = _json_object(max_bytes)
    try:
        return model.model_validate(given)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False)
        if all(one["type"] == "string_type" for one in wrong):
            details = {_place(one): f"expected a string, got {type(one['input']).__name__}" for one in wrong}
            raise Problem(400, "Wrong types", details) from None
        raise Problem(400, "The body is not as expected", {_place(one): one["msg"] for one in wrong}) from None


def _place(error: ErrorDetails) -> str:
    return ".".join(str(part)[:40] for part in error["loc"]) or "body"


def _json_object(max_bytes: int) -> dict[str, Any]:
    request = this_request()
    sent = request.stream.read(max_bytes + 1) if (request.content_length or 0) <= max_bytes else None
    if sent is None or len(sent) > max_bytes:
        raise Problem(413, "The body is too large", {"allowedBytes": max_bytes})
    try:
        body = json.loads(sent.decode())
        if SURROGATES.search(sent):
            json.dumps(body, ensure_ascii=False).encode()  # a lone one can be neither stored nor sent
    except (ValueError, RecursionError):
        raise Problem(400, "The body is not valid JSON") from None
    if not isinstance(body, dict):
        raise Problem(400, f"The body must be a JSON object, not {type(body).__name__}")
    return body

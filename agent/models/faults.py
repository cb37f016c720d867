"""What an SDK's error means for the run. The two SDKs share their errors' shape; neither says what to do about them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from agent.errors import AgentError, ContextOverflow, PermanentError, TransientError
from agent.models import features

MAX_RETRY_AFTER: Final = 300.0
"""Seconds; a longer wish is not granted, the run would only sit there."""
LONGEST_MESSAGE: Final = 500
"""Characters of an endpoint's own words."""

TRANSIENT_STATUSES: Final = frozenset({408, 409, 425, 429})
PERMANENT_5XX: Final = frozenset({501, 505})
PAID_UP: Final = ("insufficient_quota", "billing", "credit balance", "exceeded your current quota", "payment required")
"""Signs that nothing is left to pay with: waiting does not help."""
FILTERED: Final = ("content_filter", "content_policy", "responsibleai")
"""Codes of a provider that will not pass this prompt to its model."""
TRANSIENT_KINDS: Final = ("rate_limit", "overloaded", "timeout", "api_error", "server_error", "unavailable")
"""Types of errors that come inside a stream, where there is no status."""


def spoken(said: object, api_key: str) -> str:
    """An endpoint's own words, on one line. The key goes first: half of it would be left where it is cut."""
    return " ".join(str(said).replace(api_key, "…").split())[:LONGEST_MESSAGE]


class Fault:
    """An SDK's error, taken apart. ``words`` never hold the key."""

    def __init__(self, error: Exception, api_key: str) -> None:
        response = getattr(error, "response", None)
        body = _body(error)
        self.headers: Mapping[str, str] = response.headers if response is not None else {}
        # An error inside a stream comes with the status of the stream, which is 200.
        self.status = response.status_code if response is not None and response.status_code >= 400 else 0
        self.kind = f"{body.get('type') or ''} {body.get('code') or ''}".lower()
        said = body.get("message") or str(error) or type(error).__name__
        self.words = spoken(said, api_key)
        self.is_answer = response is not None or bool(body)

    @property
    def is_vague(self) -> bool:
        """A refusal of the request that may be about anything."""
        return self.status in (400, 422) and not features.is_overflow(self.words) and not self._wants_pay

    @property
    def _wants_pay(self) -> bool:
        return self.status == 402 or any(sign in self._text for sign in PAID_UP)

    @property
    def _text(self) -> str:
        return f"{self.kind} {self.words}".lower()

    def missing(self, lacks: features.Lacks) -> features.Name | None:
        return features.missing(self.status, self.words, lacks)

    def meaning(self, spent: int) -> AgentError:
        """What the engine should do about it; ``spent``: tokens that the call had used."""
        if self._wants_pay:
            return PermanentError(f"The model's provider wants to be paid first: {self.words}")
        if any(sign in self.kind for sign in FILTERED):
            return PermanentError(self.words, code="refused")
        if self._is_transient():
            return TransientError(f"{self._trouble()}: {self.words}", delay=retry_after(self.headers), spent=spent)
        if self.status == 413 or features.is_overflow(self._text):
            return ContextOverflow(f"The model cannot read that much: {self.words}")
        if self.status in (401, 403):
            return PermanentError(f"The model's endpoint does not accept the key: {self.words}")
        return PermanentError(f"The model's endpoint: {self.words}")

    def _is_transient(self) -> bool:
        if self.status:
            is_server = self.status >= 500 and self.status not in PERMANENT_5XX
            return self.status in TRANSIENT_STATUSES or is_server
        return not self.is_answer or any(kind in self.kind for kind in TRANSIENT_KINDS) or not self.kind.strip()

    def _trouble(self) -> str:
        if self.status == 429 or "rate_limit" in self.kind:
            return "Rate limited by the model's provider"
        if self.status in (503, 529) or "overloaded" in self.kind:
            return "The model's provider is overloaded"
        if not self.is_answer:
            return "No connection to the model's endpoint"
        return f"The model's endpoint failed ({self.status})" if self.status else "The model's reply broke off"


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, where an answer names them: RFC 9110, 10.2.3 in both forms, and what providers send beside."""
    wished = _number(headers.get("retry-after-ms"), 0.001)
    if wished is None:
        wished = _number(headers.get("retry-after"))
    if wished is None:
        wished = _until(headers.get("retry-after"))
    if wished is None:
        wished = _until(headers.get("anthropic-ratelimit-requests-reset"))
    if wished is None:
        wished = _number((headers.get("x-ratelimit-reset-requests") or "").removesuffix("s"))
    return None if wished is None else min(max(0.0, wished), MAX_RETRY_AFTER)


def _number(value: str | None, unit: float = 1.0) -> float | None:
    try:
        number = float(value) * unit if value else None
    except ValueError:
        return None
    return number if number is None or abs(number) < float("inf") else None


def _until(value: str | None) -> float | None:
    """Seconds until a date, an HTTP one or an ISO one."""
    if not value:
        return None
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            return parse(value).timestamp() - time.time()
        except ValueError:
            continue
    return None


def _body(error: Exception) -> dict[str, Any]:
    """The innermost object that an endpoint sent as its error: {"error": {…}}, {"error": "…"} or {…}."""
    body = getattr(error, "body", None)
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    if isinstance(body, dict) and isinstance(body.get("error"), str):
        body = {**body, "message": body["error"]}
    if isinstance(body, dict) and "message" not in body and "detail" in body:
        body = {**body, "message": body["detail"]}
    return body if isinstance(body, dict) else {}

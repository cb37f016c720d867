"""What the user says to a run while it goes on: stored before it acts, heard once."""

from __future__ import annotations

import hashlib
import secrets
from typing import Final, Literal

from orchestrator.events import encode_body
from orchestrator.redact import Redactor
from orchestrator.runlog.calls import NO_STEP, Scripts
from orchestrator.runlog.refusals import refusal

MOST_MESSAGES: Final = 100
"""In a run. None of them is ever dropped from its conversation."""


Until = Literal["", "last", "leave"]


class InboxClosed(Exception):
    """The run is about to end: it would not hear the message any more."""


class InboxFull(Exception):
    """The run has been told as much as it takes."""


class MessageKeyReused(Exception):
    """The same key came with other words."""


class Inbox:
    def __init__(self, scripts: Scripts, redact: Redactor) -> None:
        self._scripts, self._redact = scripts, redact

    def say(self, run_id: str, value: str, key: str | None = None) -> str:
        """Add the user's words, as an event and for the next model call; returns the message's id.

        The same ``key`` again changes nothing. Raises RunMissing, RunEnded, InboxClosed, InboxFull, MessageKeyReused,
        LogFull.
        """
        message_id, words = f"message_{secrets.token_hex(6)}", self._redact(value)
        body = encode_body(run_id, "user-message", {"value": words, "messageId": message_id}, message_id, 0)
        call = _digest(key) if key is not None else message_id
        reply = self._scripts.call("say", run_id, NO_STEP, body, words, call, message_id, _digest(value), MOST_MESSAGES)
        outcome, detail = (str(part, "utf-8") for part in reply)
        if outcome == "reused":
            raise MessageKeyReused("this Idempotency-Key was used before with a different body")
        if outcome == "closed":
            raise InboxClosed("The run is about to end and takes no more messages")
        if outcome == "full":
            raise InboxFull(f"A run takes {MOST_MESSAGES} messages at most")
        if outcome != "ok":
            raise refusal(outcome, detail)
        return detail

    def hear(self, run_id: str, heard: int, until: Until = "") -> list[str]:
        """The messages behind the first ``heard``. ``last``: no more can be said; ``leave``: so if there are none.

        Raises RunMissing, RunEnded.
        """
        outcome, detail, *said = self._scripts.call("hear", run_id, NO_STEP, heard, until)
        if outcome != b"ok":
            raise refusal(outcome.decode(), detail.decode())
        return [words.decode() for words in said]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()

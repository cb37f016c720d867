"""Masks secrets in what goes to Inngest: results of steps and functions, errors, events."""

from __future__ import annotations

from collections.abc import Callable

import inngest

from orchestrator.redact import Redactor


def masking(redact: Redactor) -> Callable[[inngest.Inngest, object], inngest.MiddlewareSync]:
    """A middleware for the client."""

    class Masking(inngest.MiddlewareSync):
        def before_send_events(self, events: list[inngest.Event]) -> None:
            for event in events:
                event.data = redact.value(event.data)

        def transform_output(self, result: inngest.TransformOutputResult) -> None:
            if result.error is not None:
                _mask_error(result.error, redact)
            elif result.has_output():
                result.output = redact.value(result.output)

    return Masking


def _mask_error(error: BaseException | None, redact: Redactor) -> None:
    """In place, with its causes: Inngest gets the message and the whole traceback, and acts on the class."""
    while error is not None:
        error.args = tuple(redact.value(list(error.args)))
        error = error.__cause__ or error.__context__

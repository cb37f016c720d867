"""What single values have to be, where pydantic has no word for it. All raise ValueError; it never holds the value."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from pydantic import AfterValidator

from agent.models.specs import names
from orchestrator.access import exact_origins
from orchestrator.receivers import http_address


def checked(check: Callable[[Any], object]) -> AfterValidator:
    """The value stays as it was given; who needs it taken apart does that again."""

    def keep(given: Any) -> Any:
        check(given)
        return given

    return AfterValidator(keep)


def on_off_or_url(given: str | None) -> str | None:
    """`1`, `0` or a URL. A misspelt `off` must not switch signatures off."""
    meant = given.strip() if given is not None else None
    if meant is None or re.fullmatch(r"https?://[^\s/]\S*", meant):
        return meant
    if meant.lower() not in ("1", "true", "0", "false"):
        raise ValueError("expected 1, true, 0, false or the dev server's http(s) URL")
    return "1" if meant.lower() in ("1", "true") else "0"


def some_model(given: str) -> None:
    if not names(given):
        raise ValueError("expected names of models, with commas between them")


def one_origin(given: str) -> str:
    if len(exact_origins(given)) > 1 or "," in given:
        raise ValueError("expected one origin")
    return given.strip()


def address(given: str | None) -> str | None:
    return None if given is None else http_address(given)

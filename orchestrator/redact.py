"""Keeps the environment's secrets out of events and log lines."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

SECRET_NAME: Final = re.compile(r"KEY|TOKEN|SECRET|PASSW|CREDENTIAL|PRIVATE|DSN", re.IGNORECASE)
SHORTEST: Final = 8
"""Shorter values would blank out ordinary words."""

MASK: Final = "[redacted]"


class Redactor:
    """Replaces known secret values in text."""

    def __init__(self, secrets: frozenset[str] = frozenset()) -> None:
        forms = {form for secret in secrets if len(secret) >= SHORTEST for form in _forms(secret)}
        by_length = sorted(map(re.escape, forms), key=len, reverse=True)
        self._pattern = re.compile("|".join(by_length)) if by_length else None

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Redactor:
        """Everything in a variable whose name speaks of a secret, and the password of any URL."""
        found: set[str] = set()
        for name, value in environ.items():
            if SECRET_NAME.search(name):
                found.update((value.strip(), *(part.strip() for part in value.split(","))))
            if "://" in value and (password := _password(value)):
                found.add(password)
        return cls(frozenset(found))

    def __call__(self, text: str) -> str:
        return self._pattern.sub(MASK, text) if self._pattern else text


class RedactingFormatter(logging.Formatter):
    """Formats a record, tracebacks included, and then masks it."""

    def __init__(self, format: str, redact: Redactor) -> None:
        super().__init__(format)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


def _forms(secret: str) -> tuple[str, ...]:
    """As it is, and as it stands in JSON."""
    return secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]


def _password(url: str) -> str | None:
    try:
        return urlsplit(url).password
    except ValueError:
        return None

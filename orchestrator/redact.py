"""Keeps the environment's secrets out of whatever is stored or leaves the process."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from urllib.parse import quote, quote_plus

from agent.pace import ITEM, Pace
from orchestrator.access import PREVIEW_PREFIX, TOKEN_PREFIX
from orchestrator.secret_values import SHORTEST, secret_values

MASK: Final = "[redacted]"

SEARCHED: Final = 8 * ITEM
"""What a value counts for: it is searched for each secret."""

_TOKEN: Final = re.compile(rf"{TOKEN_PREFIX[:-1]}(?:_|%5[Ff])[A-Za-z0-9_.%-]+")
"""Nobody can list the tokens that the service has signed, but all have this form."""

_PREVIEW: Final = re.compile(rf"{PREVIEW_PREFIX[:-1]}(?:_|%5[Ff])[A-Za-z0-9_.%-]+")

_TOKEN_BEGINS: Final = re.compile(rf"(?:{TOKEN_PREFIX}[A-Za-z0-9_.-]*|rwt|rw|r)\Z")


@dataclass(frozen=True)
class _Form:
    """One way in which a secret is written. Short ones count as whole words only."""

    text: str
    is_word: bool

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(rf"(?<![A-Za-z0-9_]){re.escape(self.text)}(?![A-Za-z0-9_])")

    def mask(self, text: str) -> str:
        return self.pattern.sub(MASK, text) if self.is_word else text.replace(self.text, MASK)

    def begins_in(self, text: str) -> int:
        """Where the longest end of ``text`` starts that may be this form's beginning; its length where none does."""
        start = max(0, len(text) - len(self.text) + 1)
        while (start := text.find(self.text[0], start)) >= 0:
            if self.text.startswith(text[start:]):
                return start
            start += 1
        return len(text)


class Redactor:
    """Replaces known secret values in text, in all the forms in which they may stand there."""

    def __init__(self, secrets: frozenset[str] = frozenset()) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # Searching for each is faster than one pattern of all, and the longest goes first: it may hold another.
        self._forms = sorted(forms, key=lambda form: (-len(form.text), form.text))

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Redactor:
        return cls(secret_values(environ))

    def __call__(self, text: str) -> str:
        for form in self._forms:
            if form.text in text:
                text = form.mask(text)
        return mask_tokens(text)

    def value(self, value: Any) -> Any:
        """JSON with the strings in it masked, and the names in objects where they hold a long secret (paths may)."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, Mapping):
            masked, pace = {}, Pace()
            for name, item in value.items():
                masked[self.name(name)] = self.value(item)
                pace(SEARCHED)
            return masked
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return value

    def name(self, name: str) -> str:
        return self(name) if len(name) >= SHORTEST else name

    def content(self, content: bytes) -> bytes:
        """A file's content. In one that is no text a short secret stays: the bytes may stand there by chance."""
        try:
            text = content.decode()
        except UnicodeDecodeError:
            return self._binary(content)
        masked = self(text)
        return content if masked == text else masked.encode()

    def beginning(self, text: str) -> int:
        """Where the end of ``text`` starts that the next piece of its stream may turn into a secret."""
        token = _TOKEN_BEGINS.search(text)
        return (
            min([form.begins_in(text) for form in self._forms], default=len(text)) if token is None else token.start()
        )

    def _binary(self, content: bytes) -> bytes:
        for form in self._forms:
            if not form.is_word:
                content = content.replace(form.text.encode(), MASK.encode())
        return content


def mask_tokens(text: str) -> str:
    return _TOKEN.sub(MASK, text) if TOKEN_PREFIX[:-1] in text else text


def mask_previews(line: str) -> str:
    """A log line without the tokens that open pages; events are to keep them."""
    return _PREVIEW.sub(MASK, line) if PREVIEW_PREFIX[:-1] in line else line


def _forms(secret: str) -> Iterator[_Form]:
    is_word = len(secret) < SHORTEST
    written = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    encoded = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    written |= encoded | {re.sub("%..", lambda found: found[0].lower(), text) for text in encoded}
    yield from (_Form(text, is_word) for text in written)
    if not is_word:
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield _Form(encode(secret.encode()).decode().rstrip("="), is_word=False)

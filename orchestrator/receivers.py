"""What the settings say about where results go: addresses and signing secrets. No message shows a value."""

from __future__ import annotations

import base64
import binascii
from typing import Final
from urllib.parse import urlsplit

PREFIX: Final = "whsec_"
SHORTEST: Final = 24
LONGEST: Final = 64
"""Bytes of a signing secret, as Standard Webhooks says."""
FORM: Final = (
    f"expected {PREFIX} and {SHORTEST} to {LONGEST} bytes as base64; make one with: "
    f"python -c \"import base64, secrets; print('{PREFIX}' + base64.b64encode(secrets.token_bytes(32)).decode())\""
)


def http_address(given: str) -> str:
    """An absolute http(s) URL. Raises ValueError."""
    try:
        url = urlsplit(given.strip())
        is_whole = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0 and not url.fragment
    except ValueError:
        is_whole = False
    if not is_whole or any(character.isspace() for character in given.strip()):
        raise ValueError("expected an absolute http(s) address, such as https://host.example/path")
    return given.strip()


def webhook_secrets(given: str | None) -> tuple[str, ...]:
    """`whsec_…,whsec_…`, each of them checked. Raises ValueError with a sentence that holds no secret."""
    secrets = tuple(filter(None, map(str.strip, (given or "").split(","))))
    for secret in secrets:
        try:
            size = len(base64.b64decode(secret.removeprefix(PREFIX), validate=True))
        except (binascii.Error, ValueError):
            size = 0
        if not secret.startswith(PREFIX) or not SHORTEST <= size <= LONGEST:
            raise ValueError(FORM)
    if given and not secrets:
        raise ValueError(FORM)
    return secrets

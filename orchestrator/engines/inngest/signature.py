"""Inngest's signature (SDK specification 4.1.3): `t=<seconds>&s=<HMAC-SHA256 of the canonical body and t, in hex>`.

The SDK looks neither at its age nor at its form, and takes an empty fallback key for a key; so it is checked here.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass
from typing import Final

import jcs

MOST_AGE_SECONDS: Final = 300
MOST_AHEAD_SECONDS: Final = 10
"""How far the signer's clock may be before ours."""

_FORM: Final = re.compile(r"t=(?P<t>[0-9]{1,12})&s=(?P<s>[0-9a-f]{64})|s=(?P<s2>[0-9a-f]{64})&t=(?P<t2>[0-9]{1,12})")
_KEY_PREFIX: Final = re.compile(r"^signkey-\w+-")


class SignatureRefused(Exception):
    """The call is not signed as it must be; the message is for the caller."""


@dataclass(frozen=True)
class Signature:
    """A signature that has the right form and age; whether it is true only its ``check`` tells."""

    seconds: str
    digest: str

    def check(self, body: bytes, keys: tuple[str, ...]) -> None:
        """Raise SignatureRefused unless one of ``keys`` signed ``body``. Takes equally long whatever differs."""
        if not self._is_of(body, keys) and not self._is_of(_canonical(body), keys):
            raise SignatureRefused("The signature is not of this body")

    def _is_of(self, body: bytes, keys: tuple[str, ...]) -> bool:
        signed = [hmac.compare_digest(self.digest, _digest(key, body, self.seconds)) for key in keys]
        return any(signed)


def read_signature(header: str | None, now: float) -> Signature:
    """Raises SignatureRefused: missing, malformed, too old, from the future."""
    if not header:
        raise SignatureRefused("X-Inngest-Signature is missing")
    match = _FORM.fullmatch(header)
    if match is None:
        raise SignatureRefused("X-Inngest-Signature must look like t=<seconds>&s=<64 hexadecimal digits>")
    seconds, digest = match["t"] or match["t2"], match["s"] or match["s2"]
    age = now - int(seconds)
    if age > MOST_AGE_SECONDS:
        raise SignatureRefused(f"X-Inngest-Signature is older than {MOST_AGE_SECONDS} s")
    if age < -MOST_AHEAD_SECONDS:
        raise SignatureRefused("X-Inngest-Signature is from the future")
    return Signature(seconds, digest)


def _digest(key: str, body: bytes, seconds: str) -> str:
    return hmac.new(_KEY_PREFIX.sub("", key).encode(), body + seconds.encode(), hashlib.sha256).hexdigest()


def _canonical(body: bytes) -> bytes:
    """Inngest sends canonical JSON; a proxy may have written it anew."""
    try:
        canonical: bytes = jcs.canonicalize(json.loads(body)) if body else body
    except (ValueError, TypeError, RecursionError):
        raise SignatureRefused("The signature is not of this body") from None
    return canonical

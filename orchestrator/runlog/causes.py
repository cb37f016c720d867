"""Why Redis cannot be used, in a sentence that names the setting which mends it."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from typing import Final

from redis.exceptions import AuthenticationError, NoPermissionError, ReadOnlyError

from orchestrator.runlog.address import NotPrimary

REFUSED_PASSWORD: Final = ("WRONGPASS", "NOAUTH", "invalid username-password", "Authentication required")
NO_TLS: Final = (
    "WRONG_VERSION_NUMBER",
    "wrong version number",
    "RECORD_LAYER_FAILURE",
    "handshake operation timed out",
)


def cause(error: BaseException) -> str:
    """A sentence without the address, which may carry a password."""
    chain = list(_chain(error))
    said = " ".join(map(str, chain))
    if isinstance(error, NotPrimary):
        return str(error)
    if any(isinstance(link, ssl.SSLCertVerificationError) for link in chain) or "CERTIFICATE_VERIFY_FAILED" in said:
        return "its certificate cannot be verified; where it is self-signed on purpose, set REDIS_TLS_VERIFY=false"
    if any(text in said for text in NO_TLS):
        return "it does not speak TLS at this port; REDIS_URL should begin with redis://"
    if isinstance(error, NoPermissionError) or "NOPERM" in said:
        return "the user in REDIS_URL may not use the commands that the service needs"
    if isinstance(error, AuthenticationError) or any(text in said for text in REFUSED_PASSWORD):
        return "it refuses the user name or password in REDIS_URL"
    if isinstance(error, ReadOnlyError):
        return "it is a read-only replica; REDIS_URL must name the primary"
    return f"does not answer at REDIS_URL ({type(error).__name__})"


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

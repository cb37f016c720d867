"""Why Redis cannot be used, in a sentence that names the setting which mends it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from typing import Final

from redis.exceptions import AuthenticationError, NoPermissionError, ReadOnlyError, RedisError

from orchestrator.runlog.address import NotPrimary

REFUSED_PASSWORD: Final = ("WRONGPASS", "NOAUTH", "invalid username-password", "Authentication required")
NO_TLS: Final = (
    "WRONG_VERSION_NUMBER",
    "wrong version number",
    "RECORD_LAYER_FAILURE",
    "handshake operation timed out",
)
NO_ANSWER: Final = "does not answer at REDIS_URL ({})"
SAID: Final = (
    ("DB index is out of range", "it has no database of the number in REDIS_URL"),
    ("SELECT is not allowed in cluster mode", "a Cluster has no numbered databases; REDIS_URL must end without one"),
    ("max number of clients", "it takes no more connections; lower REDIS_MAX_CONNECTIONS or the number of processes"),
    ("OOM command not allowed", "it is full; give it more memory, or lower EVENTS_TTL"),
    ("BUSY Redis", "it is busy with a script that does not end (SCRIPT KILL ends it)"),
    ("MISCONF", "it takes no writes because it cannot save its data; its own log says why"),
    ("NOREPLICAS", "it takes no writes because too few replicas are connected (min-replicas-to-write)"),
    ("is loading the dataset", "it is still loading its data"),
    ("unknown command", "it does not know a command that the service needs; it must be Redis 6.2 or newer"),
    ("Connection closed by server", "it hangs up at once; where it speaks TLS, REDIS_URL should begin with rediss://"),
)
"""What a server says, and what that means here."""


def cause(error: BaseException) -> str:
    """A sentence without the address, which may carry a password."""
    chain = list(_chain(error))
    said = " ".join(map(str, chain))
    if isinstance(error, NotPrimary) or not isinstance(error, (RedisError, OSError)):
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
    if any(isinstance(link, socket.gaierror) for link in chain) or "Name or service not known" in said:
        return "the host name in REDIS_URL is not known"
    return next((sentence for text, sentence in SAID if text in said), NO_ANSWER.format(type(error).__name__))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__

"""Tokens: what a page in a browser may do, signed. A token names one project or one run, and ends by itself."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any, Final, Literal

from itsdangerous import BadData, Serializer, URLSafeSerializer
from itsdangerous.encoding import base64_encode

from orchestrator.access import PREVIEW_PREFIX, TOKEN_PREFIX
from orchestrator.runlog.connection import Client
from orchestrator.runlog.keys import TOKEN_SECRET

Action = Literal["start", "read", "cancel", "steer", "approve", "delete", "preview"]

PREVIEW: Final[tuple[Action, ...]] = ("preview",)


class TokenRefused(Exception):
    """``reason`` for the log, the message for people, and the ``caller`` it was made for, where that is certain."""

    def __init__(self, reason: str, message: str, caller: str | None = None) -> None:
        super().__init__(message)
        self.reason, self.caller = reason, caller


@dataclass(frozen=True)
class Grant:
    """What a token says. Exactly one of the two ids is set; ``expires`` in seconds since the epoch."""

    caller: str
    can: tuple[Action, ...]
    expires: int
    project_id: str | None = None
    run_id: str | None = None


class _Serializer(URLSafeSerializer):
    def dump_payload(self, obj: Any) -> bytes:
        """Not compressed first, which is in vain for so few bytes."""
        return base64_encode(Serializer.dump_payload(self, obj))


class Tokens:
    """Signs grants and reads them back. A token lives no longer than the key that it was made with."""

    def __init__(self, secret: str, keys: Mapping[str, str], redis: Client) -> None:
        self._given, self._keys, self._redis = secret, keys, redis
        self._mark = cache(self._make_mark)

    def sign(self, grant: Grant) -> str:
        """Raises redis' errors, where there is no SECRET_KEY."""
        said = [grant.caller, self._mark(grant.caller), grant.can, grant.expires, grant.project_id, grant.run_id]
        prefix = PREVIEW_PREFIX if grant.can == PREVIEW else TOKEN_PREFIX
        return prefix + str(self._serializer.dumps(said))

    def read(self, token: str) -> Grant:
        """Raises TokenRefused, and redis' errors, where there is no SECRET_KEY."""
        try:
            said: Any = self._serializer.loads(token.removeprefix(TOKEN_PREFIX).removeprefix(PREVIEW_PREFIX))
        except BadData:
            raise TokenRefused("bad-token", "This token is not valid") from None
        caller, mark, can, expires, project_id, run_id = said
        if not hmac.compare_digest(mark, self._mark(caller)):
            raise TokenRefused("withdrawn-token", "The key that this token was made with is no longer valid", caller)
        if expires <= time.time():
            raise TokenRefused("expired-token", "This token has expired: ask for a new one", caller)
        return Grant(caller, tuple(can), expires, project_id, run_id)

    def sign_session(self, caller: str, expires: int) -> str:
        """What a logged-in browser holds: the caller's name, with all that its key may do. Raises as ``sign`` does."""
        return str(self._signer("session").dumps([caller, self._mark(caller), expires]))

    def read_session(self, session: str) -> str:
        """The caller's name. Raises what ``read`` does."""
        try:
            said: Any = self._signer("session").loads(session)
        except BadData:
            raise TokenRefused("bad-session", "This session is not valid: log in") from None
        caller, mark, expires = said
        if expires <= time.time() or not hmac.compare_digest(mark, self._mark(caller)):
            raise TokenRefused("ended-session", "This session has ended: log in again", caller)
        return str(caller)

    def _make_mark(self, caller: str) -> str:
        """Another one once the caller's key has been exchanged or removed; it does not tell the key."""
        return hmac.new(self._secret.encode(), self._keys.get(caller, "").encode(), hashlib.sha256).hexdigest()[:16]

    @cached_property
    def _serializer(self) -> URLSafeSerializer:
        return self._signer("token")

    def _signer(self, purpose: str) -> URLSafeSerializer:
        digest = {"digest_method": hashlib.sha256, "key_derivation": "hmac"}
        return _Serializer(self._secret, salt=f"runwire.{purpose}.1", signer_kwargs=digest)

    @cached_property
    def _secret(self) -> str:
        return self._given or self._shared()

    def _shared(self) -> str:
        """In development: one secret for all processes, also after a restart, kept beside the runs it opens."""
        self._redis.set(TOKEN_SECRET, secrets.token_urlsafe(48), nx=True)
        return str(self._redis.get(TOKEN_SECRET).decode())

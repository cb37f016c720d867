"""API keys: `Authorization: Bearer …` or `X-API-Key: …`. Without configured keys everybody may call."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import flask

from orchestrator.web.errors import Problem


def key_check(keys: frozenset[str]) -> Callable[[], None]:
    """A ``before_request`` function. It leaves who called in ``flask.g.caller``."""

    def check() -> None:
        flask.g.caller = given = _given_key()
        if not keys:
            return
        if not given:
            raise Problem(401, "An API key is required", headers={"WWW-Authenticate": "Bearer"})
        if not any([hmac.compare_digest(given.encode(), key.encode()) for key in keys]):
            raise Problem(403, "This API key is not known")

    return check


def _given_key() -> str:
    scheme, _, token = flask.request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else flask.request.headers.get("X-API-Key", "")

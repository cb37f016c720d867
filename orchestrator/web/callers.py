"""Who calls, and what they may do: the one place that knows keys, tokens and owners.

`Authorization: Bearer …` takes a key or a token, `X-API-Key` a key, `?token=` a token. Without configured keys whoever
may reach the service is the caller `local`. Routes ask ``Door.run`` or ``Door.project`` before they do anything.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import flask
from structlog.contextvars import bind_contextvars

from orchestrator.access import LOCAL, PREFIXES, RunOwner
from orchestrator.web.errors import UNKNOWN_PROJECT, UNKNOWN_RUN, Problem
from orchestrator.web.grants import Action, Grant, TokenRefused, Tokens
from orchestrator.web.here import here, this_request
from orchestrator.web.origins import CHANGES_NOTHING

SESSION_COOKIE: Final = "runwire_session"


@dataclass(frozen=True)
class Caller:
    """``grant`` is None for a key, which may do all that its name may."""

    name: str
    grant: Grant | None = None


def caller() -> Caller:
    """Who makes the present request; known once the door's check has run."""
    known: Caller = here().caller
    return known


@dataclass(frozen=True)
class Door:
    keys: Mapping[str, str]
    tokens: Tokens

    def check(self) -> None:
        """A ``before_request`` function. Raises Problem 401 or 403."""
        request = this_request()
        if request.method != "OPTIONS":  # a preflight carries no key, and is answered with nothing
            here().caller = who = self._caller(request)
            bind_contextvars(caller=who.name)

    def check_token(self, token: str) -> None:
        """The same for a token that stands in the path."""
        flask.g.caller = self._of_token(token)

    def _caller(self, request: flask.Request) -> Caller:
        given = _bearer(request) or request.headers.get("X-API-Key", "")
        token = request.args.get("token", "") if not given else ""
        if token or given.startswith(PREFIXES):
            return self._of_token(token or given)
        if not self.keys:
            return Caller(LOCAL)
        if not given and (session := request.cookies.get(SESSION_COOKIE)):
            return self._of_session(session)
        if not given:
            raise Problem(401, "An API key is required", headers={"WWW-Authenticate": "Bearer"}, refused="no-key")
        return Caller(self.name_of(given))

    def name_of(self, key: str) -> str:
        """Raises Problem 403."""
        matches = [name for name, known in self.keys.items() if hmac.compare_digest(key.encode(), known.encode())]
        if not matches:
            raise Problem(403, "This API key is not known", refused="unknown-key")
        return matches[0]

    def _of_session(self, session: str) -> Caller:
        """A browser sends the cookie with whatever asks for it: what changes something must come from our own page."""
        try:
            name = self.tokens.read_session(session)
        except TokenRefused as error:
            raise Problem(401, str(error), refused=error.reason) from None
        if flask.request.method not in CHANGES_NOTHING and not from_own_page():
            raise Problem(403, "Only the console may use its session", refused="foreign-origin")
        return Caller(name)

    def _of_token(self, token: str) -> Caller:
        try:
            grant = self.tokens.read(token)
        except TokenRefused as error:
            flask.g.caller = Caller(error.caller) if error.caller else None
            challenge = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
            raise Problem(401, str(error), headers=challenge, refused=error.reason) from None
        return Caller(grant.caller, grant)

    def run(self, run_id: str, owner: RunOwner, action: Action) -> None:
        """The caller is about to do that with a run of ``owner``. Raises Problem 404 or 403."""
        who = caller()
        grant = who.grant
        names_it = grant is None or run_id == grant.run_id or owner.project_id == grant.project_id
        if owner.caller != who.name or not names_it:
            raise Problem(404, UNKNOWN_RUN, refused="not-their-run")
        _must_allow(grant, action)

    def project(self, project_id: str, action: Action = "start") -> None:
        """The caller is about to do that with a project; whose it is turns out then. Raises Problem 404 or 403."""
        grant = caller().grant
        if grant is None:
            return
        _must_allow(grant, action)
        if grant.project_id != project_id:
            raise Problem(404, UNKNOWN_PROJECT, refused="not-their-project")

    def listing(self, project_id: str | None) -> str | None:
        """Of which project the caller lists runs (None: of all), having asked for this. Raises Problem 404 or 403."""
        grant = caller().grant
        if grant is None:
            return project_id
        if grant.project_id is None:
            self.key_only()
        if project_id not in (None, grant.project_id):
            raise Problem(404, UNKNOWN_PROJECT, refused="not-their-project")
        _must_allow(grant, "read")
        return grant.project_id

    def key_only(self) -> None:
        """Raises Problem 403 for a token: it opens what it names and nothing else."""
        if caller().grant is not None:
            raise Problem(403, "A token opens only what it names: use an API key", refused="token-scope")


def from_own_page() -> bool:
    """Whether a browser says that a page of this very origin asks; of any scheme, as a router may speak TLS for us."""
    said = flask.request.headers.get("Sec-Fetch-Site")
    _, _, named = flask.request.headers.get("Origin", "").partition("://")
    return said == "same-origin" if said else named != "" and named == flask.request.host


def _must_allow(grant: Grant | None, action: Action) -> None:
    if grant is not None and action not in grant.can:
        raise Problem(403, f"This token does not allow to {action}", {"can": grant.can}, refused="token-scope")


def _bearer(request: flask.Request) -> str:
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    return credential.strip() if scheme.lower() == "bearer" else ""

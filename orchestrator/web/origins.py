"""Which web pages may call: those of listed origins, by CORS; and no page at all may use a service without keys.

A browser on the developer's machine reaches whatever listens there, for any page it shows (DNS rebinding, cross-site
requests). So a service without keys answers only under a loopback Host, and what changes something is refused where the
browser says that it comes from elsewhere. `/api/inngest` has a guard of its own (orchestrator.web.inngest).
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Final

import flask
from flask_cors import CORS

from orchestrator.web.errors import Problem
from orchestrator.web.here import this_request

GUARDED_ELSEWHERE: Final = "/api/inngest"
CHANGES_NOTHING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
EXPOSED: Final = ("X-Run-Id", "X-Stream-Token", "Retry-After")
PREFLIGHT_SECONDS: Final = 600
"""How long a browser remembers a preflight's answer; all but Firefox take no more than this or little more."""

_HOST: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+)(?::[0-9]{1,5})?", re.ASCII)


def allow_origins(app: flask.Flask, origins: tuple[str, ...]) -> None:
    """Add CORS headers for pages of these origins, to errors and streams too, and answer their preflights."""
    if origins:
        CORS(
            app,
            resources=rf"/(?!{GUARDED_ELSEWHERE[1:]}).*",
            origins=[re.compile(re.escape(origin) + r"\Z") for origin in origins],  # a plain string may be read as one
            methods=["GET", "POST", "DELETE"],
            expose_headers=EXPOSED,
            max_age=PREFLIGHT_SECONDS,
            always_send=False,
        )


def local_only(origins: tuple[str, ...]) -> Callable[[], None]:
    """A ``before_request`` function for a service without keys. Raises Problem 403."""

    def check() -> None:
        request = this_request()
        if request.path == GUARDED_ELSEWHERE:
            return
        if not is_loopback(request.host):
            raise Problem(403, "Without API keys only localhost is served: set AGENT_API_KEYS", refused="foreign-host")
        if request.method not in CHANGES_NOTHING and not _is_own_or_listed(request, origins):
            raise Problem(
                403, "A page of another origin may not do this: list it in AGENT_CORS_ORIGINS", refused="foreign-origin"
            )

    return check


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine: localhost, 127.0.0.0/8 or [::1], with any port."""
    match = _HOST.fullmatch(host)
    name = match[1].strip("[]").lower() if match else ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _is_own_or_listed(request: flask.Request, origins: tuple[str, ...]) -> bool:
    origin = request.headers.get("Origin")
    if origin is not None:
        return origin in origins or origin == f"{request.scheme}://{request.host}"
    return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")  # curl does not say it

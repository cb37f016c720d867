"""Convex: a mutation of the operator's gets the assistant's message and the files (docs.convex.dev/http-api)."""

from __future__ import annotations

import json
from typing import Any, Final

from agent.errors import PermanentError
from orchestrator.destinations import http
from orchestrator.destinations.protocol import Letter
from orchestrator.events import dumps
from orchestrator.settings import Settings

FUNCTION_FAILED: Final = 560
"""Convex's own status: the function threw, and its answer says what. It would again."""
LONGEST_MESSAGE: Final = 300
"""Characters of Convex's own words."""


class ConvexDestination:
    name = "convex"
    title = "Convex"
    takes_errors = False

    def __init__(self, url: str, deploy_key: str, function: str) -> None:
        self._url = f"{url.rstrip('/')}/api/mutation"
        self._function = function
        # A deploy key may call internal functions, too.
        self._headers = {"Content-Type": "application/json", "Authorization": f"Convex {deploy_key}"}

    @classmethod
    def configured(cls, settings: Settings) -> ConvexDestination | None:
        if settings.convex_url is None or settings.convex_deploy_key is None:
            return None
        return cls(settings.convex_url, settings.convex_deploy_key, settings.convex_function)

    def send(self, letter: Letter) -> None:
        body = {"path": self._function, "format": "json", "args": arguments(letter, letter.key(self.name))}
        reply = http.post(self._url, dumps(body).encode(), self._headers)
        if reply.status != FUNCTION_FAILED:
            http.check(reply)
        said = _object(reply.body)
        if said.get("status") == "error" or reply.status == FUNCTION_FAILED:
            raise PermanentError(f"{self._function} failed: {str(said.get('errorMessage'))[:LONGEST_MESSAGE]}")
        if said.get("status") != "success":
            raise PermanentError("it did not answer as Convex does")


def arguments(letter: Letter, key: str) -> dict[str, Any]:
    """What the function is called with. Files are a list: names of a Convex object's fields cannot be paths."""
    data = letter.data
    return {
        "idempotencyKey": key,
        "runId": letter.run_id,
        "projectId": letter.project_id,
        "role": "assistant",
        "content": data["summary"],
        **{name: data[name] for name in ("outcome", "missing", "title", "framework", "url", "usage")},
        "files": [{"path": path, "content": content} for path, content in data["files"].items()],
    }


def _object(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}

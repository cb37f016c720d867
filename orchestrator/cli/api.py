"""The service over HTTP, as any caller has it."""

from __future__ import annotations

import argparse
import os
import re
from typing import Any, Final

import httpx

from agent.messages import RUN_ID

URL: Final = "RUNWIRE_URL"
KEY: Final = "RUNWIRE_API_KEY"
TIMEOUT_SECONDS: Final = 30.0


class ApiError(Exception):
    """A sentence for people."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--url", help=f"the service; {URL} if not given, else this machine's on PORT or 8000")
    parser.add_argument("--json", action="store_true", help="print the answer as it is")


def run_path(run_id: str) -> str:
    """Of a run's own routes. Raises ApiError for what is no id, and would be another path."""
    if not re.fullmatch(RUN_ID, run_id):
        raise ApiError(f"unknown or expired run {run_id!r}")
    return f"/agent/run/{run_id}"


class Api:
    """``url`` as given, or by the environment; the key is never an argument, which every process could read."""

    def __init__(self, url: str | None) -> None:
        self.url = url or os.environ.get(URL) or f"http://127.0.0.1:{os.environ.get('PORT', '8000')}"
        self._key = os.environ.get(KEY, "")
        if not (self._key.isascii() and self._key.isprintable()):  # httpx would say the key
            raise ApiError(f"{KEY} holds what no key does, such as a line break")

    def get(self, path: str, **query: Any) -> Any:
        return self._call("GET", path, params={name: value for name, value in query.items() if value is not None})

    def post(self, path: str, headers: dict[str, str] | None = None) -> Any:
        return self._call("POST", path, headers=headers)

    def _call(self, method: str, path: str, headers: dict[str, str] | None = None, **more: Any) -> Any:
        key = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            with httpx.Client(base_url=self.url, timeout=TIMEOUT_SECONDS) as client:
                response = client.request(method, path, headers={**key, **(headers or {})}, **more)
            answer = response.json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            raise ApiError(f"the service at {self.url} does not answer: {error}") from error
        if response.is_error:
            raise ApiError(_sentence(response.status_code, answer))
        return answer


def _sentence(status: int, answer: Any) -> str:
    said = answer.get("error") if isinstance(answer, dict) else None
    if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        return f"{said}: set {KEY} to a key of this service"
    details = answer.get("details") if isinstance(answer, dict) else None
    return f"{said or status}" + (f" ({_words(details)})" if details else "")


def _words(details: Any) -> str:
    if isinstance(details, dict):
        return "; ".join(f"{name}: {_words(value)}" for name, value in details.items() if value is not None)
    return ", ".join(map(str, details)) if isinstance(details, list) else str(details)

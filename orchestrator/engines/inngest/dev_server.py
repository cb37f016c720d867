"""Whether an Inngest dev server answers, and which functions it knows: any program may listen on its port."""

from __future__ import annotations

import time
from functools import cached_property
from typing import Final

import httpx

from orchestrator.logs import get_logger

PROBE_SECONDS: Final = 0.5
PROBE_TTL_SECONDS: Final = 1.5
"""How long an answer is believed: it is asked for at every POST."""

log = get_logger(__name__)


class DevServer:
    def __init__(self, url: str) -> None:
        self._url = url
        self._probed: tuple[float, frozenset[str] | None] = (float("-inf"), None)
        self._nonsense = False

    @cached_property
    def _http(self) -> httpx.Client:
        """One for the process, made at its first use: making one takes longer than asking."""
        return httpx.Client(base_url=self._url, timeout=PROBE_SECONDS)

    def functions(self) -> frozenset[str] | None:
        """Ids of the functions that it knows; None where none answers. Up to PROBE_TTL_SECONDS old."""
        asked, functions = self._probed
        if time.monotonic() - asked > PROBE_TTL_SECONDS:
            functions = self._probe()
            self._probed = (time.monotonic(), functions)
        return functions

    def _probe(self) -> frozenset[str] | None:
        try:
            answer = self._http.get("/dev")
        except httpx.HTTPError:
            return None
        functions = _functions(answer)
        if functions is None and not self._nonsense:
            log.warning("inngest.no_dev_server", url=self._url, status=answer.status_code, answer=answer.text[:60])
        self._nonsense = functions is None
        return functions


def _functions(answer: httpx.Response) -> frozenset[str] | None:
    """The functions that a dev server lists; None for an answer that no dev server gives."""
    try:
        said = answer.raise_for_status().json()
        if not isinstance(said["version"], str):
            return None
        return frozenset(str(function["slug"]) for function in said["functions"] or [])
    except (httpx.HTTPStatusError, ValueError, KeyError, TypeError):
        return None

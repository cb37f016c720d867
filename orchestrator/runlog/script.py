"""A server-side script of the run log, called by its digest: the text travels only to a node that does not know it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Final

from redis.exceptions import NoScriptError, OutOfMemoryError, ResponseError

from orchestrator.runlog.connection import Client
from orchestrator.runlog.refusals import LogFull

STRICT: Final = "#!lua\n"
"""Runs on primaries only: a replica would let a script that happens to write nothing read old data."""

ALLOW_OOM: Final = "#!lua flags=allow-oom\n"
NO_SHEBANG: Final = "near '#'"
"""How a Redis before 7 refuses that line; there a full Redis can end no run, and a replica is read."""


class Script:
    """``scripts/<shared>.lua`` followed by ``<name>.lua`` beside it; ``allow_oom``: it may write to a full Redis."""

    def __init__(self, redis: Client, name: str, *, shared: str = "_run", allow_oom: bool = False) -> None:
        scripts = files("orchestrator.runlog") / "scripts"
        folder = shared.rpartition("/")[0]
        self._redis = redis
        parts = (scripts / f"{shared}.lua", scripts / folder / f"{name}.lua")
        self._plain = "".join(part.read_text(encoding="utf-8") for part in parts)  # whatever the terminal's is
        self._set_text((ALLOW_OOM if allow_oom else STRICT) + self._plain)

    def __call__(self, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Raises LogFull and redis' other errors."""
        try:
            return self._run_or_plain(keys, args)
        except ResponseError as error:
            if isinstance(error, OutOfMemoryError) or "OOM" in str(error):
                raise LogFull("Redis has no memory left: the run cannot be stored") from error
            raise

    def _run_or_plain(self, keys: Sequence[str], args: Sequence[Any]) -> Any:
        try:
            return self._run(keys, args)
        except ResponseError as error:
            if NO_SHEBANG not in str(error):
                raise
            self._set_text(self._plain)
            return self._run(keys, args)

    def _run(self, keys: Sequence[str], args: Sequence[Any]) -> Any:
        try:
            return self._redis.evalsha(self._digest, len(keys), *keys, *args)
        except NoScriptError:
            return self._redis.eval(self._text, len(keys), *keys, *args)

    def _set_text(self, text: str) -> None:
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

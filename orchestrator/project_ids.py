"""What the id of a project may be, however a run on it is asked for: over HTTP or by an event at Inngest."""

from __future__ import annotations

import re
from typing import Final

LONGEST: Final = 200
"""Characters."""

UNPRINTABLE: Final = f"projectId must be printable and have at most {LONGEST} characters"
UNFIT: Final = "projectId must not begin with /, end in .zip, or have a part ., .., /files or /preview"

_NO_ADDRESS: Final = re.compile(r"^/|(^|/)\.\.?(/|$)|\.zip$|/(files|preview)(/|$)")
"""Ids whose address (`/agent/projects/<id>`) is that of something else, or that programs shorten on the way."""


class BadProjectId(ValueError):
    """No project can have this id; the message says why."""


def check_readable(given: str) -> None:
    """Whether something may be stored under it: a project of before a rule, too. Raises BadProjectId."""
    if len(given) > LONGEST or not given.isprintable() or not given.strip():
        raise BadProjectId(UNPRINTABLE)


def check_new(given: str) -> None:
    """Whether a run may begin on it: one that its addresses can hold. Raises BadProjectId."""
    check_readable(given)
    if _NO_ADDRESS.search(given):
        raise BadProjectId(UNFIT)

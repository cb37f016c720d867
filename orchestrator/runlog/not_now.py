"""Refusals that pass: Redis takes nothing for now, for a reason that is its own and not the command's.

redis-py makes plain ResponseErrors of most, which nobody can tell from a mistake of ours.
"""

from __future__ import annotations

import re
from typing import Final

from redis.connection import DefaultParser
from redis.exceptions import ResponseError

REASONS: Final = re.compile(r"\b(BUSY|MISCONF|NOREPLICAS) ")
"""Somebody's script runs, the disk takes nothing, too few replicas listen. Not always the first word: a Redis before 7
names the script first in which that happened."""


class NotNow(ResponseError):
    """Redis refuses what it will take later."""


class Parser(DefaultParser):  # type: ignore[misc, valid-type]  # which of two it is depends on what is installed
    """redis-py's, whose errors say whether they pass."""

    @classmethod
    def parse_error(cls, response: str) -> Exception:
        error: Exception = super().parse_error(response)
        return NotNow(*error.args) if type(error) is ResponseError and REASONS.search(str(error)) else error

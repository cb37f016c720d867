"""What is wrong with a setting, in words: its name, what was expected, and never the value, which may be a secret."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from orchestrator.logs import get_logger

log = get_logger(__name__)

EXPECTED: Final = {
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_parsing": "true or false",
    "greater_than": "a number above {gt:g}",
    "greater_than_equal": "{ge:.12g} or more",
    "less_than": "a number below {lt:g}",
    "less_than_equal": "{le:.12g} at most",
    "literal_error": "{expected}",
}
"""By the type of pydantic's error; its own words speak of inputs and strings."""

OURS: Final = ("AGENT_", "EVENTS_", "JAIL_", "REQUEST_", "SSE_")
"""Variables that begin so are meant for this service; INNGEST_, OPENAI_ and others belong to libraries, too."""
ALIKE: Final = 0.85
"""So alike (difflib's ratio) are two names of which one is a slip: a letter or two of AGENT_MAX_TURNS."""


def refusals(error: ValidationError, fields: Mapping[str, FieldInfo]) -> list[str]:
    """A line for each thing that is wrong."""
    return [_line(each, fields) for each in error.errors()]


def slips(given: Iterable[str], known: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Variables that no setting reads, and the settings that were probably meant. They would be ignored in silence."""
    names = set(known)
    for name in sorted(given):
        if name.startswith(OURS) and name not in names:
            for meant in difflib.get_close_matches(name, names, 1, ALIKE):
                yield name, meant


def warn_of_slips(environ: Mapping[str, str], known: Iterable[str]) -> None:
    """Call once in a process, when logging is set up."""
    for name, meant in slips(environ, known):
        log.warning("settings.unknown", name=name, meant=meant)


def _line(error: ErrorDetails, fields: Mapping[str, FieldInfo]) -> str:
    where = str(error["loc"][0]) if error["loc"] else ""
    context: dict[str, Any] = error.get("ctx", {})
    if error["type"] == "value_error":  # raised by a check of ours, which names the settings if they are several
        said = str(context["error"])
    elif error["type"] == "string_pattern_mismatch":
        said = f"expected something like {' or '.join(fields[where].examples or ())}"
    else:
        said = f"expected {EXPECTED[error['type']].format(**context)}" if error["type"] in EXPECTED else error["msg"]
    return f"{where.upper()}: {said}" if where else said

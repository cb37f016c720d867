"""What the settings say about who may call: named keys, the signing secret, origins. No message shows a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
KEY: Final = re.compile(r"[!-+\--~]+", re.ASCII)
"""Printable ASCII without spaces and commas: what a header and the list can carry."""

KEY_SHORTEST: Final = 24
"""Characters; from an alphabet of 64 that is 144 bits, from hex digits 96."""

SECRET_SHORTEST: Final = 32
DIFFERENT: Final = 8
"""Different characters: 24 random hex digits have fewer less than once in 10,000 keys."""

TOKEN_PREFIX: Final = "rwt_"
"""How every token begins, so that logs can mask what looks like one."""

PREVIEW_PREFIX: Final = "rwp_"
"""How a token begins that opens pages and nothing else: it stands in stored events, as a part of an address."""

PREFIXES: Final = (TOKEN_PREFIX, PREVIEW_PREFIX)

LOCAL: Final = "local"
"""The one caller of a service without keys."""

INNGEST: Final = "inngest"
"""To whom a run belongs that an event at Inngest started, where there are keys and nobody has its project yet."""


@dataclass(frozen=True)
class RunOwner:
    """Whose a run is, and on which of their projects."""

    caller: str
    project_id: str


FORM: Final = (
    "expected name:key,name:key, each name of letters, digits, - and _, each key of at least "
    f"{KEY_SHORTEST} random characters; make one with: "
    "python -c \"import secrets; print('web:' + secrets.token_urlsafe(32))\""
)
_ORIGIN: Final = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?", re.ASCII)


def named_keys(given: str) -> MappingProxyType[str, str]:
    """`web:…,ci:…` as name → key. Raises ValueError with a sentence that holds no key."""
    keys: dict[str, str] = {}
    for number, entry in enumerate(filter(None, map(str.strip, given.split(","))), start=1):
        name, colon, key = (part.strip() for part in entry.partition(":"))
        if not colon or not NAME.fullmatch(name):
            raise ValueError(f"entry {number} has no name: {FORM}")
        if not is_hard_to_guess(key, KEY_SHORTEST) or not KEY.fullmatch(key) or key.startswith(PREFIXES):
            raise ValueError(f"the key of {name!r} can be guessed or cannot be sent: {FORM}")
        if name in keys:
            raise ValueError(f"two keys are named {name!r}: {FORM}")
        if key in keys.values():
            raise ValueError(f"{name!r} has the same key as another name: {FORM}")
        keys[name] = key
    if given and not keys:
        raise ValueError(f"it holds no key: {FORM}")
    return MappingProxyType(keys)


def is_hard_to_guess(secret: str, shortest: int) -> bool:
    """A bound that refuses words and placeholders; whether it is random nobody can see."""
    return len(secret) >= shortest and len(set(secret)) >= DIFFERENT


def exact_origins(given: str) -> tuple[str, ...]:
    """`https://a.example,http://localhost:3000` as a browser would write them. Raises ValueError."""
    origins = tuple(filter(None, map(str.strip, given.split(","))))
    for number, origin in enumerate(origins, start=1):
        if not _ORIGIN.fullmatch(origin) or re.match(r"http:.*:80$|https:.*:443$", origin):
            raise ValueError(
                f"entry {number} is no origin as browsers send it: expected scheme://host or scheme://host:port in "
                "lower case, without the scheme's own port, a path or *"
            )
    return origins

"""Which values of an environment are secrets: by the name they have, and by what their URLs carry.

A value that is a word of every day, a number or a path is none, whatever its name says: masking it would blank out half
of all texts and hide nothing.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

SHORTEST: Final = 8
"""Shorter values would blank out ordinary words …"""

SHORTEST_PASSWORD: Final = 4
"""… except where the name says that it is one; those are masked as whole words only."""

_PASSWORD: Final = re.compile(r"PASS|PWD")
_SECRET: Final = re.compile(
    r"TOKEN|SECRET|CREDENTIAL|PRIVATE|COOKIE|SIGNING|WEBHOOK|AUTH(?!ORS?(?![A-Z]))|KEYS?(?![A-Z])"
    r"|(?<![A-Z])(DSN|PAT|SESSION)(?![A-Z])"
)
_PAIR: Final = re.compile(r"([A-Za-z_.-]+)=([^\s;&,]+)")
"""As in a URL's query, or `host=db password=…`."""

_SIGNING_KEY: Final = re.compile(r"signkey-\w+-(?P<key>.+)")
_WORDS: Final = frozenset(
    re.findall(
        r"\w+",
        # what switches and places are set to, and passwords that are none
        """true false none null default auto enabled disabled required optional changeme password passwd secret admin
        root user guest test testing localhost postgres redis basic bearer digest gnome plasma wayland development
        production"""
        # what our own events and the models' messages are made of: a mask there would break them
        """ assistant system tool text status progress files complete error rollback failed cancelled timeout lost
        running queued stdout stderr function content role terminal readfiles offline step attempt data type""",
    )
)


def secret_values(environ: Mapping[str, str]) -> frozenset[str]:
    """All that has to be masked, as it stands there and without its percent-encoding."""
    found: set[str] = set()
    for name, value in environ.items():
        found.update(_named(name.upper(), value), _inside(value))
    return frozenset(found | {unquote(value) for value in found})


def _named(name: str, value: str) -> Iterator[str]:
    says_password, says_secret = _PASSWORD.search(name), _SECRET.search(name)
    if not (says_password or says_secret):
        return
    shortest = SHORTEST_PASSWORD if says_password else SHORTEST
    parts = [part.strip() for part in value.split(",")]
    named = [part.partition(":")[2] for part in parts if not _is_path(part)]  # name:key,name:key
    bare = [match["key"] for part in parts if (match := _SIGNING_KEY.fullmatch(part))]
    yield from (given for given in (value.strip(), *parts, *named, *bare) if _is_secret(given, shortest))


def _inside(value: str) -> Iterator[str]:
    """What a URL, a connection string or a JSON object in the value carries."""
    for url in _urls(value):
        if url.password and _is_secret(url.password, SHORTEST_PASSWORD):
            yield url.password
        if url.username and not url.password and _is_secret(url.username, SHORTEST):
            yield url.username  # https://token@host
    for name, given in _PAIR.findall(value):
        yield from _named(name.upper(), given)
    with suppress(ValueError, RecursionError):
        parsed = json.loads(value) if value.lstrip().startswith("{") else {}
        yield from secret_values({name: given for name, given in parsed.items() if isinstance(given, str)})


def _urls(value: str) -> Iterator[SplitResult]:
    for word in re.split(r"[\s,]+", value) if "://" in value else ():
        try:
            url = urlsplit(word)
            _ = url.password, url.username
        except ValueError:
            continue
        yield url


def _is_secret(value: str, shortest: int) -> bool:
    if len(value) < shortest or value.lower() in _WORDS or _is_path(value):
        return False
    return not value.isdecimal() or (shortest == SHORTEST_PASSWORD and len(value) >= SHORTEST)


def _is_path(value: str) -> bool:
    """Something on this machine, such as SSH_AUTH_SOCK; a secret, too, may begin with a slash."""
    if value.startswith("/"):
        return os.path.exists("/" + value.split("/")[1])
    return value.startswith(("~/", "./", "../", "unix:"))

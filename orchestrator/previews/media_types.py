"""What browsers are told a file is. Not by the machine's own table: that differs from machine to machine."""

from __future__ import annotations

from mimetypes import MimeTypes
from typing import Final

from agent.workspace import text_of

MORE: Final = {
    ".avif": "image/avif",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".jsx": "text/plain",
    ".map": "application/json",
    ".md": "text/markdown",
    ".mjs": "text/javascript",
    ".otf": "font/otf",
    ".ts": "text/plain",  # of programs; the table means films
    ".tsx": "text/plain",
    ".ttf": "font/ttf",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
    ".yaml": "text/plain",
    ".yml": "text/plain",
}
TEXT: Final = ("text/", "application/json", "application/manifest+json", "image/svg+xml", "application/xml")

_types = MimeTypes()
for _suffix, _type in MORE.items():
    _types.add_type(_type, _suffix)


def media_type(path: str, content: bytes) -> str:
    """The Content-Type of a file by its name; what nobody knows is text, if it is, or else only bytes."""
    is_text = text_of(content) is not None
    known, encoding = _types.guess_type(path.rpartition("/")[2])
    if known is None or encoding is not None:  # a .gz as such: it is not to be unpacked
        known = "text/plain" if is_text else "application/octet-stream"
    return f"{known}; charset=utf-8" if is_text and known.startswith(TEXT) else known

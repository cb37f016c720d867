"""Our worker's answers are gunicorn's own, byte by byte, but for the server's name, and leave in fewer writes."""

from types import SimpleNamespace
from typing import Any, Final

import pytest
from gunicorn.config import Config
from gunicorn.http import wsgi

from orchestrator.web.gunicorn_answer import Answer, _is_trusted_proxy, keep_at_hand

SETTINGS: Final = Config()
TYPE: Final = ("Content-Type", "text/event-stream")
OWN: Final = wsgi.Response  # in this process nothing is patched


class Taken:
    """A socket that keeps what it is given."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self.writes.append(data)

    @property
    def bytes(self) -> bytes:
        lines = b"".join(self.writes).split(b"\r\n")
        return b"\r\n".join(line for line in lines if not line.startswith((b"Server:", b"Date:")))


def answered(kind: Any, method: str, version: tuple[int, int], status: str, length: int | None, *body: bytes) -> Taken:
    taken = Taken()
    request = SimpleNamespace(version=version, method=method, should_close=lambda: version < (1, 1))
    response = kind(request, taken, SETTINGS)
    response.start_response(status, [TYPE] + ([("Content-Length", str(length))] if length is not None else []))
    for part in body:
        response.write(part)
    response.close()
    return taken


CASES: Final[dict[str, Any]] = {
    "chunked": ("GET", (1, 1), "200 OK", None, b"one", b"two"),
    "until-the-end": ("GET", (1, 0), "200 OK", None, b"one", b"two"),
    "of-a-length": ("GET", (1, 1), "200 OK", 6, b"one", b"two"),
    "too-long": ("GET", (1, 1), "200 OK", 4, b"one", b"two"),
    "of-no-length": ("GET", (1, 1), "200 OK", 0, b"one"),
    "empty-first": ("GET", (1, 1), "200 OK", None, b"", b"two"),
    "nothing": ("GET", (1, 1), "200 OK", 0),
    "only-the-head": ("HEAD", (1, 1), "200 OK", 3, b"one"),
    "no-content": ("GET", (1, 1), "204 NO CONTENT", None, b"one"),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_it_sends_what_gunicorn_sends(case: Any) -> None:
    ours, own = answered(Answer, *case), answered(OWN, *case)
    assert ours.bytes == own.bytes
    assert len(ours.writes) <= len(own.writes)
    assert b"Server:" not in b"".join(ours.writes)
    assert b"\r\nDate: " in ours.writes[0]


def test_the_first_bytes_of_a_stream_leave_with_its_head() -> None:
    first, *_ = answered(Answer, *CASES["chunked"]).writes
    assert first.endswith(b"\r\n\r\n3\r\none\r\n")


@pytest.mark.parametrize(("peer", "trusted"), [("127.0.0.1", True), ("192.0.2.7", False), (None, True)])
def test_which_proxies_are_trusted_is_gunicorns_to_say(peer: str | None, trusted: bool) -> None:
    """None: a socket in the file system."""
    assert _is_trusted_proxy(SETTINGS, (peer,) if peer else None) is trusted


def test_settings_are_the_same_when_they_are_at_hand() -> None:
    asked, at_hand = Config(), Config()
    for cfg in (asked, at_hand):
        cfg.set("keepalive", 77)
    keep_at_hand(at_hand)
    assert {name: getattr(at_hand, name) for name in asked.settings} == {
        name: getattr(asked, name) for name in asked.settings
    }
    assert vars(at_hand)["keepalive"] == at_hand.keepalive == 77

"""A name is looked up once, and the address that was looked at is the one that is connected to."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from agent.proxy.allowed import NotAllowed, parse
from agent.proxy.reach import Unreachable, connect

ALLOWED = parse("rebound.example,listed.example:4873")


class Names:
    """Stands in for the machine's resolver and its way out; ``connected``: addresses that somebody connected to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.connected: list[str] = []
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)
        monkeypatch.setattr(socket, "create_connection", self._connect)

    def _look_up(self, name: str, port: int, **_: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in self._answers.pop(0)]

    def _connect(self, address: tuple[str, int], timeout: float) -> socket.socket:
        self.connected.append(address[0])
        return socket.socket()


@pytest.mark.parametrize("address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "fd00::1"])
def test_a_name_that_leads_to_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    names = Names(monkeypatch, [address])
    with pytest.raises(NotAllowed, match="is not a public one"):
        connect(ALLOWED, "rebound.example", 443)
    assert names.connected == []


def test_a_name_that_changes_its_address_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, ["93.184.216.34", "127.0.0.1"], ["127.0.0.1"])
    connect(ALLOWED, "rebound.example", 443).close()
    assert names.connected == ["93.184.216.34"]


def test_a_name_that_is_listed_with_its_port_may_be_private_but_not_link_local(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, ["10.0.0.1"], ["169.254.169.254"])
    connect(ALLOWED, "listed.example", 4873).close()
    with pytest.raises(NotAllowed):
        connect(ALLOWED, "listed.example", 4873)
    assert names.connected == ["10.0.0.1"]


def test_a_name_that_nobody_knows_is_no_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(Unreachable, match="is not known"):
        connect(ALLOWED, "rebound.example", 443)

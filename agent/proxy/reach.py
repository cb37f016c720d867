"""From a host's name to a connection. The address that was looked at is the one that is connected to."""

from __future__ import annotations

import ipaddress
import socket
from contextlib import suppress
from typing import Final

from agent.proxy.allowed import SETTING, Address, Allowed, Entry, NotAllowed, permitted

SECONDS: Final = 15.0
"""For one address to answer."""


class Unreachable(Exception):
    """It is allowed and does not answer; the message is a sentence."""


def connect(allowed: Allowed, host: str | Address, port: int) -> socket.socket:
    """Raises ``NotAllowed``, ``Unreachable``."""
    private = allowed.check(host, port)
    addresses = [host] if not isinstance(host, str) else _resolve(host, port)
    usable = list(permitted(addresses, private=private))
    if not usable:
        listed = Entry(host, port)
        raise NotAllowed(
            f"{host} cannot be reached from this sandbox: its address, {addresses[0]}, is not a public one, and "
            f"{SETTING} does not list {listed}.",
            f"its address {addresses[0]} is not public",
        )
    reason = ""
    for address in usable:
        try:
            return socket.create_connection((str(address), port), timeout=SECONDS)
        except OSError as error:
            reason = error.strerror or str(error)
    raise Unreachable(f"{host}:{port} does not answer: {reason}.")


def _resolve(name: str, port: int) -> list[Address]:
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The name {name} is not known: {error}.") from None
    addresses: list[Address] = []
    for _, _, _, _, sockaddr in found:
        with suppress(ValueError):  # an IPv6 address with a zone, such as fe80::1%eth0
            addresses.append(ipaddress.ip_address(sockaddr[0]))
    if not addresses:
        raise Unreachable(f"The name {name} has no usable address.")
    return addresses

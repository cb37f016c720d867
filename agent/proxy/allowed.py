"""Which hosts may be reached, and which addresses they may turn out to have."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

SETTING: Final = "AGENT_SANDBOX_ALLOW"
USUAL_PORTS: Final = (80, 443)
LONGEST_NAME: Final = 253
LABEL: Final = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
NAME: Final = re.compile(rf"(?:{LABEL}\.)*(?!0x[0-9a-f]*\Z)(?![0-9]+\Z){LABEL}")
"""A host's name. Its last label is no number: 2130706433, 0177.0.0.1 and 0x7f.1 are addresses in disguise."""
MOST_NAMED: Final = 12
"""Allowed hosts that a refusal lists."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotAllowed(Exception):
    """The message is a sentence for the model, ``brief`` a few words for a list."""

    def __init__(self, message: str, brief: str) -> None:
        super().__init__(message)
        self.brief = brief


@dataclass(frozen=True)
class Entry:
    """``host``: a name in lower case, ``*.example.org``, or an address; ``port``: only that one, private or not."""

    host: str | Address
    port: int | None = None

    def covers(self, host: str | Address) -> bool:
        if isinstance(self.host, str) and isinstance(host, str) and self.host.startswith("*."):
            return host.endswith(self.host[1:])
        return self.host == host

    def __str__(self) -> str:
        host = f"[{self.host}]" if isinstance(self.host, ipaddress.IPv6Address) else str(self.host)
        return host if self.port is None else f"{host}:{self.port}"


class Allowed:
    def __init__(self, entries: Sequence[Entry]) -> None:
        self.entries = tuple(entries)

    def check(self, host: str | Address, port: int) -> bool:
        """Whether its private addresses are allowed as well. Raises ``NotAllowed``."""
        covering = [entry for entry in self.entries if entry.covers(host)]
        if any(entry.port == port for entry in covering):
            return True
        if any(entry.port is None for entry in covering) and port in USUAL_PORTS:
            return False
        raise self._refusal(host, port, is_listed=bool(covering))

    def _refusal(self, host: str | Address, port: int, *, is_listed: bool) -> NotAllowed:
        if not self.entries:
            return NotAllowed(
                f"This sandbox has no network: nothing can be downloaded or installed ({SETTING} lists no hosts). "
                "Work with what is there.",
                f"there is no network ({SETTING} lists no hosts)",
            )
        if is_listed:
            return NotAllowed(
                f"Port {port} of {host} cannot be reached: {SETTING} does not list {Entry(host, port)}.",
                f"port not in {SETTING}",
            )
        named = ", ".join(str(entry) for entry in self.entries[:MOST_NAMED])
        more = ", …" if len(self.entries) > MOST_NAMED else ""
        return NotAllowed(
            f"{host} cannot be reached from this sandbox: {SETTING} lists only {named}{more}. Do without it.",
            f"not in {SETTING}",
        )


def parse(text: str) -> Allowed:
    """``host,*.host,host:port,[address]:port``. Raises ``ValueError``, which names the entry and what is wrong."""
    return Allowed([_entry(each) for each in filter(None, map(str.strip, text.split(",")))])


def _entry(text: str) -> Entry:
    wildcard = "*." if text.startswith("*.") else ""
    try:
        host, port = split(text.removeprefix(wildcard))
    except ValueError:
        raise ValueError(f"{text!r}: expected a host, *.host, host:port or [address]:port") from None
    if isinstance(host, str):
        if wildcard and "." not in host:
            raise ValueError(f"{text!r}: expected at least two labels after the asterisk, such as *.example.org")
        if host == "localhost" and port is None:
            raise ValueError(f"{text!r}: expected a port, such as {host}:4873")
        return Entry(wildcard + host, port)
    if wildcard or never_reached(host):
        raise ValueError(f"{text!r}: this address can never be allowed")
    if port is None and is_private(host):
        raise ValueError(f"{text!r}: expected a port, such as {Entry(host, 4873)}")
    return Entry(host, port)


def split(text: str) -> tuple[str | Address, int | None]:
    """``host``, ``host:port``, ``[address]:port``, as in an address of the web. Raises ``ValueError``."""
    host, colon, port = text, "", ""
    if text.startswith("["):
        inner, bracket, rest = text[1:].partition("]")
        if not bracket or "%" in inner or (rest and not rest.startswith(":")):
            raise ValueError("expected [address] or [address]:port")
        return ipaddress.IPv6Address(inner), _port(rest[1:]) if rest else None
    host, colon, port = text.partition(":")
    number = _port(port) if colon else None
    try:
        return ipaddress.IPv4Address(host), number
    except ValueError:
        pass
    name = host.lower().removesuffix(".")
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise ValueError("expected a host's name or address")
    return name, number


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 65536):
        raise ValueError("expected a port from 1 to 65535")
    return int(text)


# Special-purpose addresses: IANA's registries for IPv4 and IPv6. Those for documentation are nobody's, and may pass.
PRIVATE: Final = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
    *("::1/128", "fc00::/7"),
)
"""This machine and the networks around it."""
NEVER: Final = (
    *("0.0.0.0/8", "169.254.0.0/16", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "224.0.0.0/3"),
    *("2001::/23", "2002::/16"),  # Teredo, ORCHID and 6to4: other addresses inside
)
"""This network, link-local with the clouds' metadata, protocols, benchmarks, multicast, reserved, broadcast."""
GLOBAL: Final = ipaddress.IPv6Network("2000::/3")
"""All of IPv6 that is anybody's; what lies outside is special (mapped IPv4, link-local, multicast …)."""
_private: Final = [ipaddress.ip_network(each) for each in PRIVATE]
_never: Final = [ipaddress.ip_network(each) for each in NEVER]


def is_private(address: Address) -> bool:
    return any(address in network for network in _private)


def never_reached(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in GLOBAL and not is_private(address):
        return True
    return any(address in network for network in _never)


def permitted(addresses: Sequence[Address], *, private: bool) -> Iterator[Address]:
    """Those that may be connected to. ``private``: the host is listed with its port."""
    for address in addresses:
        if not never_reached(address) and (private or not is_private(address)):
            yield address

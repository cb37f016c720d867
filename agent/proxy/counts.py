"""What one command has moved through its proxy, and the limits of that."""

from __future__ import annotations

import threading
from typing import Any, Final

MOST_NAMED: Final = 20
"""Hosts and refusals in a report; of the rest it says how many."""


class Exhausted(Exception):
    """The command has had what it may have; the message is a sentence."""


class Counts:
    """For all threads of the proxy. ``most_bytes`` of bodies and tunnels, in both directions together."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._lock = threading.Lock()
        self._bytes = 0
        self._hosts: dict[str, dict[str, int]] = {}
        self._refused: dict[str, str] = {}
        self._more_refused = 0

    def connected(self, host: str) -> None:
        with self._lock:
            self._of(host)["connections"] += 1

    def moved(self, host: str, size: int, *, cached: bool = False) -> None:
        """Raises ``Exhausted``."""
        with self._lock:
            self._bytes += size
            self._of(host)["cached" if cached else "bytes"] += size
        self.check(host)

    def check(self, what: str) -> None:
        """Raises ``Exhausted`` once nothing more may be moved."""
        if self._bytes > self._most:
            reason = f"more than {self._most / 1024**2:,.0f} MB"
            self.refused(what, reason)
            raise Exhausted(f"This command has moved {reason} over the network, and gets no more (JAIL_NETWORK_MB).")

    def refused(self, what: str, why: str) -> None:
        with self._lock:
            if what in self._refused or len(self._refused) < MOST_NAMED:
                self._refused[what] = why
            else:
                self._more_refused += 1

    def report(self) -> dict[str, Any]:
        """As ``agent.messages.Traffic``."""
        with self._lock:
            hosts = sorted(self._hosts.items(), key=lambda item: -item[1]["bytes"] - item[1]["cached"])
            named = [{"host": host, **numbers} for host, numbers in hosts[:MOST_NAMED]]
            return {
                "connections": sum(numbers["connections"] for _, numbers in hosts),
                "bytes": sum(numbers["bytes"] for _, numbers in hosts),
                "hosts": named,
                "refused": dict(self._refused),
                "moreRefused": self._more_refused,
            }

    def _of(self, host: str) -> dict[str, int]:
        # Bounded: only hosts that are allowed get here, and most of them by an entry of their own.
        return self._hosts.setdefault(host, {"connections": 0, "bytes": 0, "cached": 0})

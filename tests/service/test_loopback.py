"""In development the port is this machine's only, with API keys, too: Inngest's calls are not signed there."""

import socket
from pathlib import Path

import pytest

from tests.conftest import StartService


@pytest.mark.parametrize("dev", ["1", "TRUE", " true ", "http://127.0.0.1:9"])
def test_nothing_but_loopback_is_bound(dev: str, start_service: StartService) -> None:
    """Seen: with keys it was `[::]` (FINDINGS B1)."""
    service = start_service(INNGEST_DEV=dev, AGENT_API_KEYS="tests:0123456789abcdef0123456789abcdef")
    assert _listening_on(service.port) == {"127.0.0.1"}


def _listening_on(port: int) -> set[str]:
    """The addresses at which something listens on ``port`` (Linux)."""
    found = set()
    for family, table in ((socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            _, local, _, state, *_ = line.split()
            address, _, local_port = local.partition(":")
            if state == "0A" and int(local_port, 16) == port:
                words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
                found.add(socket.inet_ntop(family, b"".join(words)))
    return found

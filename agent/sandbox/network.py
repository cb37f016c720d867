"""What commands may reach beyond their jail, and how their programs find out."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Final

from agent.proxy.allowed import parse
from agent.sandbox.budgets import MB
from agent.warden.door import UNKNOWN_PORT

CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
"""Whom this machine trusts. Node and pip bring lists of their own, which know nothing of a company's."""


@dataclass(frozen=True)
class Network:
    """``allow``: as AGENT_SANDBOX_ALLOW. ``most``: bytes that a command may move."""

    allow: str = ""
    most: int = 1024 * MB

    @property
    def hosts(self) -> tuple[str, ...]:
        """Raises ``ValueError``, which says what is wrong with ``allow``."""
        return tuple(map(str, parse(self.allow).entries))


def environment(network: Network) -> dict[str, str]:
    """For npm, pip, git, curl and all others that know the usual variables. What is refused must not be tried again."""
    proxy = f"http://{UNKNOWN_PORT}"
    retries = "2" if network.hosts else "0"
    return {
        **{name: proxy for usual in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY") for name in (usual, usual.lower())},
        **dict.fromkeys(("NO_PROXY", "no_proxy"), "localhost,127.0.0.1,::1"),
        "npm_config_fetch_retries": retries,
        "npm_config_audit": "false",
        "npm_config_fund": "false",
        "npm_config_update_notifier": "false",
        "PIP_RETRIES": retries,
        "PIP_DEFAULT_TIMEOUT": "30",
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "NEXT_TELEMETRY_DISABLED": "1",
        **(_trust() if os.path.exists(CERTIFICATES) else {}),
    }


def _trust() -> dict[str, str]:
    return dict.fromkeys(("NODE_EXTRA_CA_CERTS", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), CERTIFICATES)

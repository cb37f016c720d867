"""What commands may reach beyond their jail, and how their programs find out."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final
from urllib.parse import urlsplit

from agent.proxy.allowed import Allowed, Entry, NotAllowed, parse, split
from agent.sandbox.budgets import MB
from agent.warden.door import MOST_DIRECT, UNKNOWN_PORT

CERTIFICATES: Final = "/etc/ssl/certs/ca-certificates.crt"
"""Whom this machine trusts. Node and pip bring lists of their own, which know nothing of a company's."""
NPM_REGISTRY: Final = "https://registry.npmjs.org/"
PIP_INDEX: Final = "https://pypi.org/simple/"
FILES_OF: Final = {"https://pypi.org": "https://files.pythonhosted.org"}
"""Indexes that have their files elsewhere."""
CACHE: Final = ".packages"
"""Beside the runs' folders; no run has a dot in its name."""


@dataclass(frozen=True)
class Network:
    """``allow``: as AGENT_SANDBOX_ALLOW. ``most``: bytes that a command may move; ``most_cached``: that are kept of
    packages from ``npm_registry`` and ``pip_index`` for later commands.
    """

    allow: str = ""
    most: int = 1024 * MB
    npm_registry: str = NPM_REGISTRY
    pip_index: str = PIP_INDEX
    most_cached: int = 2048 * MB

    @cached_property
    def allowed(self) -> Allowed:
        """Raises ``ValueError``, which says what is wrong with ``allow``."""
        return parse(self.allow)

    @property
    def hosts(self) -> tuple[str, ...]:
        return tuple(map(str, self.allowed.entries))

    @property
    def origins(self) -> list[str]:
        """Of registries that the jail sees by plain HTTP, and whose packages are kept."""
        wanted = [origin(self.npm_registry), origin(self.pip_index)]
        wanted += [FILES_OF[each] for each in wanted if each in FILES_OF]
        return [each for each in dict.fromkeys(wanted) if self._is_allowed(each)]

    @property
    def direct(self) -> list[str]:
        """Allowed servers of this machine's loopback, where programs ask no proxy for one."""
        return [str(entry) for entry in self.allowed.entries if _is_loopback(entry)][: MOST_DIRECT - 1]

    def environment(self) -> dict[str, str]:
        """For npm, pip, git, curl and all that know the usual variables. What is refused must not be tried again."""
        proxy = f"http://{UNKNOWN_PORT}"
        retries = "2" if self.hosts else "0"
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
            **dict(self._registries()),
            **(_trust() if os.path.exists(CERTIFICATES) else {}),
        }

    def _registries(self) -> Iterator[tuple[str, str]]:
        origins = self.origins
        if origin(self.npm_registry) in origins:
            yield "npm_config_registry", _plain(self.npm_registry)
            yield "npm_config_replace_registry_host", "always"
        if origin(self.pip_index) in origins:
            yield "PIP_INDEX_URL", _plain(self.pip_index)
            hosts = (urlsplit(each).hostname for each in origins)
            yield "PIP_TRUSTED_HOST", " ".join(str(host) for host in hosts)

    def _is_allowed(self, registry: str) -> bool:
        scheme, _, authority = registry.partition("://")
        host, port = split(authority)
        try:
            self.allowed.check(host, port or (443 if scheme == "https" else 80))
        except NotAllowed:
            return False
        return True


def origin(address: str) -> str:
    """``https://host`` or ``https://host:port`` of a registry. Raises ``ValueError``."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or "@" in parts.netloc or parts.query or parts.fragment:
        raise ValueError("expected an address such as https://registry.npmjs.org/, without a password")
    split(parts.netloc)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _plain(address: str) -> str:
    return address.replace("https://", "http://", 1)


def _is_loopback(entry: Entry) -> bool:
    return entry.port is not None and entry.host in ("localhost", ipaddress.IPv4Address("127.0.0.1"))


def _trust() -> dict[str, str]:
    return dict.fromkeys(("NODE_EXTRA_CA_CERTS", "PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"), CERTIFICATES)

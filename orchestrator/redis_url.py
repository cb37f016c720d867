"""What REDIS_URL must look like. redis-py takes the default for what it cannot read: another database, silently."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

FORM: Final = "expected redis://[user:password@]host[:port][/number] (rediss:// with TLS)"
SENTINEL_FORM: Final = "expected redis+sentinel://[user:password@]host[:port],host[:port]/service[/number]"
DATABASE: Final = re.compile(r"(/\d*)?")
SERVICE: Final = re.compile(r"/[^/]+(/\d+)?/?")


def check_redis_url(given: str) -> None:
    """Raises ValueError with a sentence that holds nothing of the URL."""
    sentinel = given.partition("://")[0].endswith("+sentinel")
    try:
        url = urlsplit(given)
        hosts = url.netloc.rpartition("@")[2].split(",") if sentinel else [url.netloc.rpartition("@")[2]]
        each = [urlsplit(f"//{host}") for host in hosts]
        is_whole = all(host.hostname and host.port != 0 for host in each)
    except ValueError:
        is_whole = False
    if not is_whole or not (SERVICE if sentinel else DATABASE).fullmatch(url.path):
        raise ValueError(SENTINEL_FORM if sentinel else FORM)

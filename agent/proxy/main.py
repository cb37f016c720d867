"""``main``: from a socket that somebody has knocked at to the report about what went through it."""

from __future__ import annotations

import encodings.idna  # noqa: F401  # names are looked up with it, and later there is nothing to import from
import os
import resource
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from agent.proxy.allowed import parse
from agent.proxy.cache import Cache
from agent.proxy.counts import Counts
from agent.proxy.serve import Proxy, report
from agent.warden import kernel
from agent.warden.start import become

MOST_FILES: Final = 512
STACK: Final = 1024**2
"""Bytes of a thread's; the system's 8 MB count as data, though nothing uses them."""
MOST_MEMORY: Final = 512 * 1024**2
"""Bytes of data: 64 threads and their buffers take a tenth of it."""


def main(orders: dict[str, Any], doors: Mapping[socket.socket, str], control: socket.socket) -> None:
    """``doors``: see ``Proxy``. ``orders``: ``allow`` (as the setting), ``most_bytes``, ``uid`` (whom to become, or
    None), ``origins`` (see ``Mirrors``), and ``cache``, the folder for what they send, with ``most_cached`` bytes.
    """
    allowed = parse(orders["allow"])
    counts = Counts(orders["most_bytes"])
    os.chdir(orders["cache"] or "/")
    mirrors = None
    if orders["origins"]:
        from agent.proxy.mirrors import Mirrors  # takes half of the time

        mirrors = Mirrors(orders["origins"], allowed, counts, Cache(orders["most_cached"]))
    _give_up_power(orders["uid"])
    threading.stack_size(STACK)
    Proxy(doors, allowed, counts, mirrors).serve(control)
    with suppress(OSError):
        control.sendall(report(counts))


def _give_up_power(uid: int | None) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_FILES, MOST_FILES))
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    if uid is not None:
        become(uid)
    kernel.no_new_privileges()

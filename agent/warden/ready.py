"""Waiting for descriptors of any number.

``select.select`` takes none above 1,023, and those that the service hands over have numbers as high as it has viewers.
"""

from __future__ import annotations

import select

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


def ready(fds: Iterable[int], seconds: float | None = None) -> list[int]:
    """Which of ``fds`` can be read, or are at their end, within ``seconds``; none given: as soon as one is."""
    poll = select.poll()
    for fd in fds:
        poll.register(fd, select.POLLIN)
    return [fd for fd, _ in poll.poll(None if seconds is None else seconds * 1000)]

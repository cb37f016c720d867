"""Waiting on something that blocks, without becoming deaf to cancellation."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

T = TypeVar("T")

CHECK_EVERY: Final = 0.5
"""Seconds of silence between two checks: cancelling is to be noticed within one second."""

MOST_WAITING: Final = 1_000
"""Items that nobody has taken yet; who sends more of them waits."""
LET_THEM_READ: Final = 0.02
"""Seconds."""


@dataclass(frozen=True)
class _Item(Generic[T]):
    value: T


@dataclass(frozen=True)
class _End:
    error: Exception | None = None


def interruptible(
    items: Iterator[T], *, check: Callable[[], None], close: Callable[[], None]
) -> Generator[T, None, None]:
    """Yield what ``items`` yields, calling ``check`` between items and twice a second while none comes.

    ``items`` is consumed in a thread of its own (a greenlet in a patched process). However this ends, ``close`` is
    called: it must make a blocked ``items`` end, because nobody waits for the thread.
    """
    arrived: queue.SimpleQueue[_Item[T] | _End] = queue.SimpleQueue()
    is_over = threading.Event()
    threading.Thread(target=_consume, args=(items, arrived, is_over), name="interruptible", daemon=True).start()
    try:
        while True:
            check()
            try:
                got = arrived.get(timeout=CHECK_EVERY)
            except queue.Empty:
                continue
            if isinstance(got, _Item):
                yield got.value
            elif got.error is not None:
                raise got.error
            else:
                return
    finally:
        is_over.set()
        close()


def _consume(items: Iterator[T], arrived: queue.SimpleQueue[_Item[T] | _End], is_over: threading.Event) -> None:
    try:
        for item in items:
            arrived.put(_Item(item))
            while arrived.qsize() >= MOST_WAITING and not is_over.wait(LET_THEM_READ):
                pass
    except Exception as error:  # not swallowed: it is raised again where the items are wanted
        arrived.put(_End(error))
    else:
        arrived.put(_End())

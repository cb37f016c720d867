"""How much processor time a jail has used, also by processes that ended without anybody asking what they used.

Where a parent waits for its children the kernel adds their time to its own. Where it does not, as one that ignores
SIGCHLD, the kernel adds it to nobody's. So there are two sums, and the larger counts: what the kernel has kept, and
what was seen. A process that was seen once only stands for all that came and went since the look before: what it had
used of its life so far, it is taken to have used of that time.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

TICKS = os.sysconf("SC_CLK_TCK")
NANOSECONDS = 1e9


class Times:
    """Of one process, in seconds. ``own`` of all its threads; ``waited``: of the children that it has waited for."""

    def __init__(self, pid: str, began: float, own: float, waited: float) -> None:
        self.pid, self.began, self.own, self.waited = pid, began, own, waited


class ProcessorTime:
    def __init__(self) -> None:
        self._kept = 0.0
        self._of_the_gone = 0.0
        self._seen: dict[tuple[str, float], float] = {}
        """What each process that lived at the last look adds, should it have ended by the next one."""
        self._last_look = time.clock_gettime(time.CLOCK_BOOTTIME)

    def look(self, processes: Iterable[Times]) -> float:
        """All processes that live now; returns seconds used since the start."""
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        since, self._last_look = now - self._last_look, now
        living = {(process.pid, process.began): process for process in processes}
        self._of_the_gone += sum(adds for key, adds in self._seen.items() if key not in living)
        self._seen = {
            key: process.own if key in self._seen else max(process.own, since * _share(process, now))
            for key, process in living.items()
        }
        self._kept = max(self._kept, sum(process.own + process.waited for process in living.values()))
        return max(self._kept, self._of_the_gone + sum(process.own for process in living.values()))


def _share(process: Times, now: float) -> float:
    """How much of its life so far a process has spent on one processor, from 0 to 1."""
    return min(1.0, process.own / max(now - process.began, 1 / TICKS))


def times(pid: str, stat: bytes, schedstat: bytes) -> Times | None:
    """From the files of these names in /proc/<pid>; ``schedstat`` is finer, but of the first thread only."""
    fields = stat.rpartition(b")")[2].split()
    if len(fields) < 20:
        return None
    own = sum(map(int, fields[11:13])) / TICKS
    if schedstat:
        own = max(own, int(schedstat.split()[0]) / NANOSECONDS)
    return Times(pid, int(fields[19]) / TICKS, own, sum(map(int, fields[13:15])) / TICKS)

"""Background processes of a run's workspace. Each is a jailed command with a warden of its own, as any other.

It ends when it is stopped, when its time is over, when the service's process that has started it ends, and when the run
has ended or left this machine; nothing of it is then left. Its network is the one that all commands of the workspace
use as long as it runs.
"""

from __future__ import annotations

import os
import subprocess
import threading
import time
from contextlib import ExitStack
from typing import Final

from agent.protocols import Process
from agent.sandbox import identity, records, seccomp
from agent.sandbox.bubblewrap import BubblewrapSandbox, start_warden
from agent.sandbox.folder import RunFolder, boot_id, started
from agent.sandbox.neighbours import has_own_network, shared_network
from agent.sandbox.records import Record
from agent.sandbox.trouble import said_clearly

MOST_ENDED: Final = 8
"""Processes that have ended of which the output is kept."""
STARTS_WITHIN: Final = 10.0
"""Seconds in which a warden has made its network; it takes milliseconds."""
POLL: Final = 0.02
REPLACED: Final = "stopped: it was started anew"


class JailedBackground:
    """Implements ``agent.protocols.Background``."""

    def __init__(self, folder: RunFolder, jail: BubblewrapSandbox) -> None:
        self._path, self._dir, self._jail = folder.path, folder.background, jail

    def start(self, handle: str, command: str, *, timeout: float) -> str | None:
        if not records.HANDLE.fullmatch(handle):
            raise ValueError(f"expected a handle such as bg-1-1, got {handle!r}")
        with said_clearly(self._path):
            if before := records.record(self._dir, handle):
                before.stop(REPLACED)
            running = self.running()
            if len(running) >= self._jail.budgets.background:
                return f"{len(running)} run already, and no more may; stop one of them first ({', '.join(running)})"
            self._forget_old()
            try:
                return self._start(handle, command, timeout)
            except (identity.NoIdentity, seccomp.Unavailable) as error:
                return str(error)

    def look(self, handle: str, *, reader: str, since: int | None = None) -> Process | None:
        with said_clearly(self._path):
            if not records.HANDLE.fullmatch(handle) or (found := records.record(self._dir, handle)) is None:
                return None
            ended = found.ended()  # before the output, which is then whole
            text, missed, end = found.output(reader, since, is_whole=ended is not None)
        return Process(handle, found.command, ended, text, missed, end, found.traffic())

    def stop(self, handle: str, why: str) -> None:
        with said_clearly(self._path):
            if found := records.record(self._dir, handle):
                found.stop(why)

    def stop_all(self, why: str) -> list[str]:
        with said_clearly(self._path):
            return [found.handle for found in records.stop_all(self._dir, why)]

    def running(self) -> list[str]:
        with said_clearly(self._path):
            return [found.handle for found in records.records(self._dir) if found.is_alive]

    def _start(self, handle: str, command: str, timeout: float) -> str | None:
        with ExitStack() as handed:
            output, end = records.make_files(self._dir, handle, handed)
            lifeline = os.pidfd_open(os.getpid())
            handed.callback(os.close, lifeline)
            process = start_warden(
                self._jail,
                ["sh", "-c", command],
                control=lifeline,
                handed=handed,
                network=shared_network(self._dir, handed),
                background={"output": output, "end": end, "seconds": timeout},
                stdin=subprocess.DEVNULL,
                outputs=subprocess.DEVNULL,
            )
        try:
            found = Record(self._dir, handle, command, process.pid, started(process.pid), boot_id())
            found.write()
            # Its end is waited for, so that nothing is left of it in the table of processes.
            threading.Thread(target=process.wait, name=f"background-{handle}", daemon=True).start()
            self._wait_for_network(found)
        except BaseException:
            process.kill()
            process.wait()
            raise
        return None

    def _wait_for_network(self, found: Record) -> None:
        """Until it is another than the machine's: a command that joined it before would be let out of its jail."""
        give_up = time.monotonic() + STARTS_WITHIN
        while found.is_alive and not has_own_network(found.pid) and time.monotonic() < give_up:
            time.sleep(POLL)

    def _forget_old(self) -> None:
        ended = [found.handle for found in records.records(self._dir) if not found.is_alive]
        for handle in ended[:-MOST_ENDED]:
            records.forget(self._dir, handle)

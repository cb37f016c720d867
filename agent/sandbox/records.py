"""What is known on this machine of a run's background processes: files in the run's folder, which no command sees.

``<handle>.json``: what was started (``Record``). ``<handle>.out``: its last output, ``<handle>.end``: how it ended; its
warden writes both. ``<handle>.why``: who has stopped it, in words. ``<handle>.seen``: how far its output was read.

Any process of the service can ask here, not only the one that started it.
"""

from __future__ import annotations

import codecs
import json
import os
import re
import signal
import time
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from agent.messages import Killed, Traffic
from agent.protocols import LOST
from agent.sandbox.folder import boot_id, own_folder, started
from agent.warden import ring

HANDLE: Final = re.compile(r"bg-[0-9]{1,6}-[0-9]{1,6}")
LAST_RESPECTS: Final = 5.0
"""Seconds that a warden has to end its jail; it takes milliseconds."""
POLL: Final = 0.02
WITH_SERVICE: Final = f"{LOST}it ended with the service's process that had started it"
UNKNOWN: Final = f"{LOST}whoever kept it is gone, and its exit is not known"


@dataclass(frozen=True)
class Record:
    """One background process; ``pid`` and ``started`` are its warden's."""

    dir: Path
    handle: str
    command: str
    pid: int
    started: str
    boot: str

    @property
    def is_alive(self) -> bool:
        return self.boot == boot_id() and not self.end() and _is_running(self.pid, self.started)

    def end(self) -> dict[str, Any]:
        """What its warden wrote at the end; empty before that."""
        try:
            found: dict[str, Any] = json.loads(_file(self.dir, self.handle, "end").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return found

    def ended(self) -> str | None:
        """How, in words; None while it runs."""
        if self.is_alive:
            return None
        end = self.end()  # after the look: it may have ended in between
        if "budget" in end:
            return f"killed: {Killed.model_validate({key: end[key] for key in ('budget', 'used', 'limit')})}"
        if "failed" in end:
            return f"not run: {end['failed']}"
        if end.get("by") == "service":
            return WITH_SERVICE
        if end and "by" not in end:
            return f"exit code {end['code']}"
        with suppress(OSError):
            return _file(self.dir, self.handle, "why").read_text()
        return UNKNOWN

    def traffic(self) -> Traffic | None:
        """What went over the network, once it has ended."""
        moved = self.end().get("network")
        return Traffic.model_validate(moved) if moved else None

    def stop(self, why: str) -> None:
        """Kill it, with all that it started. ``why`` is what is said of it from now on, if it still runs."""
        try:
            warden = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if not self.is_alive:
                return
            with suppress(OSError):  # then its end is not explained
                _file(self.dir, self.handle, "why").write_text(why)
            signal.pidfd_send_signal(warden, signal.SIGTERM)
            give_up = time.monotonic() + LAST_RESPECTS
            while self.is_alive and time.monotonic() < give_up:
                time.sleep(POLL)
            signal.pidfd_send_signal(warden, signal.SIGKILL)  # the kernel then kills the jail
        except ProcessLookupError:
            pass
        finally:
            os.close(warden)

    def output(self, reader: str, since: int | None, *, is_whole: bool) -> tuple[str, int, int]:
        """What it has printed since ``since``, or that ``reader`` has not read yet; how many bytes of that are gone,
        and where it goes on. The same reader is shown the same again: its first answer may have got lost.

        ``is_whole``: nothing will follow. Else a part of a character at the end is left to the next look.
        """
        cursor = _Cursor.read(_file(self.dir, self.handle, "seen"))
        first = cursor.first if cursor.reader == reader else cursor.next
        since = first if since is None else since
        with open(_file(self.dir, self.handle, "out"), "rb") as file:
            content, missed = ring.read(file.fileno(), since)
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        text = decoder.decode(content, final=is_whole)
        end = since + missed + len(content) - len(decoder.getstate()[0])
        _Cursor(reader, first, end).write(_file(self.dir, self.handle, "seen"))
        return text, missed, end

    def namespaces(self, names: list[str], handed: ExitStack) -> list[int]:
        """Descriptors of its warden's namespaces. Raises ``OSError``."""
        found = [os.open(f"/proc/{self.pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC) for name in names]
        for fd in found:
            handed.callback(os.close, fd)
        if not self.is_alive:  # then they may be somebody else's by now
            raise ProcessLookupError
        return found

    def write(self) -> None:
        fields = {name: value for name, value in asdict(self).items() if name != "dir"}
        draft = _file(self.dir, self.handle, "new")
        draft.write_text(json.dumps(fields))
        draft.rename(_file(self.dir, self.handle, "json"))


def make_files(dir: Path, handle: str, handed: ExitStack) -> tuple[int, int]:
    """New files for the output and the end of a process. Raises ``OSError``, ``PermanentError``."""
    own_folder(dir)
    forget(dir, handle)
    files = []
    for kind in ("out", "end"):
        fd = os.open(_file(dir, handle, kind), os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        handed.callback(os.close, fd)
        files.append(fd)
    ring.make(files[0])
    return files[0], files[1]


def records(dir: Path) -> list[Record]:
    """All that are known, the latest last. Raises ``OSError``: who cannot look does not know that there are none."""
    found = []
    with suppress(FileNotFoundError):
        for path in sorted(dir.glob("*.json"), key=lambda path: path.stat().st_mtime_ns):
            with suppress(FileNotFoundError, ValueError, TypeError):
                found.append(Record(dir=dir, **json.loads(path.read_text())))
    return found


def record(dir: Path, handle: str) -> Record | None:
    return next((found for found in records(dir) if found.handle == handle), None)


def stop_all(dir: Path, why: str) -> list[Record]:
    """Returns those that still ran."""
    alive = [found for found in records(dir) if found.is_alive]
    for found in alive:
        found.stop(why)
    return alive


def forget(dir: Path, handle: str) -> None:
    for kind in ("json", "out", "end", "why", "seen", "new"):
        _file(dir, handle, kind).unlink(missing_ok=True)


@dataclass(frozen=True)
class _Cursor:
    """``reader`` was shown the bytes from ``first`` up to ``next``."""

    reader: str = ""
    first: int = 0
    next: int = 0

    @classmethod
    def read(cls, path: Path) -> _Cursor:
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            return cls()

    def write(self, path: Path) -> None:
        draft = path.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self)))
        draft.rename(path)


def _file(dir: Path, handle: str, kind: str) -> Path:
    return dir / f"{handle}.{kind}"


def _is_running(pid: int, since: str) -> bool:
    try:
        return started(pid) == since and _state(pid) not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
